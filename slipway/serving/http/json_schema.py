"""The words of JSON Schema that the OpenAPI document is written in."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}
BOOLEAN: Json = {"type": "boolean"}
OBJECT: Json = {"type": "object"}
TIME: Json = {"type": "string", "format": "date-time"}


def ref(schema: str) -> Json:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{schema}"}


def an_object(properties: Mapping[str, Json], *, required: Sequence[str] | None = None) -> Json:
    """The schema of an object that has no other properties; all are required unless ``required`` names them."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def a_list(items: Json) -> Json:
    """The schema of a list."""
    return {"type": "array", "items": items}
