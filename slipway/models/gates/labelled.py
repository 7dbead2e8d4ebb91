"""Read labelled records from a file, to measure the quality of a package."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError
from slipway.models.manifest import Form, Manifest, Record
from slipway.models.missing_values import present_values
from slipway.models.prediction.labels import Truth, find_label, find_labels
from slipway.models.schema import RequestRecord, record_model
from slipway.records.cells import finite_number, read_cells
from slipway.records.files import open_records
from slipway.records.rows import Row, placed, readable, shown

LABEL = "label"
_SHOWN_PROBLEMS = 10
_LONGEST_TEXT = 1_000_000
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Whole records with the true answer of each, and the name and SHA-256 of their file."""

    name: str
    sha256: str
    records: list[Record]
    labels: list[Truth]


def read_labelled(path: Path, manifest: Manifest) -> Labelled:
    """Read a file of records with every input of ``manifest`` and their true answers; other columns are ignored.

    The answers are in a column ``label``: a label, a list of labels, or a value. They may also be in a column for each
    label of a multi-label version, with 1 or 0; those of a regression with several targets are in a column for each.

    Raises:
        InputError: the file cannot be read, has no records, or has invalid ones; the first ten problems are listed.
    """
    rows, digest = _read_rows(path, manifest)
    records, labels = _checked(rows, manifest, path.name)
    return Labelled(path.name, digest, records, labels)


def read_given(path: Path, manifest: Manifest) -> Labelled:
    """Read such a file with or without true answers; without them, ``labels`` of the result is empty.

    Raises:
        InputError: as `read_labelled` does.
    """
    rows, digest = _read_rows(path, manifest)
    columns = _answer_columns(manifest)
    has_labels = any(row.values.get(column) is not None for row in rows for column in columns)
    records, labels = _checked(rows, manifest, path.name, with_labels=has_labels)
    return Labelled(path.name, digest, records, labels)


def _read_rows(path: Path, manifest: Manifest) -> tuple[list[Row], str]:
    """The rows of the file, with the inputs of a CSV or TSV converted to their types, and its SHA-256."""
    with open_records(path) as records:
        rows = readable(records)
    if not rows:
        raise InputError.of(str(path), "has no records")
    if records.is_text:
        types = {field.name: field.type for field in manifest.inputs}
        rows = [Row(row.position, read_cells(present_values(row.values, manifest.inputs), types)) for row in rows]
    with path.open("rb") as file:
        return rows, hashlib.file_digest(file, "sha256").hexdigest()


def _checked(
    rows: Iterable[Row], manifest: Manifest, place: str, *, with_labels: bool = True
) -> tuple[list[Record], list[Any]]:
    model = whole_record_model(manifest)
    records: list[Record] = []
    labels: list[Any] = []
    problems: list[FieldProblem] = []
    for row in rows:
        try:
            if with_labels:
                labels.append(_label(row.values, manifest))
            records.append(_record(model, row.values, manifest))
        except InputError as error:
            problems += placed(f"{place} {row.position}", error.problems)
        if len(problems) >= _SHOWN_PROBLEMS:
            break
    if problems:
        raise InputError(problems[:_SHOWN_PROBLEMS])
    return records, labels


def whole_record_model(manifest: Manifest) -> type[RequestRecord]:
    """The model of a record that has every input, those of feature groups included."""
    inputs = tuple(field.model_copy(update={"group": None}) for field in manifest.inputs)
    return record_model(manifest.model_copy(update={"inputs": inputs}), {}, text_characters=_LONGEST_TEXT)


def _record(model: type[RequestRecord], row: Values, manifest: Manifest) -> Record:
    values = {field.name: row[field.name] for field in manifest.inputs if row.get(field.name) is not None}
    try:
        return model.model_validate(values).complete()
    except ValidationError as error:
        raise InputError(field_problems(error)) from error


def _answer_columns(manifest: Manifest) -> tuple[str, ...]:
    outputs = manifest.outputs
    match outputs.form:
        case Form.VALUES:
            return outputs.target_names
        case Form.LABELS:
            return (LABEL, *(outputs.labels or ()))
        case _:
            return (LABEL,)


def _label(row: Values, manifest: Manifest) -> Truth:
    labels, by_number = manifest.outputs.labels or (), manifest.task == "text-classification"
    match manifest.outputs.form:
        case Form.LABEL:
            found = find_label(row.get(LABEL), labels, by_number=by_number)
            if found is None:
                raise InputError.of(LABEL, f"must be one of {', '.join(labels)} (got {_given(row, LABEL)})")
            return found
        case Form.LABELS:
            several = find_labels(row, LABEL, labels, by_number=by_number)
            if several is None:
                forms = "must be a list, or in a column with 1 or 0 for each,"
                raise InputError.of(LABEL, f"{forms} of {', '.join(labels)} (got {_given(row, LABEL)})")
            return several
        case Form.VALUE:
            return _number(row, LABEL)
        case Form.VALUES:
            return tuple(_number(row, target) for target in manifest.outputs.target_names)


def _number(row: Values, column: str) -> float:
    number = finite_number(row.get(column))
    if number is None:
        raise InputError.of(column, f"a regression needs a finite number (got {_given(row, column)})")
    return number


def _given(row: Values, column: str) -> str:
    value = row.get(column)
    return "nothing" if value is None else shown(value)
