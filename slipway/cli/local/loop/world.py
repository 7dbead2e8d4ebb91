"""The embedded AWS of the loop: what is read of it, and the calls in between those of its schedules."""

import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.cli.local.loop.project import CONFIG, MODEL
from slipway.cli.monitor.accuracy import KnownAccuracy, known_accuracy
from slipway.cli.monitor.acknowledging_accuracy import alarm_of
from slipway.cli.monitor.drift_source import MonitoredModel
from slipway.cli.monitor.watched import Watched, watch
from slipway.cli.release.target import ReleaseTarget, find_releases
from slipway.cli.train.target import TrainingTarget, find_training
from slipway.errors import UnavailableError
from slipway.monitoring.accuracy.normal import BucketNormals
from slipway.monitoring.drift.findings import ColumnDrift, compare
from slipway.monitoring.profiles.bins import bins_of
from slipway.releases.record.document import ReleaseRecord
from slipway.training.account.desk import run_id
from slipway.training.account.progress import Progress

_CALL_SECONDS = 3.0
_WINDOW = "2h"
_ALIAS = "live"
_BY = "slipway local loop"


@dataclass(frozen=True)
class World:
    """The project of the working folder, which is up."""

    @cached_property
    def training(self) -> TrainingTarget:
        """The runs."""
        return find_training(Path(CONFIG), MODEL)

    @cached_property
    def releases(self) -> ReleaseTarget:
        """The releases."""
        return find_releases(Path(CONFIG))

    def runs(self) -> list[Progress]:
        """The runs so far, oldest first."""
        return self.training.runs.past(MODEL)[::-1]

    def release(self) -> ReleaseRecord | None:
        """The last release."""
        return next(iter(self.releases.deployment.store().current([MODEL])), None)

    def drifted(self, version: int) -> dict[str, ColumnDrift]:
        """The columns of a version of which the monitor says that they have drifted."""
        model = MonitoredModel.of(Path(CONFIG), MODEL, self.training.deployed)
        state = model.state(version)
        names = {name for name, each in state.columns.items() if each.since} if state else set()
        if state is None or not names:
            return {}
        package = self._watched(version).package
        found = compare(bins_of(package.manifest, package.baseline), state.window)
        return {each.column: each for each in found if each.column in names}

    def accuracy(self, version: int) -> KnownAccuracy:
        """What `slipway monitor accuracy` says of a version."""
        return known_accuracy(self._watched(version))

    def is_inaccurate(self, version: int) -> bool:
        """Whether the monitor has found that the accuracy of a version has fallen."""
        watched = self._watched(version)
        return alarm_of(watched, BucketNormals(watched.bucket).read(MODEL, version)) is not None

    def start_run(self, reason: str) -> None:
        """Start a run by hand, as `slipway train start` does."""
        run = run_id(datetime.now(UTC), secrets.token_hex(8))
        trigger = {"kind": "hand", "reason": reason}
        self.training.executions.start(run, {"model": MODEL, "run": run, "by": _BY, "trigger": trigger})

    def _watched(self, version: int) -> Watched:
        return watch(Path(CONFIG), MODEL, version, _WINDOW)


class Schedule:
    """Calls the monitor and the controller every few seconds, in between the calls of their rules once a minute."""

    def __init__(self, world: World) -> None:
        deployed = world.training.deployed
        self._functions = [deployed.output(name) for name in ("MonitorFunction", "ControllerFunction")]
        self._client: Any = new_client("lambda", deployed.options)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def __enter__(self) -> "Schedule":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_CALL_SECONDS):
            for function in self._functions:
                self._call(function)

    def _call(self, function: str) -> None:
        """Call once; what fails or is refused is left to the next call."""
        try:
            with answered_by("Lambda"):
                answer = self._client.invoke(FunctionName=function, Qualifier=_ALIAS, Payload=b"{}")
                answer["Payload"].read()  # or the connection could not be used again
        except UnavailableError:
            return
