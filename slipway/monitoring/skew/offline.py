"""Compare predictions with an offline file, such as the one that a model was trained on: schema, shares, and rows."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.config import FeatureType
from slipway.errors import InputError
from slipway.features.event_times import read_moment
from slipway.features.store import to_milliseconds
from slipway.models.manifest import Manifest
from slipway.monitoring.skew.fields import ServedGroup
from slipway.monitoring.skew.replay import TOLERANCE, Difference, Replay, same_value
from slipway.records.cells import read_cells
from slipway.records.files import open_records
from slipway.records.rows import Row, placed

MATCH_SECONDS = 1.0
SAMPLE = 200_000
"""The rows of a file that distributions are made of; rows are all compared."""


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """An input that the file or the predictions lack, or have in another type; or a column that is no input."""

    name: str
    message: str


@dataclass(slots=True)
class OfflineFile:
    """A file of inputs by entity and time.

    Attributes:
        columns: its columns.
        rows: the number of its records.
        sample: values by input, of the first records.
        points: by entity and id, sorted by time: the time, the record's number, and its values.
        problems: what does not fit the schema of the model.
    """

    columns: tuple[str, ...] = ()
    rows: int = 0
    sample: dict[str, list[Any]] = field(default_factory=dict)
    points: dict[tuple[str, str], list[tuple[int, int, Mapping[str, Any]]]] = field(default_factory=dict)
    problems: list[SchemaProblem] = field(default_factory=list)


def read_offline(path: Path, manifest: Manifest, entities: Iterable[str], *, time: str = "time") -> OfflineFile:
    """Read a CSV, TSV, JSON Lines or Parquet file.

    Records without a time, or without an entity of ``entities``, are part of the distributions only.

    Raises:
        InputError: the file or a record cannot be read.
    """
    found, types = OfflineFile(), {each.name: each.type for each in manifest.inputs}
    wrong: dict[str, str] = {}
    names: dict[str, None] = {}
    owners = tuple(entities)
    with open_records(path) as records:
        for row in records.rows:
            if not isinstance(row, Row):
                raise InputError(placed(f"{records.name} {row.position}", row.problems))
            values = read_cells(row.values, types) if records.is_text else row.values
            names.update(dict.fromkeys(values))
            _note_types(values, types, wrong)
            _add(found, values, types, owners, time)
    found.columns = tuple(names)
    for points in found.points.values():
        points.sort(key=lambda point: point[:2])
    found.problems = _schema_problems(found.columns, manifest, (*owners, time), wrong)
    return found


def _add(
    found: OfflineFile, values: Mapping[str, Any], types: Mapping[str, FeatureType], entities: Sequence[str], time: str
) -> None:
    found.rows += 1
    if found.rows <= SAMPLE:
        for name in types:
            if name in values:
                found.sample.setdefault(name, []).append(values[name])
    moment = values.get(time)
    if moment is None:
        return
    try:
        at = to_milliseconds(read_moment(moment))
    except ValueError as error:
        raise InputError.of(time, f"record {found.rows}: {error}") from error
    for entity in entities:
        if (id := values.get(entity)) is not None:
            found.points.setdefault((entity, str(id)), []).append((at, found.rows, values))


def _note_types(values: Mapping[str, Any], types: Mapping[str, FeatureType], wrong: dict[str, str]) -> None:
    for name, kind in types.items():
        value = values.get(name)
        if value is not None and name not in wrong and not _is_of(value, kind):
            wrong[name] = f"is a {type(value).__name__} in the file and a {kind} of the model, e.g. {value!r:.40}"


def _is_of(value: Any, kind: FeatureType) -> bool:
    if isinstance(value, bool):
        return kind is FeatureType.BOOLEAN
    match kind:
        case FeatureType.STRING:
            return isinstance(value, str)
        case FeatureType.BOOLEAN:
            return False
        case FeatureType.INTEGER:
            return isinstance(value, int)
        case _:
            return isinstance(value, int | float)


def _schema_problems(
    columns: Sequence[str], manifest: Manifest, known: Sequence[str], wrong: Mapping[str, str]
) -> list[SchemaProblem]:
    inputs = [each.name for each in manifest.inputs]
    missing = [SchemaProblem(name, "is an input of the model that the file lacks") for name in inputs]
    new = [SchemaProblem(name, "is a column that the model does not take") for name in columns]
    return [
        *(each for each in missing if each.name not in columns),
        *(SchemaProblem(name, message) for name, message in wrong.items()),
        *(each for each in new if each.name not in inputs and each.name not in known),
    ]


def compare_rows(
    served: Iterable[ServedGroup],
    offline: OfflineFile,
    *,
    tolerance: float = TOLERANCE,
    match_seconds: float = MATCH_SECONDS,
) -> Replay:
    """Compare the features of predictions with the file's row of the same entity at that time.

    A row is unknown if the file has none of its entity within ``match_seconds`` of it. Features that are no columns of
    the file are not compared.
    """
    found, margin = Replay(), round(match_seconds * 1000)
    for row in served:
        point = _nearest(offline.points.get((row.entity, row.id), ()), row.time, margin)
        if point is None:
            found.unknown += 1
            continue
        _, number, values = point
        found.add(
            row,
            [
                Difference(name, value, values[name], row, place=f"record {number}")
                for name, value in row.values.items()
                if name in values and not same_value(value, values[name], tolerance)
            ],
        )
    return found


def _nearest(
    points: Sequence[tuple[int, int, Mapping[str, Any]]], time: int, margin: int
) -> tuple[int, int, Mapping[str, Any]] | None:
    at = bisect_left(points, time, key=lambda point: point[0])
    near = [point for point in points[max(0, at - 1) : at + 1] if abs(point[0] - time) <= margin]
    return min(near, key=lambda point: abs(point[0] - time), default=None)
