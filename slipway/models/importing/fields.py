"""Infer the inputs of an imported model from its source, the sample records and the user's statements."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slipway.config import FeatureType
from slipway.errors import InputError
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Column, Fields
from slipway.models.manifest import Record, Scalar

_CATEGORIES = 20
_TIMES_SEEN = 3
_DIGITS = 2
_NAME_CHARACTERS = 64
# The range of float32, in which graphs compute.
_LEAST, _MOST = 1e-37, 3.4e38

InputDocuments = list[dict[str, Any]]


def field_name(column: str) -> str:
    """A valid manifest name for a column: ``Mean Radius (mm)`` becomes ``mean_radius_mm``."""
    name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")[:_NAME_CHARACTERS]
    return name if name[:1].isalpha() else f"field_{name}".rstrip("_")[:_NAME_CHARACTERS]


def read_inputs(path: Path) -> dict[str, dict[str, Any]]:
    """Read the user's statements on inputs, a YAML list like a manifest's `inputs`, by name.

    Raises:
        InputError: the file cannot be read or is not such a list.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError.of("--inputs", f"{path}: {error}") from error
    if not isinstance(document, list) or not all(
        isinstance(e, dict) and isinstance(e.get("name"), str) for e in document
    ):
        raise InputError.of("--inputs", f"{path} must be a list of inputs, each with a name, as in model.yaml")
    return {entry["name"]: entry for entry in document}


def column_of(column: Column, samples: Samples) -> str:
    """The samples' column for ``column``, by the source's name, else by the manifest's."""
    for name in (column.name, field_name(column.name)):
        if name in samples.columns:
            return name
    raise InputError.of("--records", f"{samples.name} has no column {column.name}; it has {', '.join(samples.columns)}")


def infer_inputs(
    columns: Sequence[Column], samples: Samples, stated: Mapping[str, Mapping[str, Any]], *, ranges: bool = True
) -> InputDocuments:
    """Infer the manifest's ``inputs``; the user's statements take precedence.

    Raises:
        InputError: the samples lack a column or have a type that the source refuses, or ``stated`` names no input.
    """
    names = [field_name(column.name) for column in columns]
    if unknown := sorted(set(stated) - set(names)):
        raise InputError.of("--inputs", f"{', '.join(unknown)} are not inputs of the model; it has {', '.join(names)}")
    if len(set(names)) != len(names):
        raise InputError.of("model", f"two columns would have the same name in the manifest: {', '.join(names)}")
    return [
        {**_inferred(column, name, samples, stated.get(name, {}), ranges=ranges), **stated.get(name, {})}
        for column, name in zip(columns, names, strict=True)
    ]


def _inferred(
    column: Column, name: str, samples: Samples, stated: Mapping[str, Any], *, ranges: bool
) -> dict[str, Any]:
    stated_type = stated.get("type")
    known = FeatureType(stated_type) if stated_type in list(FeatureType) else column.type
    values = samples.values(column_of(column, samples), known)
    kind = known or _type_of(column.name, values)
    found: dict[str, Any] = {"name": name, "type": str(kind)}
    if column.allowed is not None:
        found["allowed"] = list(column.allowed)
    elif ranges and kind is FeatureType.STRING and not column.is_text and (allowed := _categories(values)):
        found["allowed"] = allowed
    elif ranges and kind in (FeatureType.INTEGER, FeatureType.FLOAT):
        found["min"], found["max"] = _range([float(value) for value in values])
    return found


def _type_of(name: str, values: Sequence[Scalar]) -> FeatureType:
    kinds = {type(value) for value in values}
    for found, kind in (
        ({bool}, FeatureType.BOOLEAN),
        ({int}, FeatureType.INTEGER),
        ({int, float}, FeatureType.FLOAT),
        ({str}, FeatureType.STRING),
    ):
        if kinds <= found:
            return kind
    raise InputError.of("--records", f"{name} has values of several types: {', '.join(k.__name__ for k in kinds)}")


def _categories(values: Sequence[Scalar]) -> list[Scalar] | None:
    """The distinct values if they are few and repeat often, so that any other value is probably a mistake."""
    distinct = sorted(set(values), key=str)
    return distinct if len(distinct) <= _CATEGORIES and len(values) >= _TIMES_SEEN * len(distinct) else None


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The values' range, widened by its own width on both sides, but not below zero if no value is.

    A wrong unit or sign falls outside the range; somewhat unusual values do not.
    """
    low, high = min(values), max(values)
    width = (high - low) or abs(high) or 1.0
    least = 0.0 if low >= 0 else _rounded(low - width, math.floor)
    return least, _rounded(high + width, math.ceil)


def _rounded(value: float, towards: Any) -> float:
    """Round to two significant digits, away from the values."""
    if abs(value) < _LEAST:
        return value
    if abs(value) > _MOST:
        return math.copysign(_MOST, value)
    scale = 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1)
    return float(f"{towards(value / scale) * scale:.{_DIGITS + 1}g}")


def settle(columns: Sequence[Column], inputs: InputDocuments) -> Fields:
    """Pair the source's columns with the manifest's inputs."""
    return Fields(
        columns=tuple(column.name for column in columns),
        names=tuple(entry["name"] for entry in inputs),
        types=tuple(FeatureType(entry["type"]) for entry in inputs),
    )


def sample_records(columns: Sequence[Column], fields: Fields, samples: Samples) -> list[Record]:
    """The samples as whole records, with the manifest's names and types."""
    found = [column_of(column, samples) for column in columns]
    read = [samples.values(name, kind) for name, kind in zip(found, fields.types, strict=True)]
    return [dict(zip(fields.names, row, strict=True)) for row in zip(*read, strict=True)]
