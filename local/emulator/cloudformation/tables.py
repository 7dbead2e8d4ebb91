"""DynamoDB tables' time to live, recovery and deletion protection, which MiniStack accepts but does not apply."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import dynamodb

_TYPES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")

Properties = Mapping[str, Any]


def handlers(existing: Mapping[str, Any]) -> dict[str, Any]:
    """MiniStack's handlers of tables, extended to apply these settings."""
    return {kind: {**existing[kind], **_completed(existing[kind])} for kind in _TYPES}


def _completed(plain: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return _apply(plain["create"](logical_id, properties, stack_name), properties)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Any:
        return _apply(plain["update"](physical_id, old, new, stack_name, *logical_id), new)

    return {"create": create, "update": update}


def _apply(created: tuple[str, Any], properties: Properties) -> tuple[str, Any]:
    table = created[0]
    replica = next(iter(properties.get("Replicas", ())), {})
    settings = {**properties, **replica}
    if ttl := settings.get("TimeToLiveSpecification"):
        dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": ttl})
    if recovery := settings.get("PointInTimeRecoverySpecification"):
        dynamodb._update_continuous_backups({"TableName": table, "PointInTimeRecoverySpecification": recovery})
    dynamodb._tables[table]["DeletionProtectionEnabled"] = settings.get("DeletionProtectionEnabled", False)
    return created
