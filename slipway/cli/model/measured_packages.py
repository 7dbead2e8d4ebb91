"""Find a version's manifest and measurements: beside slipway.yaml, or else in the registry of a deployment."""

from collections.abc import Callable
from pathlib import Path

from slipway.cli.deployed import Deployed
from slipway.cli.model.registry_target import Target
from slipway.config import Config
from slipway.models.measurements.measured import MeasuredVersions
from slipway.models.registry.opening import downloads_folder
from slipway.models.registry.registry import Registry


def measured_versions(settings: Config, root: Path, find: Callable[[], Deployed]) -> MeasuredVersions:
    """The versions of a project; ``find`` is asked for the deployment only if one does not lie under ``root``."""

    def registry() -> Registry:
        deployed = find()
        table, bucket = (deployed.output(name) for name in ("ControlTable", "ModelBucket"))
        return Target(table, bucket, deployed.place, deployed.options).open()

    return MeasuredVersions(settings, root, registry, cache=downloads_folder())
