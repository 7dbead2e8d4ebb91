"""What `slipway monitor skew` compares: captures, packages, histories and files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.history.place import history_files
from slipway.cli.skew.capture_files import OPTION, captures_here
from slipway.config import Config
from slipway.errors import InputError, NotFoundError
from slipway.features.history.lookup import Lookup, read_timelines
from slipway.features.history.timeline import Timeline
from slipway.models.manifest import Manifest
from slipway.models.measurements.measured import MeasuredVersions
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.skew.distribution import Apart, distances
from slipway.monitoring.skew.fields import GroupedInputs, ServedGroup, grouped_inputs, served_groups
from slipway.monitoring.skew.offline import SAMPLE, SchemaProblem, compare_rows, read_offline
from slipway.monitoring.skew.replay import Replay, replay

CapturesPlace = Annotated[
    Path | None,
    typer.Option(OPTION, metavar="FILE|DIR", help="A capture file or a folder of them. Default: the bucket's."),
]


@dataclass(frozen=True)
class Compared:
    """The predictions to compare: those of a model since a time from the bucket, or all of a file or a folder."""

    config: Config
    file: Path
    model: str
    since: datetime
    until: datetime
    place: Path | None

    def captures(self) -> Iterator[Capture]:
        """The captures, each once, read as they are iterated; raises InputError, NotFoundError, UnavailableError."""
        if self.place is not None:
            return captures_here(self.place, self.model)
        from slipway.models.registry.bucket import s3_client  # botocore takes long to import
        from slipway.monitoring.captures.bucket import CaptureBucket
        from slipway.monitoring.captures.reading import CaptureReader

        bucket = CaptureBucket(self._deployed.output("CaptureBucket"), client=s3_client(**self._deployed.options))
        return CaptureReader(bucket).captures(self.model, self.since, self.until)

    def manifest(self, version: int) -> Manifest:
        """A version's manifest; raises NotFoundError if it is neither beside slipway.yaml nor in the registry."""
        return self._versions.package(self.model, version).manifest

    @cached_property
    def deployable(self) -> list[int]:
        """The versions of slipway.yaml, the newest first; raises NotFoundError for a model that it does not have."""
        if self.model not in self.config.models:
            raise NotFoundError("model in slipway.yaml", self.model, self.config.models)
        return sorted(self.config.models[self.model].versions, reverse=True)

    @cached_property
    def _deployed(self) -> Deployed:
        return find_deployed(self.config.project)

    @cached_property
    def _versions(self) -> MeasuredVersions:
        from slipway.cli.model.measured_packages import measured_versions  # imports botocore

        return measured_versions(self.config, self.file.parent, lambda: self._deployed)


class ServedRows:
    """The features of a model's predictions, by the inputs of the version that made each.

    Attributes:
        captures: the predictions of the last pass over them.
    """

    def __init__(self, compared: Compared, groups: Collection[str]) -> None:
        """``groups`` are those to compare; raises as `Compared.manifest` does."""
        self.captures = 0
        self._compared = compared
        self._wanted = groups
        self._inputs: dict[int, tuple[GroupedInputs, ...]] = {}
        for version in compared.deployable:
            if self._of(version):
                break  # one that reads a group is enough: others are looked for only if they made predictions

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that the known versions read: one of slipway.yaml, and those that made predictions."""
        return tuple(dict.fromkeys(each.group for version in self._inputs.values() for each in version))

    def rows(self, captures: Iterable[Capture]) -> Iterator[ServedGroup]:
        """The rows of captures, which are counted; nothing is kept of them."""
        self.captures = 0
        for capture in captures:
            self.captures += 1
            yield from served_groups([capture], {capture.version: self._of(capture.version)})

    def _of(self, version: int) -> tuple[GroupedInputs, ...]:
        if version not in self._inputs:
            manifest = self._compared.manifest(version)
            self._inputs[version] = grouped_inputs(manifest, self._compared.config.features, self._wanted)
        return self._inputs[version]


@dataclass(slots=True)
class SkewReport:
    """What was found; ``schema`` and ``apart`` are of an offline file."""

    captures: int
    groups: tuple[str, ...]
    against: str
    replay: Replay
    schema: list[SchemaProblem] = field(default_factory=list)
    apart: list[Apart] = field(default_factory=list)


def compare_with_history(
    compared: Compared, folder: Path | None, *, tolerance: float, race_seconds: float
) -> SkewReport:
    """Replay the features of predictions against the histories of their groups.

    The captures are read twice: for the entities whose histories count, and to compare them.
    """
    config = compared.config
    served = ServedRows(compared, config.recorded_groups if folder is None else config.features.keys())
    if not served.groups:
        raise InputError.of(
            compared.model, "reads no feature group that has a history: set `history: true` for one in slipway.yaml"
        )
    timelines = _timelines(served.rows(compared.captures()), config, folder)
    rows = served.rows(compared.captures())
    found = replay(rows, timelines, tolerance=tolerance, race_seconds=race_seconds)
    return SkewReport(served.captures, served.groups, "the history", found)


def _timelines(rows: Iterable[ServedGroup], config: Config, folder: Path | None) -> dict[tuple[str, str], Timeline]:
    """The histories of the entities of rows, by group and id."""
    wanted = defaultdict[str, set[str]](set)
    for row in rows:
        wanted[row.group].add(row.id)
    files = history_files(config, folder)
    found: dict[tuple[str, str], Timeline] = {}
    for group, ids in wanted.items():
        found |= read_timelines(files, group, Lookup(ids))
    return found


def compare_with_file(
    compared: Compared, file: Path, time: str, *, tolerance: float, match_seconds: float
) -> SkewReport:
    """Compare schema, distributions and rows of predictions with a file."""
    groups = compared.config.features
    served = ServedRows(compared, groups)
    manifest, entities = (
        compared.manifest(compared.deployable[0]),
        {groups[name].entity: None for name in served.groups},
    )
    offline = read_offline(file, manifest, entities, time=time)
    values: dict[str, list[Any]] = {name: [] for name in offline.sample}
    rows = served.rows(_sampled(compared.captures(), values))
    found = compare_rows(rows, offline, tolerance=tolerance, match_seconds=match_seconds)
    apart = distances(offline.sample, values)
    return SkewReport(served.captures, served.groups, file.name, found, offline.problems, apart)


def _sampled(captures: Iterable[Capture], values: Mapping[str, list[Any]]) -> Iterator[Capture]:
    """Pass captures on, and keep the inputs of the first `SAMPLE` that ``values`` names."""
    for number, capture in enumerate(captures):
        if number < SAMPLE:
            for name, kept in values.items():
                kept.append(capture.inputs.get(name))
        yield capture
