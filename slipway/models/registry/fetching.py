"""Load versions in a function or a container: from its bundle, else from the registry through the local disk."""

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
"""How long to wait before retrying a version that could not be loaded."""

_LOG = logging.getLogger(__name__)

ModelVersion = tuple[str, int]


def downloads_folder() -> Path:
    """The default folder of fetched versions; all other paths of functions and containers are read-only."""
    return Path(tempfile.gettempdir()) / "slipway-models"


def aws_registry(table: str, bucket: str) -> Callable[[], Registry]:
    """A factory of the registry that creates it on its first call, because importing AWS's client is slow."""

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
        root: the folder of slipway.yaml, the bundle.
        registry: holds the versions that the bundle lacks.
        cache: the writable folder for fetched versions, large enough for all of them.
        clock: a monotonic clock in seconds.
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

        A version that cannot be fetched is left out, and the others serve; with ``strict`` it is an error.

        Raises:
            PackageError, ConfigError: a version of the bundle cannot be used.
            UnavailableError: with ``strict``, a version could not be fetched.
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
        """Load one version, opened with one thread.

        Raises:
            UnavailableError: the version is not in the bundle, and the registry is unreachable, does not have it, or
                has an unusable package. The same error is raised again for the next 30 seconds.
            PackageError, ConfigError: the version is in the bundle and cannot be used.
        """
        bundled = self._config.model_folder(self._root, name) / str(number)
        if bundled.exists():
            return open_version(self._config, bundled, name, number)
        self._refuse_recent_failure(name, number)
        try:
            package = fetch_version(self._registry(), name, number, self._cache)
            refuse_other(self._config, package, name, number)
            return Predictor(package, task_modules=self._config.light.task_modules)
        except (ConfigError, PackageError, NotFoundError, UnavailableError) as error:
            translated = UnavailableError("model registry", f"{name} {number} cannot be loaded: {error}")
            self._failed[name, number] = (self._clock(), translated)
            raise translated from error

    def _refuse_recent_failure(self, name: str, number: int) -> None:
        """Raise the last failure again; otherwise every request would wait for a registry that is down."""
        failed = self._failed.get((name, number))
        if failed is not None and self._clock() - failed[0] < RETRY_SECONDS:
            raise failed[1]


def find_version(config: Config, root: Path, registry: Registry, name: str, number: int, *, cache: Path) -> Package:
    """The version from the bundle ``root`` if it is there, else from the registry.

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
    """Fetch a version from the registry to ``<cache_folder>/<name>/<number>``, with every file checked.

    An existing copy is checked and used without a call to the registry; an altered copy is fetched again. A version
    appears there only when it is complete and checked, so versions in use are not disturbed.

    Raises:
        PackageError: a digest differs from the registered one, or the disk has no room for the version.
        NotFoundError: the registry has no such version.
        UnavailableError: the registry cannot be reached.
    """
    folder = cache_folder / name / str(number)
    if folder.exists():
        with suppress(PackageError):
            return load_package(folder)
        shutil.rmtree(folder)
    return registry.pull(name, number, folder)
