"""The fields that a request to a version may have, for starting a release."""

from pathlib import Path

from slipway.cli.model.registry_target import find_target
from slipway.config import Config
from slipway.models.manifest import Manifest
from slipway.models.package import load_package
from slipway.releases.routing.sticky import sendable


def request_fields(config: Config, config_file: Path, model: str, version: int) -> tuple[str, ...]:
    """The fields and entities that a request to a version may have.

    Raises:
        NotFoundError: the version is neither here nor in the registry.
        PackageError, UnavailableError: it cannot be read.
    """
    return sendable(_manifest(config, config_file, model, version), config)


def _manifest(config: Config, config_file: Path, model: str, version: int) -> Manifest:
    folder = config.model_folder(config_file.parent, model) / str(version)
    if folder.is_dir():
        return load_package(folder).manifest
    registry = find_target(config_file, None, None).open()
    return registry.manifest(registry.version(model, version))
