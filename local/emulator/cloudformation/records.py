"""Types that only get a name, because nothing here depends on their effect; docs/local.md has each one's reason.

An update keeps the name, so references to a resource stay valid.
"""

from collections.abc import Callable, Mapping
from typing import Any

Properties = Mapping[str, Any]
Namer = Callable[[str, Properties, str], str]


def _named_by(key: str) -> Namer:
    """The name in a property of the template, else one derived from the stack."""
    return lambda logical_id, properties, stack: str(properties.get(key) or f"{stack}-{logical_id}")


def _after_stack(logical_id: str, _: Properties, stack: str) -> str:
    return f"{stack}-{logical_id}"


def _scalable_target(_: str, properties: Properties, __: str) -> str:
    return "|".join(properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


_NAMERS: Mapping[str, Namer] = {
    # An alias update takes effect at once: MiniStack ignores alias weights, so there would be no canary to watch.
    "AWS::CodeDeploy::Application": _named_by("ApplicationName"),
    "AWS::CodeDeploy::DeploymentConfig": _named_by("DeploymentConfigName"),
    "AWS::CodeDeploy::DeploymentGroup": _named_by("DeploymentGroupName"),
    # On loopback, everything can reach everything; `local/emulator/balancing/links.py` needs only the listener.
    "AWS::ApiGatewayV2::VpcLink": _after_stack,
    "AWS::EC2::SecurityGroupIngress": _after_stack,
    "AWS::EC2::SecurityGroupEgress": _after_stack,
    "AWS::EC2::EIP": _after_stack,
    "AWS::EC2::NatGateway": _after_stack,
    # More tasks would not get more processors on one machine.
    "AWS::ApplicationAutoScaling::ScalableTarget": _scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": _named_by("PolicyName"),
}
_ATTRIBUTES = {
    "AWS::ApiGatewayV2::VpcLink": "VpcLinkId",
    "AWS::EC2::SecurityGroupIngress": "Id",
    "AWS::EC2::SecurityGroupEgress": "Id",
    "AWS::EC2::EIP": "AllocationId",
    "AWS::EC2::NatGateway": "NatGatewayId",
    "AWS::ApplicationAutoScaling::ScalableTarget": "Id",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "Arn",
}


def handlers(_existing: Mapping[str, Any]) -> dict[str, Any]:
    """The handlers of these types, in MiniStack's form."""
    return {kind: {"create": _creator(kind, namer), "delete": _delete} for kind, namer in _NAMERS.items()}


def _creator(kind: str, namer: Namer) -> Any:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict[str, str]]:
        name = namer(logical_id, properties, stack_name)
        return name, {_ATTRIBUTES[kind]: name} if kind in _ATTRIBUTES else {}

    return create


def _delete(_physical_id: str, _properties: Properties) -> None:
    """Do nothing: nothing was created."""
