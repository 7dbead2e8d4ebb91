"""Parse FIELD=VALUE arguments."""

import json
from collections.abc import Sequence
from typing import Any

from slipway.errors import FieldProblem, InputError


def assignments(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse FIELD=VALUE pairs; a value that is JSON (3, 0.5, true, "x") is read as such, any other as text.

    Raises:
        InputError: a pair has no ``=``, or a field is given twice.
    """
    found: dict[str, Any] = {}
    problems = []
    for pair in pairs:
        field, equals, text = pair.partition("=")
        if not equals or not field:
            problems.append(FieldProblem(pair, "must be FIELD=VALUE"))
        elif field in found:
            problems.append(FieldProblem(field, "is given twice"))
        else:
            found[field] = _value(text)
    if problems:
        raise InputError(problems)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
