"""What several pages read from forms, and how they write an answer."""

import json
from collections.abc import Mapping
from typing import Any

from slipway.errors import InputError
from slipway.records.cells import finite_number


def number_of(text: str, field: str) -> float | None:
    """A number that a form has, None if the field is empty; raises InputError for anything else."""
    if not text.strip():
        return None
    number = finite_number(text.strip())
    if number is None:
        raise InputError.of(field, f"{text!r} is not a number")
    return number


def text_of_answer(outputs: Mapping[str, Any]) -> str:
    """An answer in one line: a label with its score, labels, a value, or values by target."""
    score = outputs.get("score")
    if isinstance(label := outputs.get("label"), str):
        return f"{label} ({score:.3f})" if isinstance(score, float) else label
    for name in ("labels", "value", "values"):
        if name in outputs:
            return json.dumps(outputs[name], ensure_ascii=False)
    return json.dumps(dict(outputs), ensure_ascii=False)
