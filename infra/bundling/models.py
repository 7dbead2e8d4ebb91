"""The packages that slipway.yaml deploys, with what the infrastructure needs of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

from slipway.config import Config
from slipway.errors import ConfigError, FieldProblem
from slipway.models.manifest import BUILT_IN_TASKS
from slipway.models.measurements.golden import has_golden, prove
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.servable import config_problems, require_servable


@dataclass(frozen=True)
class DeployedModel:
    """A model of slipway.yaml with the checked packages of its deployed versions.

    ``packages`` are those beside slipway.yaml; the other ``versions`` come from the registry.
    """

    name: str
    versions: tuple[int, ...]
    packages: tuple[Package, ...]
    cached: bool
    reads_features: bool
    """Whether any version may read features; those of versions in the registry are unknown here."""
    precomputed: bool = False

    @property
    def fetched(self) -> tuple[int, ...]:
        """The versions that the functions fetch from the registry."""
        bundled = {package.manifest.version for package in self.packages}
        return tuple(version for version in self.versions if version not in bundled)

    @property
    def groups(self) -> tuple[str, ...]:
        """The feature groups that any version beside slipway.yaml reads, in order of first use."""
        return tuple(dict.fromkeys(group for package in self.packages for group in package.manifest.groups))

    @classmethod
    def load(cls, name: str, config: Config, *, root: Path, config_file: Path) -> Self:
        """Read the packages of a model.

        Raises:
            ConfigError: ``path`` is invalid, or a package is another model's, or reads other features than `features`
                defines.
            PackageError: a file of a package is missing or altered.
            GoldenError: a package does not give the answers that its golden records expect.
        """
        folder = config.model_folder(root, name)
        if ".." in folder.parts or not folder.is_relative_to(root):
            # The functions look for models below the folder of slipway.yaml.
            message = f"must be below the folder of {config_file.name}, but leads to {folder}"
            raise ConfigError(config_file, [FieldProblem(f"models.{name}.path", message)])
        model = config.models[name]
        if model.path is not None and not folder.is_dir():
            raise ConfigError(config_file, [FieldProblem(f"models.{name}.path", f"there is no folder {folder}")])
        folders = [folder / str(version) for version in model.versions]
        packages = [load_package(each) for each in folders if each.exists()]
        problems = [problem for package in packages for problem in _problems(name, package, config)]
        if problems:
            raise ConfigError(config_file, problems)
        for package in packages:
            require_servable(config, package.manifest)
            _prove(package.folder, package.manifest.seal, required=model.gates.requires_golden)
        may_read = any(package.manifest.groups for package in packages) or (
            len(packages) < len(folders) and bool(config.features)
        )
        precomputed = model.cache.precomputed is not None
        return cls(name, model.versions, tuple(packages), model.cache.enabled, may_read, precomputed)


@cache
def _prove(folder: Path, seal: str | None, *, required: bool) -> None:  # noqa: ARG001 - the seal is part of the key
    """Have a package prove itself on this machine, once for each content; a user's own task may not run here."""
    package = load_package(folder)
    if package.manifest.task in BUILT_IN_TASKS and (required or has_golden(package.manifest)):
        prove(Predictor(package), required=required)


def load_deployed_models(config: Config, *, root: Path, config_file: Path) -> tuple[DeployedModel, ...]:
    """The light models of slipway.yaml; raises as `DeployedModel.load` does."""
    return tuple(DeployedModel.load(name, config, root=root, config_file=config_file) for name in config.light_models)


def load_heavy_models(config: Config, *, root: Path, config_file: Path) -> tuple[DeployedModel, ...]:
    """The heavy models of slipway.yaml; raises as `DeployedModel.load` does."""
    return tuple(DeployedModel.load(name, config, root=root, config_file=config_file) for name in config.heavy_models)


HEAVY_BYTES_IN_SHADOW = 100_000_000
"""The limit on heavy models in the bundle of the function `shadow`; dependencies take 90 of a bundle's 250 MB."""


def load_shadowed_models(config: Config, *, root: Path, config_file: Path) -> tuple[DeployedModel, ...]:
    """The models that can be shadowed, with the packages to bundle with the function `shadow`.

    Packages of heavy models that do not fit are fetched from the registry. Raises as `DeployedModel.load` does.
    """
    heavy = [name for name, model in config.heavy_models.items() if model.heavy.compute == "fargate"]
    models = [DeployedModel.load(name, config, root=root, config_file=config_file) for name in heavy]
    return (*load_deployed_models(config, root=root, config_file=config_file), *_within(models, HEAVY_BYTES_IN_SHADOW))


def _within(models: Iterable[DeployedModel], room: int) -> Iterator[DeployedModel]:
    for model in models:
        kept = []
        for package in model.packages:
            size = sum(entry.bytes for entry in package.manifest.files)
            if size <= room:
                kept.append(package)
                room -= size
        yield replace(model, packages=tuple(kept))


def _problems(name: str, package: Package, config: Config) -> list[FieldProblem]:
    found = (package.manifest.name, str(package.manifest.version))
    problems = config_problems(config, package.manifest)
    capture = config.models[name].capture
    if capture.by == "entity" and capture.entity is None and not package.manifest.groups:
        message = f"needs `entity`, since version {found[1]} reads no features, by which its records would name one"
        problems.append(FieldProblem(f"models.{name}.capture.by", message))
    if found != (name, package.folder.name):
        message = f"{package.folder} has {found[0]} version {found[1]}"
        problems.append(FieldProblem(f"models.{name}.versions", message))
    return problems
