"""Read the sample records that an import is checked and measured on."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.config import FeatureConfig, FeatureType
from slipway.errors import InputError
from slipway.models.manifest import Scalar
from slipway.models.missing_values import missing_text, plain_value
from slipway.records.cells import almost_number, finite_number, narrowest, read_cell
from slipway.records.files import open_records
from slipway.records.rows import Position, readable, shown


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows by column name, in the order of the file. Values of CSV are text until `values` converts them.

    ``label_column`` is the column of true labels or values, if there is one; ``answer_columns`` are those of several
    true answers, by label or target. Neither are among ``columns``.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    label_column: str | None = None
    is_text: bool = False
    sha256: str | None = None
    positions: tuple[Position, ...] = ()
    answer_columns: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str | float] | None:
        """The true label or value of each row; None without such a column."""
        if self.label_column is None:
            return None
        return [self._label(at, row.get(self.label_column)) for at, row in enumerate(self.rows)]

    def values(self, column: str, kind: FeatureType | None = None) -> list[Scalar | None]:
        """A column's values as ``kind``, or as the narrowest type that fits all of them; None if one is missing.

        Raises:
            InputError: no row has a value, or one has a value of another type.
        """
        raw = [self._present(at, row.get(column), column) for at, row in enumerate(self.rows)]
        if all(value is None for value in raw):
            raise InputError.of("--records", f"{self.name}: {column} is missing in every record")
        if self.is_text:
            kind = kind or self._narrowest(raw, column)
            cells = [None if text is None or missing_text(kind, text) else text for text in raw]
            raw = [text and self._finite(at, read_cell(text, kind), column) for at, text in enumerate(cells)]
        return self._checked(kind, raw, column)

    def place(self, at: int) -> str:
        """Where the row at an index stands, e.g. ``rows.csv record 3 (line 4)``."""
        return f"{self.name} {self.positions[at] if self.positions else Position(at + 1)}"

    def _narrowest(self, texts: list[str | None], column: str) -> FeatureType:
        """The narrowest type of a column; raises InputError for a text among numbers that is meant as one."""
        there = {at: text for at, text in enumerate(texts) if text is not None}
        known = {at: text for at, text in there.items() if not missing_text(FeatureType.FLOAT, text)}
        kind = narrowest(known.values()) if known else FeatureType.STRING
        if kind is FeatureType.STRING and any(finite_number(text) is not None for text in there.values()):
            for at, text in known.items():
                if hint := almost_number(text):
                    raise self._refused(at, column, f"is {shown(text)} where other records have numbers; {hint}")
        return kind

    def _checked(self, kind: FeatureType | None, values: list[Scalar | None], column: str) -> list[Scalar | None]:
        if kind is FeatureType.INTEGER:
            # Data frames write integers that may be missing as floats.
            values = [plain_value(kind, value) if None in values else value for value in values]
        for at, value in enumerate(values):
            if kind and value is not None and not FeatureConfig(type=kind).accepts(value):
                hint = almost_number(value) if isinstance(value, str) else None
                reason = f"must be of type {kind}, but has {shown(value)}"
                raise self._refused(at, column, f"{reason}; {hint}" if hint else reason)
        return values

    def _present(self, at: int, value: Any, column: str) -> Any:
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            return None
        if not isinstance(value, str | int | float):
            raise self._refused(at, column, "must be a string, a number, true or false; give whole records")
        return self._finite(at, value, column)

    def _finite(self, at: int, value: Any, column: str) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            raise self._refused(at, column, f"must be a finite number (got {value})")
        return value

    def _label(self, at: int, value: Any) -> str | float:
        if isinstance(value, str | int | float) and value != "":
            return str(value) if isinstance(value, bool) else self._finite(at, value, str(self.label_column))
        raise self._refused(at, str(self.label_column), "is missing; each record needs its label")

    def _refused(self, at: int, column: str, message: str) -> InputError:
        return InputError.of(f"{self.place(at)}, {column}", message)


def read_samples(path: Path, label_column: str | None, answers: Sequence[str] = ()) -> Samples:
    """Read a file of records.

    ``label_column`` is the column of true labels, by default ``label``, if there is one. It may also name several
    columns, separated by commas; by default, the columns named as ``answers``, if all of them are there.

    Raises:
        InputError: the file or a record in it cannot be read, there are no records, or they lack ``label_column``.
    """
    with open_records(path) as records:
        rows = readable(records)
    if not rows:
        raise InputError.of(str(path), "has no records")
    columns = list(records.columns or rows[0].values)
    true = _answer_columns(path, columns, label_column, answers)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Samples(
        name=path.name,
        columns=tuple(column for column in columns if column not in true),
        rows=[row.values for row in rows],
        label_column=true[0] if len(true) == 1 else None,
        is_text=records.is_text,
        sha256=digest,
        positions=tuple(row.position for row in rows),
        answer_columns=true if len(true) > 1 else (),
    )


def _answer_columns(path: Path, columns: list[str], wanted: str | None, answers: Sequence[str]) -> tuple[str, ...]:
    """The columns of the true answers: none, one, or several."""
    if wanted is None:
        if "label" in columns:
            return ("label",)
        return tuple(answers) if set(answers) <= set(columns) else ()
    if wanted in columns:
        return (wanted,)
    several = tuple(name.strip() for name in wanted.split(","))
    if absent := [name for name in several if name not in columns]:
        named = ", ".join(absent) if len(several) > 1 else wanted
        raise InputError.of("--label-column", f"{path.name} has no column {named}; it has {', '.join(columns)}")
    return several
