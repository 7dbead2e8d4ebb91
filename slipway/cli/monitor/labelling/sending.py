"""Sends true answers as feedback."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.cli.api import Api, ApiError
from slipway.errors import InputError
from slipway.models.manifest import Form, Outputs
from slipway.models.prediction.labels import find_labels
from slipway.records.cells import finite_number
from slipway.records.files import open_records
from slipway.records.rows import Row, readable

FEEDBACK = "/v1/feedback"
_CONFLICT = 409


@dataclass(slots=True)
class Sent:
    """How many answers were stored, were there already, or differ from one that is kept."""

    stored: int = 0
    known: int = 0
    conflicts: int = 0


def send(api: Api, answers: Iterable[tuple[str, dict[str, Any], float | None]]) -> Sent:
    """Send answers, each with the id and the probability of the draw, or None; raises ApiError and UnavailableError."""
    sent = Sent()
    for identifier, answer, probability in answers:
        body = {"prediction_id": identifier, **answer}
        if probability is not None:
            body["probability"] = probability
        try:
            found = api.call_patiently("POST", FEEDBACK, body)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            sent.conflicts += 1
            continue
        if found["status"] == "stored":
            sent.stored += 1
        else:
            sent.known += 1
    return sent


def read_answers(path: Path, outputs: Outputs) -> list[tuple[str, dict[str, Any], None]]:
    """Read a file with the columns ``id`` and ``label``; a regression's targets, or several labels, may be columns.

    Raises:
        InputError: the file cannot be read, or a row has no id or no answer.
    """
    with open_records(path) as records:
        rows = readable(records)
    return [(_identifier(path, row), _answer(path, row, outputs), None) for row in rows]


def _identifier(path: Path, row: Row) -> str:
    identifier = row.values.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise InputError.of(f"{path.name} {row.position}", "needs an id of a prediction in the column id")
    return identifier


def _answer(path: Path, row: Row, outputs: Outputs) -> dict[str, Any]:
    found: Any = None
    match outputs.form:
        case Form.LABEL:
            found = row.values.get("label")
            found = None if found is None or found == "" else str(found)
        case Form.LABELS:
            several = find_labels(row.values, "label", outputs.labels or ())
            found = None if several is None else list(several)
        case Form.VALUE:
            found = finite_number(row.values.get("label"))
        case Form.VALUES:
            values = {name: finite_number(row.values.get(name)) for name in outputs.target_names}
            found = None if None in values.values() else values
    if found is None:
        raise InputError.of(f"{path.name} {row.position}", f"has no {outputs.form} in it")
    return {str(outputs.form): found}
