"""Where the accuracy and the labels of a captured model are read: its deployment and its package."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.deployed import Deployed
from slipway.cli.project import load_project
from slipway.config import Config
from slipway.errors import InputError, NotFoundError
from slipway.monitoring.drift.windows import Window, window_of

if TYPE_CHECKING:
    from slipway.models.package import Package
    from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
    from slipway.monitoring.accuracy.limits import AccuracyLimits
    from slipway.monitoring.accuracy.score_sums import SegmentGroups
    from slipway.monitoring.captures.bucket import CaptureBucket

Span = Annotated[str, typer.Option("--window", help="How far back, e.g. 24h or 7d, or START/END.")]
VersionOption = Annotated[int | None, typer.Option("--version", min=1, help="Default: the one that serves.")]


@dataclass(frozen=True)
class Watched:
    """A captured model of slipway.yaml and one version of it, in a deployment and a window of time."""

    settings: Config
    root: Path
    model: str
    version: int
    deployed: Deployed
    since: datetime
    until: datetime

    @cached_property
    def package(self) -> "Package":
        """The version's manifest and measurements, from beside slipway.yaml or else the registry."""
        from slipway.cli.model.measured_packages import measured_versions  # imports botocore

        versions = measured_versions(self.settings, self.root, lambda: self.deployed)
        return versions.package(self.model, self.version)

    @cached_property
    def bucket(self) -> "CaptureBucket":
        """The bucket of captures and profiles."""
        from slipway.models.registry.bucket import s3_client
        from slipway.monitoring.captures.bucket import CaptureBucket

        return CaptureBucket(self.deployed.output("CaptureBucket"), client=s3_client(**self.deployed.options))

    @cached_property
    def labels(self) -> "DynamoLabelled":
        """The captured predictions whose true answers are known."""
        from slipway.aws.table import DynamoTable, lazy_client
        from slipway.monitoring.accuracy.labelled_table import DynamoLabelled

        client = lazy_client(**self.deployed.options)
        name = self.deployed.output("ControlTable")
        return DynamoLabelled(DynamoTable(name, dependency="control table", client=client))

    @cached_property
    def limits(self) -> "AccuracyLimits":
        """What slipway.yaml says on the model's accuracy."""
        from slipway.monitoring.accuracy.limits import AccuracyLimits

        return AccuracyLimits.of(self.settings, self.model)

    def groups(self, only: str | None) -> "SegmentGroups":
        """The segments of the model, or ``only`` one of them; raises NotFoundError."""
        from slipway.monitoring.accuracy.score_sums import segment_groups

        configured = self.settings.models[self.model].release.segments
        kept = [segment for segment in configured if only is None or segment.input == only]
        if only is not None and not kept:
            names = [segment.input for segment in configured]
            raise NotFoundError(f"segment of {self.model} (release.segments)", only, names)
        return segment_groups(self.package, kept)


def watch(config: Path, model: str, version: int | None, window: str) -> Watched:
    """Find what a command needs; raises InputError and NotFoundError, and UnavailableError without a deployment."""
    from slipway.cli.deployed import find_deployed

    asked = window_of(window, until=datetime.now(UTC), option="--window")
    settings = load_project(config)
    check_captured(settings, model)
    deployed = find_deployed(settings.project)
    return watch_deployed(settings, config.parent, model, version=version, window=asked, deployed=deployed)


def watch_deployed(
    settings: Config, root: Path, model: str, *, version: int | None, window: Window, deployed: Deployed
) -> Watched:
    """A captured model in a deployment that is known, by default the version that serves.

    Raises InputError and NotFoundError, and UnavailableError if the releases cannot be read.
    """
    check_captured(settings, model)
    number = version or deployed.stable(settings, model)
    return Watched(settings, root, model, number, deployed, window.since, window.until)


def check_captured(settings: Config, model: str) -> None:
    """Raise NotFoundError for a model that there is not, and InputError for one that is not captured."""
    if model not in settings.models:
        raise NotFoundError("model in slipway.yaml", model, settings.models)
    if model not in settings.captured_models:
        raise InputError.of(model, f"is not captured; models.{model}.capture.sample of slipway.yaml turns it on")
