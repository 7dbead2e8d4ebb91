"""The HTTP routes of the feature store: one entity at a time, or rows in batches."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, BaseModel, Field

from slipway.config import FeatureValue
from slipway.errors import (
    ConflictError,
    FieldProblem,
    InputError,
    LateEventError,
    NotFoundError,
    SlipwayError,
    TooLargeError,
)
from slipway.features.definitions import ID_CHARACTERS, FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureStore, FeatureWrite, WriteResult, utc_now
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.http.bodies import JsonRoute
from slipway.serving.http.context import event_of
from slipway.serving.http.responses import operation_id, problems
from slipway.serving.prediction.reading import Body

BATCH_WRITE = "/v1/features/batch-write"
ENTITY = "/v1/features/{entity}/{id:path}"
EventTime = Annotated[AwareDatetime, Field(strict=False)]
# The feature definitions validate the values, so that each row's error names the feature.
Values = Annotated[dict[str, Any], Field(min_length=1)]

EntityId = Annotated[str, Path(min_length=1, max_length=ID_CHARACTERS, description="The entity's id.")]

router = APIRouter(tags=["Features"], route_class=JsonRoute, generate_unique_id_function=operation_id)


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
    """Rows to store; each is stored or refused independently."""

    rows: Annotated[list[RowBody], Field(min_length=1)]


class StoredGroup(BaseModel):
    """The stored values of one group, and their event time."""

    event_time: datetime
    values: dict[str, FeatureValue]


class StoredFeatures(BaseModel):
    """The stored groups of an entity that have not expired."""

    entity: str
    id: str
    groups: dict[str, StoredGroup]


class StoredGroups(BaseModel):
    """The groups that this request stored."""

    entity: str
    id: str
    stored: list[str]


class RowResult(BaseModel):
    """The result of one row; ``reason`` says why it was refused."""

    row: int
    stored: bool
    reason: str | None = None


class BatchResult(BaseModel):
    """The results of the rows, in order."""

    stored: int
    refused: int
    results: list[RowResult]


@router.post(
    BATCH_WRITE,
    name="write_features",
    response_model_exclude_none=True,
    responses=problems(400, 413, 415, 422, 500, 503),
)
async def write_features(request: Request, body: BatchBody) -> BatchResult:
    """Write rows. Each row is stored or refused independently. A row older than the stored one is refused."""
    writes = [FeatureWrite(FeatureKey(row.entity, row.id, row.group), row.values, row.event_time) for row in body.rows]
    results = _stored(_store(request), writes, event_of(request))
    refused = sum(not result.stored for result in results)
    outcomes = [
        RowResult(row=number, stored=result.stored, reason=None if result.error is None else str(result.error))
        for number, result in enumerate(results)
    ]
    return BatchResult(stored=len(results) - refused, refused=refused, results=outcomes)


@router.get(ENTITY, name="get_features", responses=problems(404, 422, 500, 503))
async def get_features(request: Request, entity: str, id: EntityId) -> StoredFeatures:
    """Read the features of an entity."""
    keys = [FeatureKey(entity, id, group) for group in _definitions(request).groups_of(entity)]
    rows = _store(request).read(keys)
    if not rows:
        raise NotFoundError("features of " + entity, id[:100])
    groups = {
        key.group: StoredGroup(event_time=rows[key].event_time, values=dict(rows[key].values))
        for key in keys
        if key in rows
    }
    return StoredFeatures(entity=entity, id=id, groups=groups)


@router.put(ENTITY, name="put_features", responses=problems(400, 404, 409, 413, 415, 422, 500, 503))
async def put_features(request: Request, entity: str, id: EntityId, body: EntityBody) -> StoredGroups:
    """Write features of an entity.

    An invalid request writes nothing. Each group is replaced as a whole. If a group is older than the stored one, the
    answer is 409 and the other groups are stored.
    """
    definitions = _definitions(request)
    definitions.groups_of(entity)
    writes = [
        FeatureWrite(FeatureKey(entity, id, group), given.values, given.event_time)
        for group, given in body.groups.items()
    ]
    _check(definitions, writes)
    late = [result for result in _stored(_store(request), writes, event_of(request)) if not result.stored]
    if late:
        raise _refusal(late)
    return StoredGroups(entity=entity, id=id, stored=list(body.groups))


def _definitions(request: Request) -> FeatureDefinitions:
    definitions: FeatureDefinitions = request.app.state.definitions
    return definitions


def _store(request: Request) -> FeatureStore:
    store: FeatureStore = request.app.state.store
    return store


def _check(definitions: FeatureDefinitions, writes: Sequence[FeatureWrite]) -> None:
    """Raise one error with every problem before anything is written."""
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


def _refusal(late: Sequence[WriteResult]) -> SlipwayError:
    """Return the error for refused writes; after `_check`, the usual cause is a newer stored event."""
    reasons = "; ".join(str(result.error) for result in late)
    if all(isinstance(result.error, LateEventError) for result in late):
        return ConflictError(reasons)
    return InputError.of("groups", reasons)


def _stored(store: FeatureStore, writes: Sequence[FeatureWrite], event: RequestEvent) -> list[WriteResult]:
    """Write rows and count them by group; unknown groups are not counted, so that callers cannot create metrics."""
    results = list(store.write(writes))
    known = [result for result in results if not isinstance(result.error, NotFoundError)]
    for group, count in Counter(result.write.key.group for result in known if result.stored).items():
        event.count(metrics.FEATURE_WRITES, count, Group=group)
    for group, count in Counter(result.write.key.group for result in known if not result.stored).items():
        event.count(metrics.FEATURE_REFUSALS, count, Group=group)
    return results
