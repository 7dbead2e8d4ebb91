"""The packages that lie beside slipway.yaml in one bundle, opened for serving."""

from pathlib import Path

from slipway.config import Config
from slipway.errors import ConfigError, FieldProblem, PackageError
from slipway.models.manifest import InputField, Manifest
from slipway.models.package import MANIFEST, Package, checking_package, load_package
from slipway.models.predictor import Predictor


def load_models(config: Config, root: Path) -> dict[tuple[str, int], Predictor]:
    """Every deployed version of every light model, by name and version; ``root`` is the folder of slipway.yaml.

    Raises:
        PackageError: a package is missing, altered or malformed, or lies in the folder of another name or version.
        ConfigError: a manifest takes an input from a feature that slipway.yaml does not define.
    """
    return {
        (name, version): open_version(config, config.model_folder(root, name) / str(version), name, version)
        for name, model in config.light_models.items()
        for version in model.versions
    }


def open_version(config: Config, folder: Path, name: str, version: int) -> Predictor:
    """The version in ``folder``, opened with one thread while its files are checked; raises as `load_models` does."""
    with checking_package(folder) as package:
        refuse_other(config, package, name, version)
        return Predictor(package, task_modules=config.light.task_modules)


def load_version(config: Config, root: Path, name: str, version: int) -> Package:
    """The checked package of one version, without opening its graph; raises as `load_models` does."""
    package = load_package(config.model_folder(root, name) / str(version))
    refuse_other(config, package, name, version)
    return package


def refuse_other(config: Config, package: Package, name: str, version: int) -> None:
    """See that a package is the version, and that its features are defined; raises as `load_models` does."""
    manifest = package.manifest
    if (manifest.name, manifest.version) != (name, version):
        message = f"is of {manifest.name} {manifest.version}, and lies in the folder of {name} {version}"
        raise PackageError(package.folder / MANIFEST, message)
    problems = [problem for field in manifest.inputs for problem in _undefined(config, manifest, field)]
    if problems:
        raise ConfigError("slipway.yaml", problems)


def _undefined(config: Config, manifest: Manifest, field: InputField) -> list[FieldProblem]:
    if field.group is None:
        return []
    taker = f"{manifest.name} {manifest.version} takes {field.name} from it"
    group = config.features.get(field.group)
    if group is None:
        return [FieldProblem(f"features.{field.group}", f"is not defined, and {taker}")]
    path = f"features.{field.group}.features.{field.name}"
    feature = group.features.get(field.name)
    if feature is None:
        return [FieldProblem(path, f"is not defined, and {taker}")]
    if feature.type is not field.type:
        return [FieldProblem(path, f"is of type {feature.type}, and {taker} as {field.type}")]
    return []
