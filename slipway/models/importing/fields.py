"""Infer the inputs of an imported model from its source, the sample records and the user's statements."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
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
    """A valid manifest name for a column: ``Mean Radius (mm)`` becomes ``mean_radius_mm``, ``Größe`` ``grosse``."""
    name = re.sub(r"[^a-z0-9]+", "_", _plain(column)).strip("_")[:_NAME_CHARACTERS]
    return name if name[:1].isalpha() else f"field_{name}".rstrip("_")[:_NAME_CHARACTERS]


def named(column: str, renamed: Mapping[str, str]) -> str:
    """The manifest's name for a column, which ``renamed`` may state.

    Raises:
        InputError: the column's name has letters that a manifest's name cannot have, and nothing renames it.
    """
    if column in renamed:
        return renamed[column]
    if any(letter.isalpha() and not letter.isascii() for letter in _plain(column)):
        message = f"{column} has letters that the name of an input cannot have; name it, e.g. --rename '{column}=age'"
        raise InputError.of("--rename", message)
    return field_name(column)


def read_renames(pairs: Sequence[str]) -> dict[str, str]:
    """``COLUMN=NAME`` pairs as a mapping; raises InputError for one that is not such a pair."""
    if wrong := [pair for pair in pairs if not all(pair.rpartition("="))]:
        raise InputError.of("--rename", f"{wrong[0]!r} must be COLUMN=NAME")
    return {column: name for column, _, name in (pair.rpartition("=") for pair in pairs)}


def _plain(text: str) -> str:
    """Lower case without accents; letters of other scripts stay."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


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
    columns: Sequence[Column],
    samples: Samples,
    stated: Mapping[str, Mapping[str, Any]],
    *,
    ranges: bool = True,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> InputDocuments:
    """Infer the manifest's ``inputs``; the user's statements take precedence.

    Raises:
        InputError: the samples lack a column or have a type that the source refuses, ``stated`` names no input, or
            ``renamed`` names no column.
    """
    there = [column.name for column in columns]
    if absent := sorted(set(renamed) - set(there)):
        raise InputError.of("--rename", f"{', '.join(absent)} are not columns of the model; it has {', '.join(there)}")
    names = [named(name, renamed) for name in there]
    if unknown := sorted(set(stated) - set(names)):
        raise InputError.of("--inputs", f"{', '.join(unknown)} are not inputs of the model; it has {', '.join(names)}")
    if len(set(names)) != len(names):
        pairs = ", ".join(f"{column} ({name})" for column, name in zip(there, names, strict=True))
        raise InputError.of("--rename", f"two columns would have the same name; rename one: {pairs}")
    return [
        {**_inferred(column, name, samples, stated.get(name, {}), ranges=ranges), **stated.get(name, {})}
        for column, name in zip(columns, names, strict=True)
    ]


def _inferred(
    column: Column, name: str, samples: Samples, stated: Mapping[str, Any], *, ranges: bool
) -> dict[str, Any]:
    stated_type = stated.get("type")
    known = FeatureType(stated_type) if stated_type in list(FeatureType) else column.type
    values = [value for value in samples.values(column_of(column, samples), known) if value is not None]
    kind = known or _type_of(column.name, values)
    found: dict[str, Any] = {"name": name, "type": str(kind)}
    if column.allowed is not None:
        found["allowed"] = list(column.allowed)
    elif (
        ranges
        and kind is FeatureType.STRING
        and not (column.is_text or column.takes_unknown)
        and (allowed := _categories(values))
    ):
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
