"""Where a function or a container takes a version from: its bundle, else the registry, by way of local disk."""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from slipway.config import Config
from slipway.errors import ConfigError, NotFoundError, PackageError, UnavailableError
from slipway.models.bundle import load_version, open_version, refuse_other
from slipway.models.package import Package, load_package
from slipway.models.predictor import Predictor
from slipway.models.registry.registry import Registry

RETRY_SECONDS = 30.0
"""How long a version that could not be had is not asked for again."""

_LOG = logging.getLogger(__name__)

ModelVersion = tuple[str, int]


def downloads_folder() -> Path:
    """Where versions of the registry go by default: in a function and in a container all else is read-only."""
    return Path(tempfile.gettempdir()) / "slipway-models"


def aws_registry(table: str, bucket: str) -> Callable[[], Registry]:
    """The registry of a table and a bucket, made when first asked for: importing AWS's client takes its time."""

    @cache
    def registry() -> Registry:
        from slipway.models.registry.bucket import S3ObjectStore
        from slipway.models.registry.table import DynamoVersionTable

        return Registry(S3ObjectStore(bucket), DynamoVersionTable(table))

    return registry


class VersionLoader:
    """Opens the versions that slipway.yaml deploys.

    Args:
        config: slipway.yaml.
        root: its folder, the bundle.
        registry: has the versions that the bundle lacks.
        cache: the folder for them; it must be writable, and large enough.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        config: Config,
        root: Path,
        registry: Callable[[], Registry],
        *,
        cache: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._root = root
        self._registry = registry
        self._cache = cache
        self._clock = clock
        self._failed: dict[ModelVersion, tuple[float, UnavailableError]] = {}

    def load_light(self, *, strict: bool) -> dict[ModelVersion, Predictor]:
        """Every deployed version of every light model, by name and version.

        A version that the registry does not give is left out, and the others serve; with ``strict`` it is an error.

        Raises:
            PackageError, ConfigError: a version of the bundle cannot be used.
            UnavailableError: with ``strict``, the first version that `load` failed at.
        """
        found: dict[ModelVersion, Predictor] = {}
        for name, model in self._config.light_models.items():
            for number in model.versions:
                try:
                    found[name, number] = self.load(name, number)
                except UnavailableError as error:
                    if strict:
                        raise
                    _LOG.error("%s %s is left out: %s", name, number, error)
        return found

    def load(self, name: str, number: int) -> Predictor:
        """One version, opened with one thread.

        Raises:
            UnavailableError: the version is not in the bundle, and the registry cannot be reached, does not have it, or
                has something that cannot be used. The same is raised for the next 30 seconds.
            PackageError, ConfigError: the version is in the bundle and cannot be used.
        """
        bundled = self._config.model_folder(self._root, name) / str(number)
        if bundled.exists():
            return open_version(self._config, bundled, name, number)
        self._refuse_soon_after(name, number)
        try:
            package = fetch_version(self._registry(), name, number, self._cache)
            refuse_other(self._config, package, name, number)
            return Predictor(package, task_modules=self._config.light.task_modules)
        except (ConfigError, PackageError, NotFoundError, UnavailableError) as error:
            translated = UnavailableError("model registry", f"{name} {number} cannot be loaded: {error}")
            self._failed[name, number] = (self._clock(), translated)
            raise translated from error

    def _refuse_soon_after(self, name: str, number: int) -> None:
        """Every request asks for a version that is not there, and a registry that is down answers late."""
        failed = self._failed.get((name, number))
        if failed is not None and self._clock() - failed[0] < RETRY_SECONDS:
            raise failed[1]


def find_version(config: Config, root: Path, registry: Registry, name: str, number: int, *, cache: Path) -> Package:
    """The version from the bundle ``root`` where it lies there, else from the registry.

    Raises:
        PackageError, NotFoundError, UnavailableError: as `fetch_version` does.
        ConfigError: the version takes an input from a feature that slipway.yaml does not define.
    """
    if (config.model_folder(root, name) / str(number)).exists():
        return load_version(config, root, name, number)
    package = fetch_version(registry, name, number, cache)
    refuse_other(config, package, name, number)
    return package


def fetch_version(registry: Registry, name: str, number: int, cache_folder: Path) -> Package:
    """A version of the registry on local disk, at ``<cache_folder>/<name>/<number>``, every file checked.

    A copy that is there is checked and used without asking the registry; one that was altered is fetched anew. Until a
    version is whole and checked it is in no place that a reader looks at, so what serves meanwhile goes on serving.

    Raises:
        PackageError: a digest does not match what was registered, or the disk has no room for the version.
        NotFoundError: the registry has no such version.
        UnavailableError: the registry cannot be reached.
    """
    folder = cache_folder / name / str(number)
    if folder.exists():
        with suppress(PackageError):
            return load_package(folder)
        shutil.rmtree(folder)
    return registry.pull(name, number, folder)
