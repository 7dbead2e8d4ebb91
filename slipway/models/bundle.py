"""Open the packages beside slipway.yaml in a bundle for serving."""

from pathlib import Path

from slipway.config import Config
from slipway.errors import ConfigError, FieldProblem, PackageError
from slipway.models.manifest import InputField, Manifest
from slipway.models.package import MANIFEST, Package, checking_package, load_package
from slipway.models.predictor import Predictor


def load_models(config: Config, root: Path) -> dict[tuple[str, int], Predictor]:
    """Every deployed version of every light model, by name and version; ``root`` is the folder of slipway.yaml.

    Raises:
        PackageError: a package is missing, altered or malformed, or is in the folder of another name or version.
        ConfigError: a manifest takes an input from a feature that slipway.yaml does not define.
    """
    return {
        (name, version): open_version(config, config.model_folder(root, name) / str(version), name, version)
        for name, model in config.light_models.items()
        for version in model.versions
    }


def open_version(config: Config, folder: Path, name: str, version: int) -> Predictor:
    """Open the version in ``folder`` with one thread while its files are checked; raises as `load_models` does."""
    with checking_package(folder) as package:
        refuse_other(config, package, name, version)
        return Predictor(package, task_modules=config.light.task_modules)


def load_version(config: Config, root: Path, name: str, version: int) -> Package:
    """The checked package of one version, without opening its graph; raises as `load_models` does."""
    package = load_package(config.model_folder(root, name) / str(version))
    refuse_other(config, package, name, version)
    return package


def refuse_other(config: Config, package: Package, name: str, version: int) -> None:
    """Refuse a package of another version, or with undefined features; raises as `load_models` does."""
    manifest = package.manifest
    if (manifest.name, manifest.version) != (name, version):
        message = f"is of {manifest.name} {manifest.version}, but is in the folder of {name} {version}"
        raise PackageError(package.folder / MANIFEST, message)
    problems = [problem for field in manifest.inputs for problem in _undefined(config, manifest, field)]
    if problems:
        raise ConfigError("slipway.yaml", problems)


def _undefined(config: Config, manifest: Manifest, field: InputField) -> list[FieldProblem]:
    if field.group is None:
        return []
    needed_by = f"{manifest.name} {manifest.version} reads {field.name} from it"
    group = config.features.get(field.group)
    if group is None:
        return [FieldProblem(f"features.{field.group}", f"is not defined, but {needed_by}")]
    path = f"features.{field.group}.features.{field.name}"
    feature = group.features.get(field.name)
    if feature is None:
        return [FieldProblem(path, f"is not defined, but {needed_by}")]
    if feature.type is not field.type:
        return [FieldProblem(path, f"is of type {feature.type}, but {needed_by} as {field.type}")]
    return []
