"""What the steps of training use, made of a function's settings when a step asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from functions.training.settings import Settings
from slipway.aws.table import DynamoTable
from slipway.aws.topic import Topic
from slipway.config import Config
from slipway.config.deployment.environment import (
    CAPTURE_BUCKET,
    HISTORY_BUCKET,
    MODEL_BUCKET,
    RELEASE_TOPIC,
    TRAINING_BUCKET,
    TRAINING_MACHINE,
)
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.bucket import HistoryBucket
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.opening import aws_registry
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.captures.reservoir_store import BucketReservoir
from slipway.releases.record.table import DynamoReleaseStore
from slipway.releases.routing.serving_table import DynamoServingStore, stable_of
from slipway.training.account.data import BucketDataSets
from slipway.training.account.desk import Desk
from slipway.training.account.executions import Executions
from slipway.training.account.table import DynamoRuns
from slipway.training.account.versions import AccountVersions
from slipway.training.account.workspace import Workspace, scratch
from slipway.training.as_of import WithHistory
from slipway.training.captured import CapturedExamples
from slipway.training.ports import Examples, NoExamples, Ports
from slipway.training.run import Run


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """What one function may reach; what it has no settings for raises ConfigError when it is asked for."""

    settings: Settings
    config: Config

    @cached_property
    def workspace(self) -> Workspace:
        """The bucket of training."""
        return Workspace(self.settings.need(TRAINING_BUCKET))

    @cached_property
    def versions(self) -> AccountVersions:
        """The versions of models; a step without the bucket of training has none of their state."""
        registry = aws_registry(self.settings.control_table, self.settings.need(MODEL_BUCKET))()
        workspace = Workspace(self.settings.others.get(TRAINING_BUCKET, ""))
        return AccountVersions(self.config, self.settings.root, registry, workspace, scratch())

    @cached_property
    def releases(self) -> DynamoReleaseStore:
        """The releases of models."""
        return DynamoReleaseStore(self.settings.control_table)

    def ports(self, *, examples_of: Run | None = None) -> Ports:
        """The ports of the steps, with labelled predictions only if the step assembles them, for a run."""
        read: Examples = self._examples(examples_of) if examples_of else NoExamples()
        return Ports(read, BucketDataSets(self.workspace, scratch("data")), self.versions)

    def desk(self, *, tells: bool) -> Desk:
        """What keeps the runs; with ``tells``, people hear of what it writes down."""
        aws: Mapping[str, Any] = {"region_name": self.settings.region}
        serving = DynamoServingStore(self.settings.control_table)
        machine = self.settings.others.get(TRAINING_MACHINE, "")
        return Desk(
            self.config,
            DynamoRuns(self.settings.control_table),
            is_running=Executions(machine, aws).is_running,
            stable=partial(stable_of, serving, self.config, consistent=True),
            tell=Topic(self.settings.need(RELEASE_TOPIC), aws).publish if tells else _say_nothing,
            clock=now,
        )

    def folder(self, run: Run) -> Path:
        """The folder of a run's files on this machine."""
        return scratch("runs", run.id)

    def _examples(self, run: Run) -> Examples:
        """Captures with their labels; with `features: history`, features are those of the history at their time."""
        number = run.parent or self.config.models[run.model].stable
        manifest = self.versions.package(run.model, number).manifest
        bucket = CaptureBucket(self.settings.need(CAPTURE_BUCKET))
        labels = DynamoLabelled(DynamoTable(self.settings.control_table, dependency="control table"))
        served = CapturedExamples(CaptureReader(bucket), BucketReservoir(bucket), labels, manifest)
        if run.features == "served":
            return served
        files = HistoryBucket(self.settings.need(HISTORY_BUCKET), s3_client())
        return WithHistory(served, files, FeatureDefinitions(self.config.features), manifest)


def _say_nothing(subject: str, text: str) -> None:
    """Tell nobody: the step has no topic."""
