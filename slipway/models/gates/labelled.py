"""Read labelled records from a file, to measure the quality of a package."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.config import FeatureType
from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError
from slipway.models.labels import find_label
from slipway.models.manifest import InputField, Manifest, Record
from slipway.models.missing_values import missing_text
from slipway.models.schema import RequestRecord, record_model

LABEL = "label"
_SHOWN_PROBLEMS = 10
_LONGEST_TEXT = 1_000_000
Row = Mapping[str, Any]
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Labelled:
    """Whole records with the true label or value of each, and the name and SHA-256 of their file."""

    name: str
    sha256: str
    records: list[Record]
    labels: list[str | float]


def read_labelled(path: Path, manifest: Manifest) -> Labelled:
    """Read a ``.jsonl``, ``.tsv`` or ``.csv`` file with every input of ``manifest`` and a column ``label``.

    A TSV has a header line, no quoting, and no tabs in values. Columns that are not inputs are ignored.

    Raises:
        InputError: the file cannot be read, has no records, or has invalid ones; the first ten problems are listed.
    """
    rows, digest = _read_rows(path, manifest, "--data")
    records, labels = _checked(rows, manifest, path.name)
    return Labelled(path.name, digest, records, labels)


def read_given(path: Path, manifest: Manifest, *, option: str = "--data") -> Labelled:
    """Read such a file with or without a column ``label``; without it, ``labels`` of the result is empty.

    Raises:
        InputError: as `read_labelled` does, naming ``option``.
    """
    rows, digest = _read_rows(path, manifest, option)
    has_labels = any(row.get(LABEL) is not None for row in rows)
    records, labels = _checked(rows, manifest, path.name, with_labels=has_labels)
    return Labelled(path.name, digest, records, labels)


def _read_rows(path: Path, manifest: Manifest, option: str) -> tuple[Sequence[Row], str]:
    """The rows of the file, with the inputs of a TSV or CSV converted to their types, and its SHA-256."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError.of(option, f"{path} must end in one of {', '.join(_READERS)}")
    try:
        content = path.read_bytes()
        rows = reader(content.decode("utf-8-sig"))
    except OSError as error:
        raise InputError.of(option, f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError.of(option, f"{path} is not UTF-8: {error}") from error
    if not rows:
        raise InputError.of(option, f"{path} has no records")
    if path.suffix.lower() != ".jsonl":
        rows = [_typed(row, manifest) for row in rows]
    return rows, hashlib.sha256(content).hexdigest()


def _checked(
    rows: Iterable[Row], manifest: Manifest, place: str, *, with_labels: bool = True
) -> tuple[list[Record], list[Any]]:
    whole = manifest.model_copy(update={"inputs": tuple(f.model_copy(update={"group": None}) for f in manifest.inputs)})
    model = record_model(whole, {}, text_characters=_LONGEST_TEXT)
    records: list[Record] = []
    labels: list[Any] = []
    problems: list[FieldProblem] = []
    for number, row in enumerate(rows, start=1):
        here = f"{place} record {number}"
        try:
            if with_labels:
                labels.append(_label(row, manifest, here))
            records.append(_record(model, row, manifest, here))
        except InputError as error:
            problems += error.problems
        if len(problems) >= _SHOWN_PROBLEMS:
            break
    if problems:
        raise InputError(problems)
    return records, labels


def _record(model: type[RequestRecord], row: Row, manifest: Manifest, place: str) -> Record:
    values = {field.name: row[field.name] for field in manifest.inputs if row.get(field.name) is not None}
    try:
        return model.model_validate(values).complete()
    except ValidationError as error:
        raise InputError(field_problems(error, prefix=place)) from error


def _label(row: Mapping[str, Any], manifest: Manifest, place: str) -> str | float:
    value, labels = row.get(LABEL), manifest.outputs.labels
    if labels is None:
        try:
            return float(value)  # type: ignore[arg-type]  # what it cannot take is caught
        except (TypeError, ValueError) as error:
            raise InputError.of(f"{place}.{LABEL}", f"a regression needs a number (got {value!r})") from error
    found = find_label(value, labels, by_number=manifest.task == "text-classification")
    if found is None:
        raise InputError.of(f"{place}.{LABEL}", f"must be one of {', '.join(labels)} (got {value!r})")
    return found


def _typed(row: Row, manifest: Manifest) -> Row:
    """A row of text with the inputs converted to their types."""
    return {
        **row,
        **{field.name: _cell(field, row[field.name]) for field in manifest.inputs if row.get(field.name) is not None},
    }


def _cell(field: InputField, text: str) -> Any:
    if field.nullable and missing_text(field.type, text):
        return None
    return _read(field.type, text) if text else text


def _read(kind: FeatureType, text: str) -> Any:
    """Convert a text to a value; an invalid one is returned unchanged, for the schema to refuse."""
    try:
        return _TYPES[kind](text)
    except (KeyError, ValueError):
        return text


_TYPES: dict[FeatureType, Callable[[str], Any]] = {
    FeatureType.STRING: str,
    FeatureType.INTEGER: int,
    FeatureType.FLOAT: float,
    FeatureType.BOOLEAN: lambda text: _BOOLEANS[text.strip().lower()],
}


def _read_jsonl(text: str) -> list[dict[str, Any]]:
    return [_object(line, number) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError.of(f"--data line {number}", f"is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError.of(f"--data line {number}", "must be an object")
    return row


def _read_tsv(text: str) -> list[dict[str, Any]]:
    header, *lines = text.replace("\r\n", "\n").split("\n")
    columns = header.split("\t")
    return [_cut(columns, line, number) for number, line in enumerate(lines, start=2) if line]


def _cut(columns: list[str], line: str, number: int) -> dict[str, Any]:
    values = line.split("\t")
    if len(values) != len(columns):
        raise InputError.of(f"--data line {number}", f"has {len(values)} values; the header has {len(columns)}")
    return dict(zip(columns, values, strict=True))


def _read_csv(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


_READERS: dict[str, Callable[[str], Sequence[Row]]] = {
    ".jsonl": _read_jsonl,
    ".tsv": _read_tsv,
    ".csv": _read_csv,
}
