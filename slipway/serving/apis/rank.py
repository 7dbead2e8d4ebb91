"""Rankings over HTTP: the candidates of one choice go in, and come back best first."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import to_json

from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError
from slipway.models.schema import RequestRecord
from slipway.serving.http.exchange import Answer, Call, require_json
from slipway.serving.http.routes import Route, Routes, version_parameter
from slipway.serving.prediction.ranking import RankedItem, Ranking, check_by
from slipway.serving.prediction.reading import Body, RecordReader, read_json
from slipway.serving.prediction.request import Ask, Predicting, Prediction
from slipway.serving.prediction.service import PredictionService

Fields = dict[str, Any]


class RankBody(Body):
    """What is to be ranked: an item is a record, and takes from ``context`` what it does not say itself."""

    items: Annotated[list[Fields], Field(min_length=1)]
    context: Fields = Field(default={})
    by: Annotated[str, Field(max_length=256)] = ""
    limit: Annotated[int, Field(ge=1)] = 1

    def said(self, name: str) -> Any:
        """A value that the request has; None where it has none."""
        return getattr(self, name) if name in self.model_fields_set else None

    def records(self, reader: RecordReader, limit: int) -> list[RequestRecord]:
        """The items as whole records; raises InputError, which names items and context as the request does."""
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
        """What is wrong in the part of the context that every item says otherwise."""
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
        """``inputs[3].text`` as ``items[3].text``, or as ``context.text`` where the item has it from there."""
        place, _, name = field.removeprefix("inputs").partition(".")
        if name in self.context and name not in self.items[int(place[1:-1])]:
            return f"context.{name}"
        return f"items{place}.{name}" if name else f"items{place}"


def rank_routes(service: PredictionService, predicting: Predicting | None = None) -> Routes:
    """`POST …/rank` for the models of ``service``; ``predicting`` is by default its own `endpoint`."""

    def ask(call: Call) -> Ask:
        require_json(call)
        return _ask(service, call)

    rank = (predicting or service.endpoint)(ask)
    return (
        Route("POST", "/v1/models/{model}/rank", rank, timed=True, name="rank"),
        Route("POST", "/v1/models/{model}/versions/{version}/rank", rank, timed=True, name="rank_version"),
    )


def _ask(service: PredictionService, call: Call) -> Ask:
    model, version = call.parameters["model"], version_parameter(call)
    body = read_json(RankBody, call.body)
    by = body.said("by")
    ranking = Ranking(
        service.releases,
        lambda number: service.version(model, number).predictor.manifest,
        by=by,
        limit=body.said("limit"),
    )

    def read(reader: RecordReader) -> list[RequestRecord]:
        check_by(service.version(model, version).predictor.manifest, by)
        return body.records(reader, service.config.api.limits.records)

    def answer(predictions: list[Prediction]) -> Answer:
        items = ranking.ranked(predictions, call.event.count)
        document = {"model": model, "impression": ranking.impression, "items": [item_document(item) for item in items]}
        return Answer(to_json(document))

    return Ask(model, version, read, answer, ranking)


def item_document(item: RankedItem) -> Mapping[str, Any]:
    """One item as it is answered: ``index`` is its place in the request, ``id`` what a click is told by."""
    made = item.made
    return {"index": item.index, "id": made.id, "version": made.version, "score": item.score, "cached": made.cached}
