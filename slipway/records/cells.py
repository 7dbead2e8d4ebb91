"""Read a cell of CSV or TSV by the type of its column; a text of another type stays text, for the schema to refuse."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from slipway.config import FeatureType, FeatureValue

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
# Digits with what people write between them; neither Python nor JSON writes numbers so.
_GROUPED = re.compile(r"[+-]?[0-9]+([_,' \u00a0\u202f][0-9]+)+(\.[0-9]+)?")
_NO_VALUE = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "-nan", "nat", "null", "none", "nil"})
_WORDS = {"true": True, "false": False}
_BOOLEANS = {**_WORDS, "1": True, "0": False}
_DIGITS = 308  # more may be beyond a 64-bit float, and Python refuses to parse integers of more than 4300


def read_cell(text: str, kind: FeatureType) -> FeatureValue:
    """The text as a value of the type, or unchanged. NaN and infinities are read, so that the schema can name them."""
    if kind is FeatureType.STRING:
        return text
    bare = text.strip(" \t")
    if kind is FeatureType.BOOLEAN:
        return _BOOLEANS.get(bare.lower(), text)
    if kind is FeatureType.INTEGER and _INTEGER.fullmatch(bare) and len(bare) <= _DIGITS:
        return int(bare)
    if (kind is FeatureType.FLOAT and _NUMBER.fullmatch(bare)) or _NOT_FINITE.fullmatch(bare):
        return float(bare)
    return text


def read_cells(values: Mapping[str, Any], types: Mapping[str, FeatureType]) -> dict[str, Any]:
    """A row of texts with each column in ``types`` read by its type."""
    return {
        name: read_cell(value, types[name]) if isinstance(value, str) and name in types else value
        for name, value in values.items()
    }


def finite_number(value: object) -> float | None:
    """A number, or a text that is one, as a finite float; None if it is neither."""
    if isinstance(value, str):
        value = read_cell(value, FeatureType.FLOAT)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def narrowest(cells: Iterable[str]) -> FeatureType:
    """The narrowest type that fits every cell; 1 and 0 are integers, not booleans."""
    bare = [cell.strip(" \t") for cell in cells]
    if all(cell.lower() in _WORDS for cell in bare):
        return FeatureType.BOOLEAN
    if all(_INTEGER.fullmatch(cell) and len(cell) <= _DIGITS for cell in bare):
        return FeatureType.INTEGER
    if all(_NUMBER.fullmatch(cell) for cell in bare):
        return FeatureType.FLOAT
    return FeatureType.STRING


def almost_number(text: str) -> str | None:
    """Why a text among numbers is probably meant as one: it marks a missing value, or groups digits; None otherwise."""
    bare = text.strip()
    if bare.lower() in _NO_VALUE:
        return "leave the cell empty where a value is missing"
    if _NOT_FINITE.fullmatch(bare):
        return "numbers must be finite"
    if _GROUPED.fullmatch(bare):
        return "write the digits without separators, and a decimal point"
    return None
