"""Types of values in request bodies."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator


def absent_if_null(default: Callable[[], Any], accepted: Any) -> BeforeValidator:
    """Read null as if the field were absent, as clients write that serialize every field.

    Args:
        default: creates the value of an absent field.
        accepted: the type that the schema shows.
    """
    return BeforeValidator(lambda value: default() if value is None else value, json_schema_input_type=accepted)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int)]
"""An integer that may be written as 7.0, which JSON Schema counts as one."""
