"""Types that are kept as names, since nothing here depends on what they would do in AWS; docs/local.md says why, each.

An update keeps the name, so what refers to a resource goes on referring to it.
"""

from collections.abc import Callable, Mapping
from typing import Any

Properties = Mapping[str, Any]
Namer = Callable[[str, Properties, str], str]


def _named_by(key: str) -> Namer:
    """The name that the template gives in a property, else one after the stack."""
    return lambda logical_id, properties, stack: str(properties.get(key) or f"{stack}-{logical_id}")


def _after_stack(logical_id: str, _: Properties, stack: str) -> str:
    return f"{stack}-{logical_id}"


def _scalable_target(_: str, properties: Properties, __: str) -> str:
    return "|".join(properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))


_NAMERS: Mapping[str, Namer] = {
    # An alias update takes effect at once here: MiniStack ignores alias weights, so there would be no canary to watch.
    "AWS::CodeDeploy::Application": _named_by("ApplicationName"),
    "AWS::CodeDeploy::DeploymentConfig": _named_by("DeploymentConfigName"),
    "AWS::CodeDeploy::DeploymentGroup": _named_by("DeploymentGroupName"),
    # Everything reaches everything on loopback; `local/emulator/balancing/links.py` needs the listener only.
    "AWS::ApiGatewayV2::VpcLink": _after_stack,
    "AWS::EC2::SecurityGroupIngress": _after_stack,
    "AWS::EC2::SecurityGroupEgress": _after_stack,
    "AWS::EC2::EIP": _after_stack,
    "AWS::EC2::NatGateway": _after_stack,
    # One machine has no more processors for more tasks.
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
    """The handlers of these types, as MiniStack keeps them."""
    return {kind: {"create": _creator(kind, namer), "delete": _delete} for kind, namer in _NAMERS.items()}


def _creator(kind: str, namer: Namer) -> Any:
    def create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict[str, str]]:
        name = namer(logical_id, properties, stack_name)
        return name, {_ATTRIBUTES[kind]: name} if kind in _ATTRIBUTES else {}

    return create


def _delete(_physical_id: str, _properties: Properties) -> None:
    """Nothing was made, so there is nothing to remove."""
