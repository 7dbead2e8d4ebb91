"""Who may do what, by the policies of a world: of roles, of functions, of topics and of security groups."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from support.arrows.templates import Resource, World

WITHOUT_SOURCE_ACCOUNT = frozenset({"ec2.amazonaws.com", "ecs.amazonaws.com"})
"""Services of which AWS does not document that they name the account for which they assume a role."""


def listed(value: Any) -> list[Any]:
    """A value that templates write alone or as a list."""
    return value if isinstance(value, list) else [value]


def may(
    world: World, role: Resource, action: str, resource: str, *, given: Mapping[str, str] = MappingProxyType({})
) -> bool:
    """Whether a statement of a role's policies allows an action on a resource, by the resource's text.

    ``given`` has the values of condition keys in the request; conditions on others are taken to be met.
    """
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatchcase(action, each) for each in listed(statement["Action"]))
        and any(fnmatchcase(resource, world.text(role.stack, each)) for each in listed(statement["Resource"]))
        and _meets(world, role.stack, statement, given)
        for statement in statements_of(world, role)
    )


def _meets(world: World, stack: str, statement: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    return all(
        any(fnmatchcase(given[key], world.text(stack, each)) for each in listed(values))
        for keys in statement.get("Condition", {}).values()
        for key, values in keys.items()
        if key in given
    )


def reaches(world: World, role: Resource, resource: Resource) -> bool:
    """Whether a role may do anything at all with a resource, or with what is in it."""
    return any(
        world.text(role.stack, each).startswith(resource.name)
        for statement in statements_of(world, role)
        if statement["Effect"] == "Allow"
        for each in listed(statement["Resource"])
    )


def statements_of(world: World, role: Resource) -> Iterator[Mapping[str, Any]]:
    """The statements of a role's own policies."""
    for inline in role.properties.get("Policies", ()):
        yield from inline["PolicyDocument"]["Statement"]
    for policy in world.of_type("AWS::IAM::Policy"):
        if role.name in (world.text(policy.stack, each) for each in policy.properties["Roles"]):
            yield from policy.properties["PolicyDocument"]["Statement"]


def trusts(world: World, role: Resource, service: str) -> bool:
    """Whether a service may assume a role, and only for a resource of this account."""
    for statement in role.properties["AssumeRolePolicyDocument"]["Statement"]:
        if statement["Effect"] == "Allow" and service in listed(statement["Principal"].get("Service")):
            account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount")
            return service in WITHOUT_SOURCE_ACCOUNT or world.text(role.stack, account) == "<AWS::AccountId>"
    return False


def may_call(world: World, service: str, function: Resource, source: str) -> bool:
    """Whether a service may call a function, or the alias that is named, on behalf of ``source`` only."""
    return any(
        world.text(each.stack, each.properties["FunctionName"]) == function.name
        and each.properties["Principal"] == service
        and each.properties["Action"] == "lambda:InvokeFunction"
        and source in world.text(each.stack, each.properties.get("SourceArn", ""))
        for each in world.of_type("AWS::Lambda::Permission")
    )


def may_publish(world: World, service: str, topic: Resource, source: str) -> bool:
    """Whether a topic's policy lets a service publish for sources of this account that ``source`` begins."""
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": service}
        and statement["Action"] == "sns:Publish"
        and world.text(policy.stack, statement["Resource"]) == topic.name
        and world.text(policy.stack, statement["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
        and world.text(policy.stack, statement["Condition"]["ArnLike"]["aws:SourceArn"]).startswith(source)
        for policy in world.of_type("AWS::SNS::TopicPolicy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
    )


def lets_through(world: World, sender: str, receiver: str, port: int) -> bool:
    """Whether traffic to a port may leave one security group and enter another, by their texts."""
    ends = (("AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId", sender, receiver),)
    ends += (("AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId", receiver, sender),)
    return all(
        any(
            world.text(rule.stack, rule.properties["GroupId"]) == own
            and world.text(rule.stack, rule.properties.get(other_end)) == other
            and rule.properties["FromPort"] <= port <= rule.properties["ToPort"]
            for rule in world.of_type(type_)
        )
        for type_, other_end, own, other in ends
    )
