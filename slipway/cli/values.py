"""Parse FIELD=VALUE arguments."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.config import FeatureType
from slipway.errors import FieldProblem, InputError
from slipway.records.cells import read_cell
from slipway.records.rows import shown

_NO_TYPES: Mapping[str, FeatureType] = {}


def assignments(pairs: Sequence[str], types: Mapping[str, FeatureType] = _NO_TYPES) -> dict[str, Any]:
    """Parse FIELD=VALUE pairs, each value by its field's type.

    Without a type, a number, true, false or a string in quotes is read as in JSON, any other value as text.

    Raises:
        InputError: a pair has no ``=``, a field is given twice, or a value is no finite number or not UTF-8.
    """
    found = {field: _value(text, types.get(field)) for field, text in texts(pairs).items()}
    if problems := [FieldProblem(field, problem) for field, value in found.items() if (problem := _problem(value))]:
        raise InputError(problems)
    return found


def texts(pairs: Sequence[str]) -> dict[str, str]:
    """Split FIELD=VALUE pairs; raises InputError as `assignments` does, but for numbers that are not finite."""
    found: dict[str, str] = {}
    problems = []
    for pair in pairs:
        field, equals, text = pair.partition("=")
        if not equals or not field:
            problems.append(FieldProblem(shown(pair), "must be FIELD=VALUE"))
        elif field in found:
            problems.append(FieldProblem(shown(field), "is given twice"))
        elif not _is_utf8(pair):
            problems.append(FieldProblem(shown(field), _NOT_UTF8))
        else:
            found[field] = text
    if problems:
        raise InputError(problems)
    return found


_NOT_UTF8 = "is not UTF-8; give the text as UTF-8"


def _value(text: str, kind: FeatureType | None) -> Any:
    if kind is not None:
        return read_cell(text, kind)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if value is None or isinstance(value, list | dict) else value


def _problem(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number, not {value}"
    return None if _is_utf8(str(value)) else _NOT_UTF8


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
