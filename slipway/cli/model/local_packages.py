"""Find packages on this machine by version or folder."""

import subprocess
from pathlib import Path

from slipway.cli.project import load_project
from slipway.config import Config, ModelConfig
from slipway.errors import InputError, NotFoundError
from slipway.models.package import MANIFEST, Package, load_package


class Project:
    """One model's configuration, and its packages beside slipway.yaml."""

    def __init__(self, config: Path, model: str) -> None:
        """Raise ConfigError, or NotFoundError for a model that slipway.yaml does not have."""
        self.settings: Config = load_project(config)
        if model not in self.settings.models:
            raise NotFoundError("model", model, self.settings.models, within="slipway.yaml")
        self._root = config.parent
        self._name = model

    @property
    def model(self) -> ModelConfig:
        """The model's section of slipway.yaml."""
        return self.settings.models[self._name]

    @property
    def folder(self) -> Path:
        """The folder of the model's versions."""
        return self.settings.model_folder(self._root, self._name)

    def labelled(self, given: Path | None) -> Path | None:
        """The labelled records to check with: ``given``, else ``gates.labelled``."""
        default = self.model.gates.labelled
        return given or (self._root / default if default else None)

    def package(self, version: str) -> Package:
        """Load and check the model's package by version number or folder.

        Raises:
            NotFoundError: there is no such version or folder.
            InputError: the package is of another model.
            PackageError: it is altered or malformed.
        """
        folder = self.folder / version if version.isdecimal() else Path(version)
        if not (folder / MANIFEST).is_file():
            way_out = pull_of(self._name, version) if version.isdecimal() else None
            raise NotFoundError(f"package of {self._name}", str(folder), map(str, self._numbers()), way_out=way_out)
        package = load_package(folder)
        if package.manifest.name != self._name:
            raise InputError.of(version, f"is a package of {package.manifest.name}, not of {self._name}")
        return package

    def before(self, package: Package) -> Package | None:
        """The local package with the next lower number, or None."""
        lower = [number for number in self._numbers() if number < package.manifest.version]
        return self.package(str(lower[-1])) if lower else None

    def commit(self) -> str | None:
        """The checked-out commit; None outside a git checkout."""
        command = ["git", "-C", str(self._root), "rev-parse", "--verify", "--quiet", "HEAD"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:  # no git
            return None
        return done.stdout.strip() or None

    def _numbers(self) -> list[int]:
        return numbers_in(self.folder)


def numbers_in(folder: Path) -> list[int]:
    """The versions in a model's folder."""
    found = folder.glob(f"*/{MANIFEST}")
    return sorted(int(path.parent.name) for path in found if path.parent.name.isdecimal())


def pull_of(model: str, version: int | str) -> str:
    """How a version that is only in the registry comes to this machine, for an error."""
    return f"`slipway model pull {model} {version}` fetches a version of the registry"
