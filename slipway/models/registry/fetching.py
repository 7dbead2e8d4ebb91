"""Load versions in a function or a container: from its bundle, else from the registry through the local disk."""

import logging
import math
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from slipway.config import Config
from slipway.errors import NotLoadedError, PackageError, UnavailableError
from slipway.models.bundle import Opened, load_version, open_proved, open_version, refuse_other
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.registry.registry import Registry
from slipway.models.servable import UNUSABLE, not_loaded

RETRY_SECONDS = 30.0
"""How long to wait before retrying a version that could not be loaded."""

_LOG = logging.getLogger(__name__)

ModelVersion = tuple[str, int]


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

    def load_light(self, *, strict: bool) -> dict[ModelVersion, Opened]:
        """Every deployed version of every light model, or why it cannot be loaded, by name and version.

        While the registry is unreachable, its versions are left out and the others serve; with ``strict`` that is an
        error.

        Raises:
            UnavailableError: with ``strict``, the registry is unreachable.
        """
        found: dict[ModelVersion, Opened] = {}
        for name, model in self._config.light_models.items():
            for number in model.versions:
                try:
                    found[name, number] = self.load(name, number)
                except NotLoadedError as error:
                    found[name, number] = error
                except UnavailableError as error:
                    if strict:
                        raise
                    _LOG.error("%s %s is left out: %s", name, number, error)
        return found

    def load(self, name: str, number: int) -> Predictor:
        """Load one version, opened with one thread.

        Raises:
            NotLoadedError: the version cannot be used, or neither the bundle nor the registry has it.
            UnavailableError: the version is not in the bundle, and the registry is unreachable.

        The same error is raised again for the next 30 seconds, and until the process ends if the bundle has the
        version.
        """
        bundled = self._config.model_folder(self._root, name) / str(number)
        self._refuse_recent_failure(name, number)
        try:
            if bundled.exists():
                return open_version(self._config, bundled, name, number)
            return self._fetched(name, number)
        except UNUSABLE as error:
            failure: UnavailableError = not_loaded(name, number, error)
            self._failed[name, number] = (math.inf if bundled.exists() else self._clock(), failure)
            raise failure from error
        except UnavailableError as error:
            failure = UnavailableError("model registry", f"{name} {number} cannot be loaded: {error}")
            self._failed[name, number] = (self._clock(), failure)
            raise failure from error

    def _fetched(self, name: str, number: int) -> Predictor:
        package = fetch_version(self._registry(), name, number, self._cache)
        refuse_other(self._config, package, name, number)
        return open_proved(self._config, package)

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
