"""SageMaker's route `POST /invocations`: reads JSON, JSON Lines or CSV, and answers in the format that `accept` names.

Contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from slipway.errors import FieldProblem, InputError, MalformedError
from slipway.features.cache import Output
from slipway.models.answer_forms import AnswerForm
from slipway.models.manifest import Form, Manifest
from slipway.models.missing_values import Column, file_record
from slipway.models.schema import RequestRecord
from slipway.records.files import Format, read_stream
from slipway.records.rows import WHOLE, Refusal, Row
from slipway.serving.apis.predict import pipeline_of
from slipway.serving.http.bodies import JSON, UnsupportedMediaTypeError, require_plain
from slipway.serving.http.context import prediction_context
from slipway.serving.http.intact import require_intact
from slipway.serving.http.responses import json_response, operation_id, problems, raw_response
from slipway.serving.prediction.answers import Predictions
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import Ask, Prediction
from slipway.serving.prediction.served import ServedModels

JSON_LINES = "application/jsonlines"
CSV = "text/csv"
_TYPES = {JSON: JSON, JSON_LINES: JSON_LINES, "application/x-jsonlines": JSON_LINES, CSV: CSV}
_HEADER = re.compile(r";\s*header\s*=\s*\"?present\b", re.IGNORECASE)  # RFC 4180's parameter of text/csv
_ANY = ("", "*/*", "application/*")

Read = Callable[[RecordReader], list[RequestRecord]]

router = APIRouter(tags=["Predictions"], generate_unique_id_function=operation_id)


@router.post(
    "/invocations",
    name="invocations",
    response_model=Predictions,
    responses=problems(400, 413, 415, 422, 429, 500, 503),
)
async def invocations(request: Request) -> Response:
    """Predict each record with the one version that this container serves."""
    context = prediction_context(request)
    require_plain(request)
    given = _media_type(request, "content-type") or JSON
    wanted = _media_type(request, "accept") or given
    body, pipeline = await request.body(), pipeline_of(request)
    require_intact(request, body)
    model = next(iter(pipeline.models.config.models))
    header = _HEADER.search(request.headers.get("content-type", "")) is not None
    manifest = pipeline.models.version(model).manifest
    read = _readers(manifest, body, header=header)[given]
    predictions = await pipeline.predict(Ask(model, None, read), context)
    answer = pipeline.models.answer(model, predictions)
    if wanted == JSON:
        return json_response(answer, exclude_unset=True)
    return _answer_lines(answer) if wanted == JSON_LINES else _answer_csv(pipeline.models, model, predictions)


def _readers(manifest: Manifest, body: bytes, *, header: bool) -> Mapping[str, Read]:
    return {
        JSON: lambda reader: reader.from_json(body),
        JSON_LINES: _reader(manifest, body, Format.JSON_LINES, header=False),
        CSV: _reader(manifest, body, Format.CSV, header=header),
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


def _reader(manifest: Manifest, body: bytes, kind: Format, *, header: bool) -> Read:
    """Return a reader of JSON Lines, or of CSV with the manifest's inputs in order, or with a header."""
    inputs = {field.name: Column(field.type, field.nullable, field.default is not None) for field in manifest.inputs}
    columns = None if header else tuple(inputs)

    def read(reader: RecordReader) -> list[RequestRecord]:
        try:
            records = read_stream(io.BytesIO(body), kind, "(body)", columns)
        except InputError as error:
            raise MalformedError(error.problems) from None
        rows = [_values(row) for row in records.rows]
        if records.is_text:
            rows = [file_record(row, inputs, is_text=True) for row in rows]
        return reader.from_records(rows)

    return read


def _values(row: Row | Refusal) -> dict[str, Any]:
    if isinstance(row, Row):
        return dict(row.values)
    at = f"inputs[{row.position.number - 1}]"
    problems = [
        FieldProblem(at if p.field == WHOLE else f"{at}.{p.field}", f"{p.message} (line {row.position.line})")
        for p in row.problems
    ]
    raise MalformedError(problems) if row.malformed else InputError(problems)


def _answer_lines(answer: Predictions) -> Response:
    lines = [each.model_dump_json(exclude_unset=True) for each in answer.predictions]
    return raw_response("".join(f"{line}\n" for line in lines).encode(), JSON_LINES)


def _answer_csv(models: ServedModels, model: str, predictions: Sequence[Prediction]) -> Response:
    """Answer a CSV line for each record: label and score, a value, or the JSON output of the user's own task.

    A multi-label answer is its labels as a JSON list and then the score of each label; several values are a cell each.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for made in predictions:
        writer.writerow(_cells(made.output, models.answer_form(model, made.version, made.output)))
    return raw_response(text.getvalue().encode(), CSV)


def _cells(output: Output, form: AnswerForm) -> list[Any]:
    match form.form:
        case Form.LABELS:
            return [to_json(output["labels"]).decode(), *output["scores"].values()]
        case Form.VALUES:
            return list(output["values"].values())
        case _:
            cells = [output[name] for name in ("label", "score", "value") if name in output]
            return cells or [to_json(output).decode()]
