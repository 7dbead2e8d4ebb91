"""Secrets of a task definition's containers, whose names and sources MiniStack's CloudFormation drops."""

from collections.abc import Mapping
from typing import Any

from ministack.services import ecs
from ministack.services.cloudformation.provisioners import _pascal_to_camel

_TYPE = "AWS::ECS::TaskDefinition"

Properties = Mapping[str, Any]


def handlers(existing: Mapping[str, Any]) -> dict[str, Any]:
    """MiniStack's handler of task definitions, extended to keep the secrets."""
    plain = existing[_TYPE]

    def create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        return _complete(plain["create"](logical_id, properties, stack_name), properties)

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Any:
        return _complete(plain["update"](physical_id, old, new, stack_name, *logical_id), new)

    return {_TYPE: {**plain, "create": create, "update": update}}


def _complete(made: tuple[str, Any], properties: Properties) -> tuple[str, Any]:
    definition = ecs._task_defs[made[0].rsplit("/", 1)[-1]]
    given = properties["ContainerDefinitions"]
    for container, template in zip(definition["containerDefinitions"], given, strict=True):
        container["secrets"] = _pascal_to_camel(template.get("Secrets", []))
    return made
