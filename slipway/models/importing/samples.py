"""Read the sample records that an import is checked and measured on, from a JSONL or CSV file."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.config import FeatureConfig, FeatureType
from slipway.errors import FieldProblem, InputError
from slipway.models.manifest import Scalar
from slipway.models.missing_values import missing_text, plain_value

_OPTION = "--records"
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows by column name, in the order of the file. A CSV's values are text until `values` converts them.

    ``label_column`` is the column of true labels or values, if there is one; it is not among ``columns``.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    label_column: str | None = None
    is_text: bool = False
    sha256: str | None = None

    @property
    def labels(self) -> list[str | float] | None:
        """The true label or value of each row; None without such a column."""
        if self.label_column is None:
            return None
        return [self._label(number, row.get(self.label_column)) for number, row in enumerate(self.rows, start=1)]

    def values(self, column: str, kind: FeatureType | None = None) -> list[Scalar | None]:
        """A column's values as ``kind``, or as the narrowest type that fits all of them; None if one is missing.

        Raises:
            InputError: no row has a value, or one has a value of another type.
        """
        raw = [_present(row.get(column), column, number) for number, row in enumerate(self.rows, start=1)]
        if all(value is None for value in raw):
            raise InputError.of(_OPTION, f"{self.name}: {column} is missing in every record")
        if kind is FeatureType.STRING and self.is_text:
            return raw
        if not self.is_text:
            return self._checked(kind, raw, column)
        for tried in (kind,) if kind else _READERS:
            cells = [None if text is None or missing_text(tried, text) else text for text in raw]
            values = [None if text is None else _READERS[tried](text) for text in cells]
            if any(value is not None for value in values) and values.count(None) == cells.count(None):
                return values
        raise InputError.of(_OPTION, f"{self.name}: {column} must be of type {kind}, but has {_wrong(raw, kind)!r}")

    def _checked(self, kind: FeatureType | None, values: list[Scalar | None], column: str) -> list[Scalar | None]:
        if kind is FeatureType.INTEGER:
            # Data frames write integers that may be missing as floats.
            values = [plain_value(kind, value) if None in values else value for value in values]
        there = [value for value in values if value is not None]
        wrong = [value for value in there if kind and not FeatureConfig(type=kind).accepts(value)]
        if wrong:
            raise InputError.of(_OPTION, f"{self.name}: {column} must be of type {kind}, but has {wrong[0]!r}")
        return values

    def _label(self, number: int, value: Any) -> str | float:
        if isinstance(value, str | int | float) and value != "":
            return str(value) if isinstance(value, bool) else value
        raise InputError.of(_OPTION, f"{self.name}: record {number} has no {self.label_column}")


def read_samples(path: Path, label_column: str | None) -> Samples:
    """Read a ``.jsonl`` or ``.csv`` file; the default ``label_column`` is ``label``, if there is one.

    Raises:
        InputError: the file cannot be read, is neither, has no records, or lacks ``label_column``.
    """
    readers = {".jsonl": _read_jsonl, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise InputError.of(_OPTION, f"{path} must end in .jsonl or .csv")
    try:
        content = path.read_bytes()
        rows = readers[path.suffix.lower()](content.decode("utf-8-sig"))
    except OSError as error:
        raise InputError.of(_OPTION, f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError.of(_OPTION, f"{path} is not UTF-8: {error}") from error
    if not rows:
        raise InputError.of(_OPTION, f"{path} has no records")
    label, columns = _split_label(path, list(rows[0]), label_column)
    digest = hashlib.sha256(content).hexdigest()
    return Samples(path.name, columns, rows, label, path.suffix.lower() == ".csv", digest)


def _split_label(path: Path, columns: list[str], wanted: str | None) -> tuple[str | None, tuple[str, ...]]:
    if wanted is not None and wanted not in columns:
        raise InputError.of("--label-column", f"{path.name} has no column {wanted}; it has {', '.join(columns)}")
    label = wanted or ("label" if "label" in columns else None)
    return label, tuple(column for column in columns if column != label)


def _read_csv(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _read_jsonl(text: str) -> list[dict[str, Any]]:
    return [_read_line(line, number) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _read_line(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError.of(_OPTION, f"line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError.of(_OPTION, f"line {number} is not an object")
    return row


def _present(value: Any, column: str, number: int) -> Any:
    fault = None
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str | int | float):
        fault = "must be a string, a number, true or false"
    elif isinstance(value, float) and not math.isfinite(value):
        fault = "must be a finite number"
    if fault:
        raise InputError([FieldProblem(f"{_OPTION} record {number}", f"{column} {fault}; give whole records")])
    return value


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.strip().lower())


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# In the order in which they are tried on a column of a CSV.
_READERS: dict[FeatureType, Callable[[str], Any]] = {
    FeatureType.BOOLEAN: _boolean,
    FeatureType.INTEGER: _integer,
    FeatureType.FLOAT: _number,
    FeatureType.STRING: str,
}


def _wrong(values: Sequence[str | None], kind: FeatureType | None) -> str | None:
    read = _READERS[kind or FeatureType.STRING]
    return next((text for text in values if text is not None and read(text) is None), None)
