"""The project that a console shows: its slipway.yaml, deployment, API and registry, found as the commands do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from slipway.aws.clients import new_client
from slipway.cli.api import Api, connect
from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.model.registry_target import find_target
from slipway.cli.project import load_project
from slipway.cli.release.target import ReleaseTarget, release_target
from slipway.config import Config, ModelConfig
from slipway.console.tiles import utc_now
from slipway.errors import NotFoundError
from slipway.models.registry.registry import Registry
from slipway.releases.controller.reconciler import Controller, EvidenceReader
from slipway.releases.record.store import ReleaseStore

_KEPT = timedelta(minutes=1)
Found = TypeVar("Found")


@dataclass
class Workspace:
    """What pages read from. Every method may raise a SlipwayError, and may be called by several threads at once."""

    config_file: Path
    clock: Callable[[], datetime] = utc_now
    _kept: dict[str, tuple[datetime, Any]] = field(default_factory=dict, repr=False)
    _made: dict[str, tuple[tuple[Config, Deployed], Any]] = field(default_factory=dict, repr=False)
    _locks: dict[str, Lock] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def root(self) -> Path:
        """The folder of slipway.yaml, beside which packages lie."""
        return self.config_file.parent

    def prepare(self) -> None:
        """Import what the first page needs, so that it does not wait for that; nothing is called."""
        new_client("cloudwatch", {"region_name": "us-east-1"})

    def config(self) -> Config:
        """slipway.yaml as it is now, in the chosen environment; raises ConfigError."""
        state = self.config_file.stat() if self.config_file.exists() else None
        seen = (state.st_mtime_ns, state.st_size) if state else None
        return self._once(f"config {seen}", lambda: load_project(self.config_file))

    def model(self, name: str) -> ModelConfig:
        """One model of slipway.yaml; raises NotFoundError."""
        models = self.config().models
        if name not in models:
            raise NotFoundError("model", name, models)
        return models[name]

    def deployed(self) -> Deployed:
        """The outputs of the project's stacks, which are read once a minute; raises as `find_deployed`."""
        return self._once("deployed", lambda: find_deployed(self.config().project))

    def client(self, service: str) -> Any:
        """A boto3 client that reaches the deployment; making one takes longer than most of its calls."""
        return self._of_deployed(f"client {service}", lambda: new_client(service, self.deployed().options))

    def releases(self) -> ReleaseTarget:
        """The project's releases."""
        return self._of_deployed("releases", lambda: release_target(self.config(), self.deployed()))

    def store(self) -> ReleaseStore:
        """The store of the project's releases."""
        return self._of_deployed("store", self.releases().deployment.store)

    def controller(self) -> Controller:
        """The controller, for looking at releases."""
        return self._of_deployed("controller", lambda: self.releases().deployment.controller(self.config()))

    def evidence(self) -> EvidenceReader:
        """The reader of the evidence on versions."""
        return self._of_deployed("evidence", lambda: self.releases().deployment.evidence(self.config()))

    def region(self) -> str:
        """The region whose prices count."""
        return self.releases().deployment.region

    def registry(self) -> Registry:
        """The registry; raises NotFoundError where none is deployed."""
        return self._once("registry", lambda: find_target(self.config_file, None, None).open())

    def api(self) -> Api:
        """A client of the API, which signs as the commands do."""
        return self._once("api", lambda: connect(None, config=self.config_file))

    def _of_deployed(self, name: str, make: Callable[[], Found]) -> Found:
        """What ``make`` makes of slipway.yaml and the deployment, kept as long as both are the same."""
        source = (self.config(), self.deployed())
        with self._lock:
            own = self._locks.setdefault(name, Lock())
        with own:
            known = self._made.get(name)
            if known is None or known[0] != source:
                known = self._made[name] = (source, make())
        found: Found = known[1]
        return found

    def _once(self, name: str, find: Callable[[], Found]) -> Found:
        """What ``find`` makes, kept for a minute; threads that ask for it at once wait for the first."""
        with self._lock:
            own = self._locks.setdefault(name, Lock())
        with own:
            known = self._kept.get(name)
            if known is None or self.clock() - known[0] >= _KEPT:
                known = self._kept[name] = (self.clock(), find())
        found: Found = known[1]
        return found
