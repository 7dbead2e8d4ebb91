"""Find out which inputs of the original may be missing, by trying."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from slipway.errors import CheckFailedError, FieldProblem, InputError
from slipway.models.importing.fields import InputDocuments
from slipway.models.importing.source import Column, Fields, Source, Values
from slipway.models.manifest import Record

_TRIED = 4


@dataclass(frozen=True, slots=True)
class Probe:
    """A record that lacks only the input ``name``, which the original answers with a finite number."""

    name: str
    record: Record
    answer: Values


def find_missing(
    source: Source, columns: Sequence[Column], fields: Fields, inputs: InputDocuments, records: Sequence[Record]
) -> list[Probe]:
    """Try the original with each input missing; one probe for each that it answers.

    Inputs that the source knows to need a value, or the user states not to be nullable, are not tried.
    """
    whole = _whole(records, fields)
    names = [
        entry["name"]
        for column, entry in zip(columns, inputs, strict=True)
        if column.nullable is not False and entry.get("nullable") is not False
    ]
    return [probe for name in names if (probe := _probe(source, fields, whole, name)) is not None]


def mark_nullable(inputs: InputDocuments, names: Collection[str]) -> None:
    """Let the inputs of these names be missing, unless the user has stated whether they may."""
    for entry in inputs:
        if entry["name"] in names:
            entry.setdefault("nullable", True)


def require_values(inputs: InputDocuments, records: Sequence[Record], columns: Sequence[Column]) -> None:
    """Raise InputError for the first record that lacks the value of an input that is not nullable."""
    for column, entry in zip(columns, inputs, strict=True):
        if entry.get("nullable"):
            continue
        for number, record in enumerate(records, start=1):
            if record[entry["name"]] is None:
                message = f"{column.name} is missing, and the model takes no missing value there; give whole records"
                raise InputError([FieldProblem(f"--records record {number}", message)])


def _probe(source: Source, fields: Fields, whole: Sequence[Record], name: str) -> Probe | None:
    # Whole records beside them keep the column's type in a data frame.
    lacking = [{**record, name: None} for record in whole]
    try:
        answers = np.asarray(source.answers([*whole, *lacking], fields), np.float64)
    except (CheckFailedError, InputError):
        return None
    return Probe(name, lacking[0], answers[len(whole)]) if np.isfinite(answers).all() else None


def _whole(records: Sequence[Record], fields: Fields) -> list[Record]:
    """The first records, with another record's value for each that is missing."""
    spare = {
        name: next((record[name] for record in records if record[name] is not None), None) for name in fields.names
    }
    return [
        {name: spare[name] if value is None else value for name, value in record.items()} for record in records[:_TRIED]
    ]
