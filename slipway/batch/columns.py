"""Check whole columns against a manifest, as `slipway.models.schema` checks records, and make of them what graphs take.

A column whose type needs a closer look is left to the records' checks, as are the rows that are refused here, so that
there is one place that says what is wrong.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slipway.config import FeatureType
from slipway.models.manifest import InputField, Manifest
from slipway.models.prediction.tasks import MISSING_TEXT
from slipway.models.schema import FLOAT32_MAX, INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    import pyarrow

Values = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CheckedColumns:
    """The inputs by name, as `ColumnTask.encode_columns` takes them, and which of the rows are right."""

    values: Mapping[str, Values]
    right: Mask

    def rows(self, chosen: Any) -> dict[str, Values]:
        """The columns of some rows."""
        return {name: column[chosen] for name, column in self.values.items()}


@dataclass(frozen=True, slots=True)
class _Column:
    """Values of any kind where ``there``; ``right`` says whether they may be what they are."""

    values: Values
    there: Mask
    right: Mask


def checked_columns(manifest: Manifest, table: "pyarrow.RecordBatch") -> CheckedColumns | None:
    """Check the inputs among the columns of a table; None if one is of a type that needs a look at each value."""
    values: dict[str, Values] = {}
    right = np.ones(table.num_rows, bool)
    for field in manifest.inputs:
        found = _of(field, table)
        if found is None:
            return None
        values[field.name], fits = _filled(field, found)
        right &= fits
    return CheckedColumns(values, right)


def _of(field: InputField, table: "pyarrow.RecordBatch") -> _Column | None:
    if field.name not in table.schema.names:
        nothing = np.zeros(table.num_rows, bool)
        return _Column(_blank(field, table.num_rows), nothing, nothing)
    column = table.column(field.name)
    match field.type:
        case FeatureType.STRING:
            return _texts(field, column)
        case FeatureType.BOOLEAN:
            return _booleans(field, column)
        case FeatureType.INTEGER:
            return _integers(field, column)
        case FeatureType.FLOAT:
            return _floats(field, column)


def _filled(field: InputField, column: _Column) -> tuple[Values, Mask]:
    """The values with the default, or what a graph takes for a missing value, where there is none."""
    values, missing = column.values, ~column.there
    if not missing.any():
        return values, column.right
    if field.default is not None:
        return np.where(missing, np.asarray(field.default, values.dtype), values), column.right | missing
    if field.nullable:
        if field.type is not FeatureType.STRING:
            values = values.astype(np.float64)
        return np.where(missing, _missing(field), values), column.right | missing
    return values, column.right & column.there


def _missing(field: InputField) -> Any:
    return MISSING_TEXT if field.type is FeatureType.STRING else math.nan


def _blank(field: InputField, rows: int) -> Values:
    kinds: dict[FeatureType, Any] = {
        FeatureType.STRING: object,
        FeatureType.BOOLEAN: np.bool_,
        FeatureType.INTEGER: np.int64,
        FeatureType.FLOAT: np.float64,
    }
    return np.full(rows, MISSING_TEXT if field.type is FeatureType.STRING else 0, kinds[field.type])


def _texts(field: InputField, column: "pyarrow.Array") -> _Column | None:
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    there = _there(column)
    encoded = column.fill_null(MISSING_TEXT).dictionary_encode()  # each of the texts is made and checked once
    texts, places = encoded.dictionary, encoded.indices.to_numpy()
    try:
        values = np.array(texts.to_pylist(), object)
    except UnicodeDecodeError:
        return None
    right = np.ones(len(texts), bool)
    if field.max_characters is not None:
        right &= compute.utf8_length(texts).to_numpy() <= field.max_characters
    if field.allowed is not None:
        allowed = compute.is_in(texts, value_set=pa.array([str(each) for each in field.allowed], texts.type))
        right &= allowed.to_numpy(zero_copy_only=False)
    return _Column(values[places], there, there & right[places])


def _booleans(field: InputField, column: "pyarrow.Array") -> _Column | None:
    from pyarrow import types

    if not types.is_boolean(column.type):
        return None
    there, values = _there(column), column.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return _Column(values, there, there & _is_allowed(field, values))


def _integers(field: InputField, column: "pyarrow.Array") -> _Column | None:
    from pyarrow import types

    # A nullable integer may be a whole float; that of one which is not nullable is refused by name.
    if not types.is_integer(column.type) or types.is_uint64(column.type):
        return None
    there, values = _there(column), column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    low = INT64_MIN if field.min is None else max(INT64_MIN, math.ceil(field.min))
    high = INT64_MAX if field.max is None else min(INT64_MAX, math.floor(field.max))
    return _Column(values, there, there & (values >= low) & (values <= high) & _is_allowed(field, values))


def _floats(field: InputField, column: "pyarrow.Array") -> _Column | None:
    from pyarrow import types

    if not (types.is_integer(column.type) or types.is_floating(column.type)):
        return None
    there, values = _there(column), column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    if field.nullable:
        there = there & ~np.isnan(values)
    low = max(-math.inf if field.min is None else field.min, -FLOAT32_MAX)
    high = min(math.inf if field.max is None else field.max, FLOAT32_MAX)
    with np.errstate(invalid="ignore"):
        right = there & (values >= low) & (values <= high)
    return _Column(values, there, right & _is_allowed(field, values))


def _there(column: "pyarrow.Array") -> Mask:
    there: Mask = column.is_valid().to_numpy(zero_copy_only=False)
    return there


def _is_allowed(field: InputField, values: Values) -> Mask | bool:
    return True if field.allowed is None else np.isin(values, np.array(list(field.allowed)))
