"""A recording: the records and feature rows of some past time, with labels, in the order in which they happened."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from slipway.cli.predict_input import Described, Placed, read_rows, records_of
from slipway.config.validation import Section, field_problems
from slipway.errors import ConfigError, FieldProblem, InputError, near_name
from slipway.features.definitions import FeatureDefinitions
from slipway.features.event_times import read_moment
from slipway.features.files import read_file
from slipway.features.store import FeatureWrite
from slipway.records.files import open_records
from slipway.records.rows import Row, placed

DESCRIPTION = "replay.yaml"
TIME = "time"


class Recording(Section):
    """The content of replay.yaml.

    ``entities`` has the column with the id of each entity that a record names; columns of ``ignore`` are not sent.
    """

    model: Annotated[str, Field(min_length=1)]
    records: str
    label: str | None = None
    entities: dict[str, str] = Field(default_factory=dict)
    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record to predict, and its true answer if the recording has it."""

    placed: Placed
    label: Any = None


@dataclass(slots=True)
class Hour:
    """What happened in the hour from ``start``, feature rows first."""

    start: datetime
    writes: list[FeatureWrite] = field(default_factory=list)
    records: list[Recorded] = field(default_factory=list)


def read_recording(folder: Path) -> Recording:
    """Read replay.yaml of a folder; raises ConfigError that names what is wrong."""
    path = folder / DESCRIPTION
    try:
        return Recording.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(path, [FieldProblem("(file)", error.strerror or str(error))]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, [FieldProblem("(file)", f"is not YAML: {error}")]) from error
    except ValidationError as error:
        raise ConfigError(path, field_problems(error)) from error


def hours_of(
    folder: Path,
    recording: Recording,
    version: Described,
    definitions: FeatureDefinitions,
    *,
    since: datetime,
    until: datetime,
) -> Iterator[Hour]:
    """The hours from ``since`` to ``until`` in which something happened, in order.

    Raises:
        InputError: a file cannot be read, or a row of it is wrong; names file, record and column.
    """
    found: dict[datetime, Hour] = {}

    def hour(moment: datetime) -> Hour:
        start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return found.setdefault(start, Hour(start))

    for name in recording.features:
        for write in _writes(folder / name, definitions):
            if since <= write.event_time < until:
                hour(write.event_time).writes.append(write)
    for moment, record in _records(folder / recording.records, recording, version):
        if since <= moment < until:
            hour(moment).records.append(record)
    yield from (found[start] for start in sorted(found))


def _writes(path: Path, definitions: FeatureDefinitions) -> Iterator[FeatureWrite]:
    for position, write in read_file(path, definitions, datetime.max.replace(tzinfo=UTC)):
        if isinstance(write, InputError):
            raise InputError(placed(f"{path.name} {position}", write.problems))
        if write.event_time.year == datetime.max.year:
            raise InputError.of(f"{path.name} {position}", "has no event_time, so it cannot be replayed")
        yield write


def _records(path: Path, recording: Recording, version: Described) -> Iterator[tuple[datetime, Recorded]]:
    with open_records(path) as file:
        rows = read_rows(file)
        aside = [name for name in (TIME, recording.label, *recording.ignore) if name is not None]
        _check_columns(file.name, {name for row in rows for name in row.values}, version, aside)
        moments = [_moment(row, f"{file.name} {row.position}") for row in rows]
        for moment, row, each in zip(moments, rows, records_of(file, rows, version, aside), strict=True):
            record = each.record | _entities(each.record, recording.entities, each.place)
            label = row.values.get(recording.label) if recording.label else None
            yield moment, Recorded(Placed(record, each.place), label)


def _check_columns(file: str, columns: Set[str], version: Described, aside: Sequence[str]) -> None:
    problems = [
        FieldProblem(f"{file}, {name}", f"is named in {DESCRIPTION}, and is not there")
        for name in aside
        if name not in columns
    ]
    problems += [
        FieldProblem(
            f"{file}, {name}",
            f"is no input of {version.name}{near_name(name, version.fields)}; `ignore` of {DESCRIPTION} leaves it out",
        )
        for name in sorted(columns - version.fields - set(aside))
        if version.fields
    ]
    if problems:
        raise InputError(problems)


def _moment(row: Row, place: str) -> datetime:
    try:
        return read_moment(row.values.get(TIME))
    except ValueError as error:
        raise InputError.of(f"{place}, {TIME}", str(error)) from error


def _entities(record: Mapping[str, Any], entities: Mapping[str, str], place: str) -> dict[str, Any]:
    if problems := [
        FieldProblem(f"{place}, {column}", f"is the id of the {entity}, and is not there")
        for entity, column in entities.items()
        if column not in record
    ]:
        raise InputError(problems)
    return {entity: record[column] for entity, column in entities.items()}
