"""The base class of slipway.yaml's sections, and pydantic's errors as `FieldProblem`s in Slipway's words."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from slipway.errors import FieldProblem

_SHOWN_CHARACTERS = 60

_MESSAGES: dict[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_parsing_size": "must be an integer of at most 64 bits",
    "int_from_float": "must be an integer",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
}
_LIMITS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda c: f"must be more than {c['gt']:g}",
    "greater_than_equal": lambda c: f"must be at least {c['ge']:.8g}",
    "less_than": lambda c: f"must be less than {c['lt']:g}",
    "less_than_equal": lambda c: f"must be at most {c['le']:.8g}",
    "string_too_short": lambda c: f"must have at least {c['min_length']} character(s)",
    "string_too_long": lambda c: f"must have at most {c['max_length']} characters",
    "string_pattern_mismatch": lambda c: f"must match {c['pattern']}",
    "literal_error": lambda c: f"must be one of {c['expected']}",
    "enum": lambda c: f"must be one of {c['expected']}",
    "too_short": lambda c: f"must have at least {c['min_length']} item(s)",
    "too_long": lambda c: f"must have at most {c['max_length']} items",
}
_WITHOUT_VALUE = frozenset({"missing", "extra_forbidden", "string_too_long", "string_unicode"})


class Section(BaseModel):
    """A part of slipway.yaml: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def field_problems(
    error: ValidationError, *, prefix: str = "", whole: str = "(file)", of: type[Section] | None = None
) -> list[FieldProblem]:
    """The problems of ``error``, field by field; ``prefix`` stands before each path, e.g. ``inputs[3]``.

    ``whole`` names what was validated, for a problem of all of it. ``of`` is the section that was validated: with it,
    an unknown key names the nearest known one.
    """
    found = error.errors(include_url=False)
    problems = problems_of(found, prefix=prefix, whole=whole)
    if of is None:
        return problems
    hints = {
        field_path(each["loc"], prefix=prefix): near_name(each["loc"][-1], known_keys(of, each["loc"][:-1]))
        for each in found
        if each["type"] == "extra_forbidden"
    }
    return [FieldProblem(each.field, each.message + hints.get(each.field, "")) for each in problems]


def near_name(name: object, known: Iterable[str]) -> str:
    """``; did you mean `memory_mb`?`` for a misspelled name, else nothing."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def known_keys(section: type[Section], path: Sequence[str | int]) -> set[str]:
    """The keys of the sections at ``path`` below a section, where a map's keys are the user's own."""
    sections, pending = {section}, list(path)
    while pending and sections:
        part = pending.pop(0)
        fields = [field for each in sections if (field := each.model_fields.get(str(part))) is not None]
        if any(get_origin(kind) in (dict, tuple) for field in fields for kind in _kinds(field.annotation)) and pending:
            pending.pop(0)
        inner = [kind for field in fields for kind in _kinds(field.annotation)]
        sections = {kind for kind in inner if isinstance(kind, type) and issubclass(kind, Section)}
    return {name for each in sections for name in each.model_fields}


def _kinds(annotation: object) -> Iterator[object]:
    """An annotation and all that it is made of."""
    yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)


def problems_of(found: Sequence[ErrorDetails], *, prefix: str = "", whole: str = "(file)") -> list[FieldProblem]:
    """The same for pydantic's details of an error, as FastAPI passes them on."""
    # pydantic counts only the valid items of a tuple, and so calls one with a wrong item too short as well.
    parents = {details["loc"][:depth] for details in found for depth in range(len(details["loc"]))}
    single = (each for each in found if each["type"] != "too_short" or each["loc"] not in parents)
    return [
        FieldProblem(field_path(each["loc"], prefix=prefix) or whole, _message(each) + _shown(each)) for each in single
    ]


def field_path(parts: tuple[str | int, ...], *, prefix: str = "") -> str:
    """``("inputs", 3, "text")`` as ``inputs[3].text``."""
    path = prefix
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _message(details: ErrorDetails) -> str:
    kind = details["type"]
    if kind in _LIMITS:
        return _LIMITS[kind](details.get("ctx", {}))
    return _MESSAGES.get(kind) or details["msg"].removeprefix("Value error, ")


def _shown(details: ErrorDetails) -> str:
    value: Any = details["input"]
    if details["type"] in _WITHOUT_VALUE or not (value is None or isinstance(value, str | int | float | bool)):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f" (got {text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + '…'})"
