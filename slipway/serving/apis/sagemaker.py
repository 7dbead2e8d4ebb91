"""SageMaker's route `POST /invocations`: reads JSON, JSON Lines or CSV, and answers in the format that `accept` names.

Contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import from_json, to_json

from slipway.config import FeatureType
from slipway.errors import InputError, MalformedError
from slipway.models.manifest import InputField, Manifest
from slipway.models.missing_values import missing_text
from slipway.models.schema import RequestRecord
from slipway.serving.apis.predict import pipeline_of
from slipway.serving.http.bodies import JSON, UnsupportedMediaTypeError, require_plain
from slipway.serving.http.context import prediction_context
from slipway.serving.http.responses import json_response, operation_id, problems, raw_response
from slipway.serving.prediction.answers import Predictions
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import Ask, Prediction

JSON_LINES = "application/jsonlines"
CSV = "text/csv"
_TYPES = {JSON: JSON, JSON_LINES: JSON_LINES, "application/x-jsonlines": JSON_LINES, CSV: CSV}
_ANY = ("", "*/*", "application/*")

Read = Callable[[RecordReader], list[RequestRecord]]

router = APIRouter(tags=["Predictions"], generate_unique_id_function=operation_id)


@router.post(
    "/invocations",
    name="invocations",
    response_model=Predictions,
    responses=problems(400, 413, 415, 422, 500, 503),
)
async def invocations(request: Request) -> Response:
    """Predict each record with the one version that this container serves."""
    context = prediction_context(request)
    require_plain(request)
    given = _media_type(request, "content-type") or JSON
    wanted = _media_type(request, "accept") or given
    body, pipeline = await request.body(), pipeline_of(request)
    model = next(iter(pipeline.models.config.models))
    read = _readers(pipeline.models.version(model).manifest, body)[given]
    predictions = await pipeline.predict(Ask(model, None, read), context)
    answer = pipeline.models.answer(model, predictions)
    if wanted == JSON:
        return json_response(answer)
    return _answer_lines(answer) if wanted == JSON_LINES else _answer_csv(predictions)


def _readers(manifest: Manifest, body: bytes) -> Mapping[str, Read]:
    return {
        JSON: lambda reader: reader.from_json(body),
        JSON_LINES: _lines_reader(body),
        CSV: _csv_reader(manifest, body),
    }


def _media_type(request: Request, header: str) -> str | None:
    """Return the first known media type of a header, or None if it accepts any."""
    choices = [part.partition(";")[0].strip().lower() for part in request.headers.get(header, "").split(",")]
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
    """Return a reader of CSV rows without a header row; each row has the manifest's inputs in order."""

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
    """Parse a text as the field's type; the schema refuses values of the wrong type."""
    if field.nullable and missing_text(field.type, text):
        return None
    if field.type is FeatureType.STRING:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _answer_lines(answer: Predictions) -> Response:
    lines = [each.model_dump_json() for each in answer.predictions]
    return raw_response("".join(f"{line}\n" for line in lines).encode(), JSON_LINES)


def _answer_csv(predictions: Sequence[Prediction]) -> Response:
    """Answer a CSV line for each record: label and score, a value, or the JSON output of the user's own task."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for made in predictions:
        writer.writerow(
            [made.output[name] for name in ("label", "score", "value") if name in made.output]
            or [to_json(made.output).decode()]
        )
    return raw_response(text.getvalue().encode(), CSV)
