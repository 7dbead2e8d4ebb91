"""The HTTP routes of rankings: a request lists the items of one choice, and the answer has them best first."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError
from slipway.models.manifest import Manifest
from slipway.models.schema import RequestRecord
from slipway.serving.apis.predict import pipeline_of, version_number
from slipway.serving.apis.values import WholeNumber
from slipway.serving.http.bodies import read_json_body
from slipway.serving.http.context import prediction_context
from slipway.serving.http.responses import json_response, operation_id, problems
from slipway.serving.prediction.answers import MadeAhead, PredictionIdText
from slipway.serving.prediction.ranking import RankedItem, Ranking, check_by
from slipway.serving.prediction.reading import Body, RecordReader, read_json
from slipway.serving.prediction.request import Ask
from slipway.serving.prediction.served import ServedModels

RANK = "/v1/models/{model}/rank"
RANK_VERSION = "/v1/models/{model}/versions/{version}/rank"
_ERRORS = problems(400, 413, 415, 422, 429, 500, 503)

router = APIRouter(tags=["Predictions"], generate_unique_id_function=operation_id)
Fields = dict[str, Any]


class RankBody(Body):
    """The items to rank. Each item is a record; ``context`` supplies the fields that it leaves out."""

    items: Annotated[list[Fields], Field(min_length=1)]
    context: Fields = Field(default={})
    by: Annotated[str, Field(max_length=256)] = ""
    limit: Annotated[WholeNumber, Field(ge=1)] = 1

    def said(self, name: str) -> Any:
        """Return a field if the request sets it, else None."""
        return getattr(self, name) if name in self.model_fields_set else None

    def records(self, reader: RecordReader, limit: int) -> list[RequestRecord]:
        """Return the items as whole records; raises InputError with field names as in the request."""
        if len(self.items) > limit:
            raise InputError.of("items", f"must have at most {limit} items")
        problems = list(self._unused(reader))
        try:
            records = reader.from_records([{**self.context, **item} for item in self.items])
        except InputError as error:
            problems += [FieldProblem(self._named(problem.field), problem.message) for problem in error.problems]
        if problems:
            raise InputError(dict.fromkeys(problems))
        return records

    def _unused(self, reader: RecordReader) -> Iterator[FieldProblem]:
        """Yield the problems of context fields that every item overrides, which validating the records would miss."""
        unused = {name: value for name, value in self.context.items() if all(name in item for item in self.items)}
        if not unused:
            return
        try:
            reader.record.model_validate({**self.items[0], **unused})
        except ValidationError as error:
            yield from (
                each for each in field_problems(error, prefix="context") if each.field.partition(".")[2] in unused
            )

    def _named(self, field: str) -> str:
        """Rename ``inputs[3].text`` to ``items[3].text``, or to ``context.text`` if the item takes it from there."""
        place, _, name = field.removeprefix("inputs").partition(".")
        if name in self.context and name not in self.items[int(place[1:-1])]:
            return f"context.{name}"
        return f"items{place}.{name}" if name else f"items{place}"


class AnsweredItem(MadeAhead):
    """One ranked item. ``index`` is its position in the request; report a click on it as feedback with its ``id``."""

    index: Annotated[int, Field(ge=0)]
    id: PredictionIdText
    version: int
    score: float
    cached: bool


class AnsweredRanking(BaseModel):
    """The ranked items, best first."""

    model: str
    impression: Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{24}$"})]
    items: list[AnsweredItem]


@router.post(RANK, name="rank", response_model=AnsweredRanking, responses=_ERRORS)
async def rank(request: Request, model: str) -> Response:
    """Rank the items of one choice.

    Each item is scored; `context` supplies the fields that it leaves out. Report a click on an item to `/v1/feedback`
    as a reward with the item's id.
    """
    return await _rank(request, model, None)


@router.post(RANK_VERSION, name="rank_version", response_model=AnsweredRanking, responses=_ERRORS)
async def rank_version(request: Request, model: str, version: str) -> Response:
    """Rank the items of one choice with the addressed version."""
    return await _rank(request, model, version)


async def _rank(request: Request, model: str, version: str | None) -> Response:
    context = prediction_context(request)
    body = read_json(RankBody, await read_json_body(request))
    pipeline, number = pipeline_of(request), version_number(model, version)
    ranking = _ranking(pipeline.models, model, body)
    predictions = await pipeline.predict(_ask(pipeline.models, model, number, body, ranking), context)
    items = [_answered(item) for item in ranking.ranked(predictions, context.event.count)]
    answer = AnsweredRanking(model=model, impression=ranking.impression, items=items)
    return json_response(answer, exclude_unset=True)


def _ranking(models: ServedModels, model: str, body: RankBody) -> Ranking:
    def manifest(number: int) -> Manifest:
        return models.version(model, number).manifest

    return Ranking(models.releases, manifest, by=body.said("by"), limit=body.said("limit"))


def _ask(models: ServedModels, model: str, version: int | None, body: RankBody, ranking: Ranking) -> Ask:
    def read(reader: RecordReader) -> list[RequestRecord]:
        check_by(models.version(model, version).manifest, body.said("by"))
        return body.records(reader, models.config.api.limits.records)

    return Ask(model, version, read, ranking)


def _answered(item: RankedItem) -> AnsweredItem:
    made = item.made
    return AnsweredItem(
        index=item.index,
        id=made.id,
        version=made.version,
        score=item.score,
        cached=made.cached,
        **MadeAhead.of(made),
    )
