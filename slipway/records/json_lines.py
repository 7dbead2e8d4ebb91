"""Records of JSON Lines: one object a line, of strict JSON."""

import json
import math
from typing import Any

from slipway.errors import FieldProblem
from slipway.records.lines import Lines, TooLong, not_utf8
from slipway.records.rows import RECORD_BYTES, Position, Refusal, Row, Rows

_DEPTH = 32
_BLANK = "".join(map(chr, range(ord(" ") + 1)))
"""What an empty line may consist of; a line of other white space is not JSON."""

_DIGITS = 308  # more may be beyond a 64-bit float, and Python refuses to parse integers of more than 4300


class _NamedTwice(ValueError):
    """An object has a name twice."""


def json_rows(lines: Lines) -> Rows:
    """Each line but empty ones; a line that is not an object is refused, and the others are read."""
    number = 0
    while True:
        line = lines.begin()
        try:
            text = next(lines, None)
        except TooLong:
            number += 1
            message = f"has more than {RECORD_BYTES} bytes"
            yield Refusal.of(Position(number, line), message, malformed=True)
            continue
        if text is None:
            return
        if text.strip(_BLANK):
            number += 1
            yield _row(Position(number, line), text)


def _row(position: Position, text: str) -> Row | Refusal:
    if problem := not_utf8(text):
        return Refusal.of(position, problem, malformed=True)
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return Refusal.of(position, f"is not JSON: {error.msg} at character {error.pos + 1}", malformed=True)
    except _NamedTwice as error:
        return Refusal.of(position, "stands twice in the record", field=str(error))
    except RecursionError:
        return Refusal.of(position, "is not JSON that can be read: it is nested too deeply", malformed=True)
    if not isinstance(found, dict):
        return Refusal.of(position, 'must be a JSON object, e.g. {"text": "What a day"}, each on a line of its own')
    problems = [FieldProblem(_shown(name), fault) for name, value in found.items() if (fault := _fault(name, value))]
    return Refusal(position, tuple(problems)) if problems else Row(position, found)


def _fault(name: str, value: Any) -> str | None:
    """What is wrong with a field; NaN is left to the schema, since data frames write missing values so."""
    if isinstance(value, float) and math.isnan(value):
        return _text_fault(name)
    return _text_fault(name) or _value_fault(value, 0)


def _value_fault(value: Any, depth: int) -> str | None:
    """What JSON or UTF-8 cannot hold of a value that Python's parser takes."""
    if isinstance(value, str):
        return _text_fault(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number of 64 bits; write null where a value is missing"
    if not isinstance(value, list | dict):
        return None
    if depth == _DEPTH:
        return f"is nested more than {_DEPTH} levels deep"
    parts = value if isinstance(value, list) else [part for item in value.items() for part in item]
    faults = (_value_fault(part, depth + 1) for part in parts)
    return next((fault for fault in faults if fault), None)


def _text_fault(text: str) -> str | None:
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has half of a surrogate pair, \\u{ord(text[error.start]):04x}, as a cut emoji leaves it"
    return None


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode() if _text_fault(name) else name


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    raise _NamedTwice(_shown(next(name for name in names if names.count(name) > 1)))


# NaN and Infinity are read as floats, so that their column can be named.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)
