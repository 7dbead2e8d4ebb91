"""What the commands on drift read: packages, profiles and the monitor's state."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.model.measured_packages import measured_versions
from slipway.cli.project import load_project
from slipway.config import Config
from slipway.config.drift import DriftConfig
from slipway.errors import InputError, NotFoundError
from slipway.models.measurements.measured import MeasuredVersions
from slipway.models.package import Package
from slipway.models.registry.bucket import s3_client
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.drift.state import DriftState, load_state
from slipway.monitoring.drift.step import NAME
from slipway.monitoring.drift.windows import Window
from slipway.monitoring.profiles.profile import Profile, total
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state

CAPTURE_BUCKET = "CaptureBucket"


@dataclass(frozen=True)
class MonitoredModel:
    """A model of slipway.yaml, and what the monitor knows of it where the project is deployed."""

    name: str
    config: Config
    root: Path
    deployed: Deployed | None = None
    """None to find it where it is needed first: a file is compared without one."""

    @classmethod
    def of(cls, config: Path, model: str, deployed: Deployed | None = None) -> "MonitoredModel":
        """Raise ConfigError, or NotFoundError for a model that slipway.yaml does not have."""
        project = load_project(config)
        if model not in project.models:
            raise NotFoundError("model", model, project.models, within="slipway.yaml")
        return cls(model, project, config.parent, deployed)

    @property
    def configured(self) -> int:
        """`stable` of slipway.yaml, for commands that need no deployment."""
        return self.config.models[self.name].stable

    @property
    def serving(self) -> int:
        """The version that serves now; raises NotFoundError and UnavailableError as `find_deployed` does."""
        return self._deployment.stable(self.config, self.name)

    @property
    def settings(self) -> DriftConfig:
        """How drift of the model is judged."""
        return self.config.drift_of(self.name)

    @cached_property
    def references(self) -> BucketReferences:
        """What was acknowledged; raises NotFoundError and UnavailableError as `find_deployed` does."""
        name, options = self._bucket
        return BucketReferences(name, client=s3_client(**options))

    def package(self, version: int) -> Package:
        """A version's manifest and measurements, from beside slipway.yaml or else the registry.

        Raises:
            NotFoundError: neither has it, or it is not here and nothing is deployed.
            PackageError: it is altered or malformed.
            UnavailableError: the registry cannot be reached.
        """
        return self._versions.package(self.name, version)

    def profiles(self, version: int, window: Window) -> list[Profile]:
        """The profiles of a window over the newest one's bins.

        Raises:
            NotFoundError: there are none.
            UnavailableError: the bucket cannot be reached.
        """
        found = self._profiles.read(self.name, version, window.since, window.until)
        if not found:
            way_out = f"`models.{self.name}.capture.sample` captures requests, of which the monitor makes them"
            raise NotFoundError("profile of", f"{self.name} {version} in {window}", way_out=way_out)
        return [each for each in found if each.baseline == found[-1].baseline]

    def summed(self, version: int, window: Window) -> Profile:
        """The sum of the profiles of a window; raises as `profiles` does."""
        whole = total(self.profiles(version, window))
        if whole is None:
            raise NotFoundError("profile of", f"{self.name} {version} in {window}")
        return whole

    def busiest(self, window: Window) -> int:
        """The version that most of a window's records are of; the one that serves if there are none."""
        counts = {
            version: sum(each.records for each in self._profiles.read(self.name, version, window.since, window.until))
            for version in self._profiles.versions(self.name, window.since, window.until)
        }
        return max(counts, key=lambda version: counts[version]) if counts else self.serving

    def state(self, version: int) -> DriftState | None:
        """What the monitor knows of a version's drift, or None."""
        stored = StateStore(self._captures).read(version_state(self.name, version, NAME))
        return None if stored is None else load_state(stored["state"])

    @cached_property
    def _deployment(self) -> Deployed:
        return self.deployed or find_deployed(self.config.project)

    @cached_property
    def _versions(self) -> MeasuredVersions:
        return measured_versions(self.config, self.root, lambda: self._deployment)

    @cached_property
    def _bucket(self) -> tuple[str, dict[str, object]]:
        return self._deployment.output(CAPTURE_BUCKET), self._deployment.options

    @cached_property
    def _captures(self) -> CaptureBucket:
        name, options = self._bucket
        return CaptureBucket(name, client=s3_client(**options))

    @cached_property
    def _profiles(self) -> BucketProfiles:
        return BucketProfiles(self._captures)


def check_columns(columns: list[str], known: list[str], *, option: str) -> None:
    """Raise InputError for a column that there is not; it names those that there are."""
    for column in columns:
        if column not in known:
            raise InputError.of(option, str(NotFoundError("column", column, known)))
