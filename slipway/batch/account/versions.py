"""Versions for batch jobs: from the bundle, or from the registry."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway.config import Config
from slipway.models.bundle import open_proved
from slipway.models.package import MANIFEST, Package, read_manifest
from slipway.models.prediction.predictor import Predictor
from slipway.models.registry.fetching import find_version
from slipway.models.registry.registry import Registry


@dataclass(frozen=True, slots=True)
class FoundVersions:
    """Finds versions in ``root``, the folder of slipway.yaml, or fetches them to ``cache``."""

    config: Config
    root: Path
    registry: Callable[[], Registry]
    cache: Path

    def manifest(self, model: str, version: int) -> Package:
        """A package with its manifest and no other file: plans need no more, even of a heavy model.

        Raises:
            PackageError, NotFoundError, UnavailableError: it is malformed, does not exist, or cannot be fetched.
        """
        folder = self.config.model_folder(self.root, model) / str(version)
        if (folder / MANIFEST).is_file():
            return Package(folder, read_manifest(folder / MANIFEST))
        registry = self.registry()
        return Package(folder, registry.manifest(registry.version(model, version)))

    def predictor(self, model: str, version: int) -> Predictor:
        """A light version, opened, which has proved itself; raises as `find_version` and `open_proved` do."""
        package = find_version(self.config, self.root, self.registry(), model, version, cache=self.cache)
        return open_proved(self.config, package)
