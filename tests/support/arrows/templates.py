"""The templates of a project as one world: references lead from stack to stack, to the resources that they name."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REFERENCE = re.compile(r"^<([\w-]+)\.(\w+)>")


@dataclass(frozen=True)
class Resource:
    """One resource of one stack."""

    stack: str
    id: str
    type: str
    properties: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The text that stands for this resource wherever one is named, by name or by ARN."""
        return f"<{self.stack}.{self.id}>"

    def __str__(self) -> str:
        return f"{self.stack}/{self.id}"


def read_templates(folder: Path) -> dict[str, Any]:
    """The templates of a synthesis, by the names of their stacks."""
    files = sorted(folder.glob("*.template.json"))
    return {file.name.partition(".")[0]: json.loads(file.read_text(encoding="utf-8")) for file in files}


class World:
    """All templates of a project, by the names of their stacks."""

    def __init__(self, templates: Mapping[str, Any]) -> None:
        self._templates = templates
        self.resources = [
            Resource(stack, id_, each["Type"], each.get("Properties", {}))
            for stack, template in templates.items()
            for id_, each in template["Resources"].items()
        ]
        self._by_name = {each.name: each for each in self.resources}
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if isinstance(output.get("Export", {}).get("Name"), str)
        }

    def of_type(self, *types: str) -> Iterator[Resource]:
        return (each for each in self.resources if each.type in types)

    def target(self, stack: str, value: Any) -> Resource | None:
        """The resource that a value names, if it begins with a reference to one."""
        found = _REFERENCE.match(self.text(stack, value))
        return self._by_name.get(found.group()) if found else None

    def attribute(self, stack: str, value: Any) -> str | None:
        """The attribute that a value takes of a resource, here or in another stack; None of `Ref` and others."""
        match value:
            case {"Fn::ImportValue": name}:
                return self.attribute(*self._exports[name])
            case {"Fn::GetAtt": [_, attribute]}:
                return str(attribute)
        return None

    def text(self, stack: str, value: Any) -> str:
        """A value as text; a reference to a resource is its name, whatever attribute it takes."""
        if not isinstance(value, dict):
            return str(value)
        (kind, of), *others = value.items()
        if others or not (kind == "Ref" or kind.startswith("Fn::")):
            return json.dumps(value)
        return self._reference(stack, kind, of)

    def _reference(self, stack: str, kind: str, of: Any) -> str:
        match kind:
            case "Ref":
                return f"<{of}>" if "::" in of else f"<{stack}.{of}>"
            case "Fn::GetAtt":
                return f"<{stack}.{of[0]}>"
            case "Fn::ImportValue":
                return self.text(*self._exports[of])
            case "Fn::Join":
                return str(of[0]).join(self.text(stack, each) for each in of[1])
        return json.dumps({kind: of})
