"""What counts as a missing value of a nullable input, in JSON, in text and in the columns of a file."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.config import FeatureType
from slipway.models.manifest import InputField
from slipway.records.cells import read_cell

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


@dataclass(frozen=True, slots=True)
class Column:
    """An input of a model as a column of a file."""

    type: FeatureType
    nullable: bool = False
    has_default: bool = False


def file_record(row: Mapping[str, Any], columns: Mapping[str, Column], *, is_text: bool) -> dict[str, Any]:
    """A row of a file with columns as a record of a request; texts are read by their columns' types.

    A nullable input without a value is None, as in JSON, so that none is taken from the feature store. Other cells
    without a value are absent, so that a default applies or the input is named as missing.
    """
    record: dict[str, Any] = {}
    for name, cell in row.items():
        column = columns.get(name)
        value = _value(column, cell, is_text=is_text) if column is not None else cell
        if value is not None or (column is not None and column.nullable and not column.has_default):
            record[name] = value
    return record


def _value(column: Column, cell: Any, *, is_text: bool) -> Any:
    if is_text and isinstance(cell, str):
        cell = None if column.nullable and missing_text(column.type, cell) else read_cell(cell, column.type)
    return None if column.nullable and isinstance(cell, float) and math.isnan(cell) else cell
