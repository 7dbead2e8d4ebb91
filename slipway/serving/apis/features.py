"""The feature store over HTTP: one entity at a time, or rows in batches."""

from collections import Counter
from typing import Annotated, Any

from pydantic import AwareDatetime, Field
from pydantic_core import to_json

from slipway.errors import (
    ConflictError,
    FieldProblem,
    InputError,
    LateEventError,
    NotFoundError,
    SlipwayError,
    TooLargeError,
)
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureStore, FeatureWrite, WriteResult, utc_now
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.http.exchange import Answer, Call, require_json
from slipway.serving.http.routes import Route, Routes
from slipway.serving.prediction.reading import Body, read_json

EventTime = Annotated[AwareDatetime, Field(strict=False)]
# What is no value of any feature is refused by the definitions, row by row, in words that name the feature.
Values = Annotated[dict[str, Any], Field(min_length=1)]


class GroupBody(Body):
    """The features of one group, as they were at ``event_time``."""

    event_time: EventTime
    values: Values


class EntityBody(Body):
    """Features of one entity, by group."""

    groups: Annotated[dict[str, GroupBody], Field(min_length=1)]


class RowBody(Body):
    """One row of a batch."""

    entity: str
    id: str
    group: str
    event_time: EventTime
    values: Values


class BatchBody(Body):
    """Rows to store; each is stored or refused by itself."""

    rows: Annotated[list[RowBody], Field(min_length=1)]


def feature_routes(definitions: FeatureDefinitions, store: FeatureStore) -> Routes:
    """Reads and writes of ``store``, whose groups ``definitions`` describe."""

    def get(call: Call) -> Answer:
        return _get(definitions, store, call)

    def put(call: Call) -> Answer:
        return _put(definitions, store, call)

    def batch_write(call: Call) -> Answer:
        return _batch_write(store, call)

    path = "/v1/features/{entity}/{id:path}"
    return (
        Route("POST", "/v1/features/batch-write", batch_write, name="write_features"),
        Route("GET", path, get, name="get_features"),
        Route("PUT", path, put, name="put_features"),
    )


def _get(definitions: FeatureDefinitions, store: FeatureStore, call: Call) -> Answer:
    entity, id = call.parameters["entity"], call.parameters["id"]
    keys = [FeatureKey(entity, id, group) for group in definitions.groups_of(entity)]
    rows = store.read(keys)
    if not rows:
        raise NotFoundError("features of " + entity, id[:100])
    groups = {
        key.group: {"event_time": rows[key].event_time, "values": rows[key].values} for key in keys if key in rows
    }
    return Answer(to_json({"entity": entity, "id": id, "groups": groups}))


def _put(definitions: FeatureDefinitions, store: FeatureStore, call: Call) -> Answer:
    require_json(call)
    entity, id = call.parameters["entity"], call.parameters["id"]
    definitions.groups_of(entity)
    groups = read_json(EntityBody, call.body).groups
    writes = [
        FeatureWrite(FeatureKey(entity, id, group), body.values, body.event_time) for group, body in groups.items()
    ]
    _check(definitions, writes)
    results = _stored(store, writes, call.event)
    late = [result for result in results if not result.stored]
    if late:
        raise _refusal(late)
    return Answer(to_json({"entity": entity, "id": id, "stored": list(groups)}))


def _check(definitions: FeatureDefinitions, writes: list[FeatureWrite]) -> None:
    """Raise for everything that is wrong before anything is written."""
    now = utc_now()
    problems: list[FieldProblem] = []
    too_large = False
    for write in writes:
        try:
            definitions.accept(write, now)
        except InputError as error:
            problems.extend(error.problems)
            too_large = too_large or isinstance(error, TooLargeError)
        except NotFoundError as error:
            problems.append(FieldProblem(f"groups.{write.key.group}", str(error)))
    if problems:
        raise TooLargeError(problems) if too_large else InputError(problems)


def _refusal(late: list[WriteResult]) -> SlipwayError:
    """Only a newer event can refuse a checked write."""
    reasons = "; ".join(str(result.error) for result in late)
    if all(isinstance(result.error, LateEventError) for result in late):
        return ConflictError(reasons)
    return InputError.of("groups", reasons)


def _batch_write(store: FeatureStore, call: Call) -> Answer:
    require_json(call)
    rows = read_json(BatchBody, call.body).rows
    writes = [FeatureWrite(FeatureKey(row.entity, row.id, row.group), row.values, row.event_time) for row in rows]
    results = _stored(store, writes, call.event)
    refused = sum(not result.stored for result in results)
    body = {
        "stored": len(results) - refused,
        "refused": refused,
        "results": [_outcome(number, result) for number, result in enumerate(results)],
    }
    return Answer(to_json(body))


def _outcome(number: int, result: WriteResult) -> dict[str, Any]:
    outcome: dict[str, Any] = {"row": number, "stored": result.stored}
    return outcome if result.error is None else {**outcome, "reason": str(result.error)}


def _stored(store: FeatureStore, writes: list[FeatureWrite], event: RequestEvent) -> list[WriteResult]:
    """Write all, and count by group; an unknown group is counted nowhere, since callers must not make metrics."""
    results = list(store.write(writes))
    known = [result for result in results if not isinstance(result.error, NotFoundError)]
    for group, count in Counter(result.write.key.group for result in known if result.stored).items():
        event.count(metrics.FEATURE_WRITES, count, Group=group)
    for group, count in Counter(result.write.key.group for result in known if not result.stored).items():
        event.count(metrics.FEATURE_REFUSALS, count, Group=group)
    return results
