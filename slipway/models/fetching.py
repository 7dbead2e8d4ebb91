"""Where a function or a container takes a version from: its bundle, else the registry, by way of local disk."""

import shutil
from contextlib import suppress
from pathlib import Path

from slipway.config import Config
from slipway.errors import PackageError
from slipway.models.bundle import load_version, refuse_other
from slipway.models.package import Package, load_package
from slipway.models.registry import Registry


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
        PackageError: a digest does not match what was registered.
        NotFoundError: the registry has no such version.
        UnavailableError: the registry cannot be reached.
    """
    folder = cache_folder / name / str(number)
    if folder.exists():
        with suppress(PackageError):
            return load_package(folder)
        shutil.rmtree(folder)
    return registry.pull(name, number, folder)
