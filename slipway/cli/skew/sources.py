"""What `slipway monitor skew` compares: captures, packages, histories and files."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.cli.deployed import find_deployed
from slipway.cli.history.place import history_files
from slipway.config import Config
from slipway.errors import InputError, NotFoundError
from slipway.features.history.lookup import Lookup, read_timelines
from slipway.features.history.timeline import Timeline
from slipway.models.manifest import Manifest
from slipway.models.package import MANIFEST, read_manifest
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import CaptureReader, captures_in
from slipway.monitoring.skew.distribution import Apart, distances
from slipway.monitoring.skew.fields import GroupedInputs, ServedGroup, grouped_inputs, served_groups
from slipway.monitoring.skew.offline import SAMPLE, SchemaProblem, compare_rows, read_offline
from slipway.monitoring.skew.replay import Replay, replay

Inputs = Mapping[int, tuple[GroupedInputs, ...]]
CapturesFolder = Annotated[
    Path | None, typer.Option("--captures", metavar="DIR", help="A folder of capture files. Default: the bucket's.")
]


@dataclass(frozen=True)
class Compared:
    """The predictions to compare: those of a model since a time, from the bucket or a folder."""

    config: Config
    file: Path
    model: str
    since: datetime
    until: datetime
    folder: Path | None

    def captures(self) -> Iterator[Capture]:
        """The captures, each once; raises NotFoundError, UnavailableError."""
        if self.folder is not None:
            yield from self._of_folder(self.folder)
            return
        from slipway.models.registry.bucket import s3_client  # botocore takes long to import
        from slipway.monitoring.captures.bucket import CaptureBucket

        deployed = find_deployed(self.config.project)
        bucket = CaptureBucket(deployed.output("CaptureBucket"), client=s3_client(**deployed.options))
        yield from CaptureReader(bucket).captures(self.model, self.since, self.until)

    def _of_folder(self, folder: Path) -> Iterator[Capture]:
        seen: set[str] = set()
        for file in sorted(folder.rglob("*.jsonl.gz")):
            with file.open("rb") as stream:
                for capture in captures_in(stream):
                    if isinstance(capture, Capture) and capture.model == self.model and capture.id not in seen:
                        seen.add(capture.id)
                        yield capture

    def manifests(self) -> dict[int, Manifest]:
        """The manifests of the versions beside slipway.yaml; raises NotFoundError if none is there."""
        if self.model not in self.config.models:
            raise NotFoundError("model in slipway.yaml", self.model, self.config.models)
        folder = self.config.model_folder(self.file.parent, self.model)
        files = {number: folder / str(number) / MANIFEST for number in self.config.models[self.model].versions}
        found = {number: read_manifest(path) for number, path in files.items() if path.is_file()}
        if not found:
            raise NotFoundError(f"package of {self.model}", str(folder), way_out="`slipway model pull` fetches one")
        return found


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
    """Replay the features of predictions against the histories of their groups."""
    config, manifests = compared.config, compared.manifests()
    recorded = config.recorded_groups if folder is None else config.features.keys()
    inputs = {number: grouped_inputs(each, config.features, recorded) for number, each in manifests.items()}
    groups = _groups(inputs)
    if not groups:
        raise InputError.of(
            compared.model, "reads no feature group that has a history: set `history: true` for one in slipway.yaml"
        )
    count, served = _served(compared, inputs)
    files = history_files(config, folder)
    timelines: dict[tuple[str, str], Timeline] = {}
    for group in groups:
        ids = {row.id for row in served if row.group == group}
        timelines |= read_timelines(files, group, Lookup(ids)) if ids else {}
    found = replay(served, timelines, tolerance=tolerance, race_seconds=race_seconds)
    return SkewReport(count, groups, "the history", found)


def _groups(inputs: Inputs) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.group for version in inputs.values() for each in version))


def _served(compared: Compared, inputs: Inputs) -> tuple[int, list[ServedGroup]]:
    count, served = 0, list[ServedGroup]()
    for capture in compared.captures():
        count += 1
        served += served_groups([capture], inputs)
    return count, served


def compare_with_file(
    compared: Compared, file: Path, time: str, *, tolerance: float, match_seconds: float
) -> SkewReport:
    """Compare schema, distributions and rows of predictions with a file."""
    manifests, groups = compared.manifests(), compared.config.features
    inputs = {number: grouped_inputs(each, groups, groups) for number, each in manifests.items()}
    named = _groups(inputs)
    manifest = manifests[max(manifests)]
    offline = read_offline(file, manifest, {groups[name].entity: None for name in named}, time=time)
    count, served, values = 0, list[ServedGroup](), defaultdict[str, list[Any]](list)
    for capture in compared.captures():
        count += 1
        served += served_groups([capture], inputs)
        if count <= SAMPLE:
            for name in offline.sample:
                values[name].append(capture.inputs.get(name))
    found = compare_rows(served, offline, tolerance=tolerance, match_seconds=match_seconds)
    apart = distances(offline.sample, values)
    return SkewReport(count, named, file.name, found, offline.problems, apart)
