"""Open the packages beside slipway.yaml in a bundle for serving."""

from pathlib import Path

from slipway.config import Config
from slipway.errors import ConfigError, NotLoadedError, PackageError
from slipway.models.measurements.golden import prove
from slipway.models.package import MANIFEST, Package, checking_package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.servable import UNUSABLE, config_problems, not_loaded

Opened = Predictor | NotLoadedError
"""A version that is ready to predict, or why it cannot be loaded."""


def load_models(config: Config, root: Path) -> dict[tuple[str, int], Opened]:
    """Every deployed version of every light model, by name and version; ``root`` is the folder of slipway.yaml."""
    return {
        (name, version): _opened(config, root, name, version)
        for name, model in config.light_models.items()
        for version in model.versions
    }


def _opened(config: Config, root: Path, name: str, version: int) -> Opened:
    try:
        return open_version(config, config.model_folder(root, name) / str(version), name, version)
    except UNUSABLE as error:
        return not_loaded(name, version, error)


def open_version(config: Config, folder: Path, name: str, version: int) -> Predictor:
    """Open the version in ``folder`` with one thread, and have it prove itself, while its files are checked.

    Raises:
        PackageError: the package is missing, altered or malformed, or is in the folder of another name or version.
        GoldenError: it does not give the answers that its golden records expect.
        ConfigError: the manifest takes an input from a feature that slipway.yaml does not define.
    """
    with checking_package(folder) as package:
        refuse_other(config, package, name, version)
        return open_proved(config, package)


def open_proved(config: Config, package: Package) -> Predictor:
    """Open a checked package with one thread, and have it prove itself.

    Raises:
        PackageError: the graph cannot be opened, or slipway.yaml requires golden records and there are none.
        GoldenError: it does not give the answers that its golden records expect.
    """
    predictor = Predictor(package, task_modules=config.light.task_modules)
    prove(predictor, required=config.models[package.manifest.name].gates.requires_golden)
    return predictor


def load_version(config: Config, root: Path, name: str, version: int) -> Package:
    """The checked package of one version, without opening its graph; raises as `open_version` does."""
    package = load_package(config.model_folder(root, name) / str(version))
    refuse_other(config, package, name, version)
    return package


def refuse_other(config: Config, package: Package, name: str, version: int) -> None:
    """Refuse a package of another version, or one that slipway.yaml does not fit; raises as `open_version` does."""
    manifest = package.manifest
    if (manifest.name, manifest.version) != (name, version):
        message = f"is of {manifest.name} {manifest.version}, but is in the folder of {name} {version}"
        raise PackageError(package.folder / MANIFEST, message)
    if problems := config_problems(config, manifest):
        raise ConfigError("slipway.yaml", problems)
