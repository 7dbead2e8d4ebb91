"""Every arrow between two services in a world: found by the names of properties, and checked by its kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.arrows.templates import Resource, World

# Properties that name whom a service calls, writes to or acts as.
_POINTS = re.compile(r"(Arns?|ARNs?|Uri|Actions|Destination|Endpoint|Roles?|Topics|ValueFrom|LogGroup|awslogs-group)$")
# Policies are not arrows; they say whether arrows are allowed.
POLICIES = frozenset(
    {
        *("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::Lambda::Permission", "AWS::S3::BucketPolicy"),
        *("AWS::SNS::TopicPolicy", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"),
    }
)
_IN_POLICIES = re.compile(r"^(AssumeRolePolicyDocument|Policies|ManagedPolicyArns)\b")
_VARIABLES = re.compile(r"^(Environment\.Variables\.|ContainerDefinitions\.Environment\.Value$)")
VARIABLE = "(variable)"
"""The path of every environment variable that names a resource."""

STATE = "(state)"
"""The path of every resource that a state machine's definition names."""


@dataclass(frozen=True)
class Arrow:
    """A property of a resource that points at another."""

    source: Resource
    path: str
    value: Any

    @property
    def kind(self) -> tuple[str, str]:
        return self.source.type, self.path

    def __str__(self) -> str:
        return f"{self.source} ({self.source.type}) {self.path}"


def arrows(world: World) -> Iterator[Arrow]:
    """Every arrow of a world."""
    for resource in world.resources:
        if resource.type == "AWS::StepFunctions::StateMachine":
            named = resource.properties["DefinitionString"]["Fn::Join"][1]
            yield from (
                Arrow(resource, STATE, each) for each in named if world.target(resource.stack, each) is not None
            )
        if resource.type not in POLICIES:
            for path, value in _values(resource.properties, ()):
                name = ".".join(path)
                if _VARIABLES.search(name):
                    if world.target(resource.stack, value) is not None:
                        yield Arrow(resource, VARIABLE, value)
                elif _POINTS.search(name) and not _IN_POLICIES.search(name):
                    yield Arrow(resource, name, value)


def _values(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves of a resource's properties, and references, each with the names that lead to it."""
    if isinstance(value, list):
        for each in value:
            yield from _values(each, path)
    elif isinstance(value, dict) and not any(key == "Ref" or key.startswith("Fn::") for key in value):
        for key, each in value.items():
            yield from _values(each, (*path, key))
    else:
        yield path, value
