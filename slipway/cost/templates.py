"""The resources of CloudFormation templates, as the pricing reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of a stack."""

    stack: str
    id: str
    type: str
    properties: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Templates:
    """The resources of all stacks, by type."""

    resources: tuple[Resource, ...]

    @classmethod
    def of(cls, templates: Mapping[str, Template]) -> "Templates":
        """Read the templates, by stack."""
        return cls(
            tuple(
                Resource(stack, id_, str(resource["Type"]), resource.get("Properties", {}))
                for stack, template in templates.items()
                for id_, resource in template.get("Resources", {}).items()
            )
        )

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of some types."""
        return [resource for resource in self.resources if resource.type in types]

    def referred(self, by: Resource, value: object) -> Resource | None:
        """The resource of the same stack that a value of a property refers to."""
        ids = set(_references(value))
        return next((each for each in self.resources if each.stack == by.stack and each.id in ids), None)


def _references(value: object) -> Iterator[str]:
    """The ids that ``Ref`` and ``Fn::GetAtt`` name anywhere in a value."""
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield str(inner[0] if isinstance(inner, list) else str(inner).partition(".")[0])
            else:
                yield from _references(inner)
