"""What counts as a missing value of a nullable input, in JSON and in text."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from slipway.config import FeatureType
from slipway.models.manifest import InputField

# What pandas, R and databases write; a string keeps such words, since they may be meant.
_WORDS = frozenset({"", "na", "nan", "null", "none"})


def missing_text(kind: FeatureType, text: str) -> bool:
    """Whether a cell of CSV says that there is no value."""
    return text == "" if kind is FeatureType.STRING else text.strip().lower() in _WORDS


def plain_value(kind: FeatureType, value: Any) -> Any:
    """A nullable input's value with NaN as None; data frames keep integers that may be missing as floats."""
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return int(value) if kind is FeatureType.INTEGER and value.is_integer() else value


def present_values(row: Mapping[str, Any], fields: Iterable[InputField]) -> dict[str, Any]:
    """A row of texts without the cells of nullable inputs that say that there is no value."""
    nullable = {field.name: field.type for field in fields if field.nullable}
    return {
        name: value
        for name, value in row.items()
        if not (name in nullable and isinstance(value, str) and missing_text(nullable[name], value))
    }
