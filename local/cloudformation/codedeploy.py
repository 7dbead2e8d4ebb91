"""CodeDeploy: kept as records, so that templates with a canary deploy.

An alias update takes effect at once here: MiniStack ignores alias weights, so there would be no canary to watch.
"""

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentConfig": "DeploymentConfigName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
}

Properties = Mapping[str, Any]


def handlers(_existing: Mapping[str, Any]) -> dict[str, Any]:
    """The handlers of this module's types, as MiniStack keeps them."""
    return {kind: {"create": _creator(key), "delete": _delete} for kind, key in _NAMES.items()}


def _creator(key: str) -> Any:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict[str, str]]:
        return properties.get(key) or f"{stack_name}-{logical_id}", {}

    return create


def _delete(_physical_id: str, _properties: Properties) -> None:
    """Nothing was made, so there is nothing to remove."""
