"""`POST /invocations`, as SageMaker calls a container: JSON, JSON lines or CSV in, and out what `accept` asks for.

Contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from slipway.config import FeatureType
from slipway.errors import InputError, MalformedError
from slipway.models.manifest import InputField, Manifest
from slipway.models.schema import RequestRecord
from slipway.serving.apis.predict import ask_v1, prediction_document
from slipway.serving.http.exchange import JSON, Answer, Call, UnsupportedMediaTypeError, require_plain
from slipway.serving.http.routes import Route, Routes
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import Ask, Predicting, Prediction

JSON_LINES = "application/jsonlines"
CSV = "text/csv"
_TYPES = {JSON: JSON, JSON_LINES: JSON_LINES, "application/x-jsonlines": JSON_LINES, CSV: CSV}
_ANY = ("", "*/*", "application/*")

Read = Callable[[RecordReader], list[RequestRecord]]


def sagemaker_routes(model: str, manifest: Manifest, predicting: Predicting) -> Routes:
    """`/invocations` for the one version of the model that is served; `/ping` is among the routes of health."""

    def ask(call: Call) -> Ask:
        require_plain(call)
        return _ask(model, manifest, call)

    return (Route("POST", "/invocations", predicting(ask), timed=True, name="invocations"),)


def _ask(model: str, manifest: Manifest, call: Call) -> Ask:
    given = _media_type(call, "content-type") or JSON
    wanted = _media_type(call, "accept") or given
    asked = ask_v1(model, None, call.body)
    if given == JSON_LINES:
        asked = Ask(model, None, _lines_reader(call.body), asked.answer)
    elif given == CSV:
        asked = Ask(model, None, _csv_reader(manifest, call.body), asked.answer)
    writers = {JSON: asked.answer, JSON_LINES: _answer_lines, CSV: _answer_csv}
    return Ask(model, None, asked.read, writers[wanted])


def _media_type(call: Call, header: str) -> str | None:
    """A known type, or None for any; of several that are accepted the first known one counts."""
    choices = [part.partition(";")[0].strip().lower() for part in call.headers.get(header).split(",")]
    known = [_TYPES[choice] for choice in choices if choice in _TYPES]
    if known:
        return known[0]
    if any(choice in _ANY for choice in choices):
        return None
    raise UnsupportedMediaTypeError.of(
        header, f"must be {', '.join((JSON, JSON_LINES, CSV))}, not {choices[0][:100]!r}"
    )


def _lines_reader(body: bytes) -> Read:
    def read(reader: RecordReader) -> list[RequestRecord]:
        return reader.from_records([_record(number, line) for number, line in enumerate(body.splitlines()) if line])

    return read


def _record(number: int, line: bytes) -> Any:
    try:
        return from_json(line)
    except ValueError as error:
        raise MalformedError.of(f"(body) line {number + 1}", f"is not JSON: {error}") from None


def _csv_reader(manifest: Manifest, body: bytes) -> Read:
    """Rows without a header, with a value for each of the manifest's inputs in their order."""

    def read(reader: RecordReader) -> list[RequestRecord]:
        try:
            rows = [row for row in csv.reader(io.StringIO(body.decode(), newline="")) if row]
        except (UnicodeDecodeError, csv.Error) as error:
            raise MalformedError.of("(body)", f"is not CSV in UTF-8: {error}") from None
        return reader.from_records([_row(manifest.inputs, number, row) for number, row in enumerate(rows)])

    return read


def _row(fields: Sequence[InputField], number: int, row: Sequence[str]) -> dict[str, Any]:
    if len(row) != len(fields):
        names = ", ".join(field.name for field in fields)
        raise InputError.of(f"inputs[{number}]", f"has {len(row)} values; needed are {len(fields)}: {names[:500]}")
    return {field.name: _value(field, text) for field, text in zip(fields, row, strict=True)}


def _value(field: InputField, text: str) -> Any:
    """The text as the field's type; what is not of it is left for the schema to refuse."""
    if field.type is FeatureType.STRING:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _answer_lines(predictions: list[Prediction]) -> Answer:
    lines = [to_json(prediction_document(made)) for made in predictions]
    return Answer(b"\n".join(lines) + b"\n", media_type=JSON_LINES)


def _answer_csv(predictions: list[Prediction]) -> Answer:
    """A line for each record: its label and score, or its value; what a task of one's own makes, as JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for made in predictions:
        writer.writerow(
            [made.output[name] for name in ("label", "score", "value") if name in made.output]
            or [to_json(made.output).decode()]
        )
    return Answer(text.getvalue().encode(), media_type=CSV)
