"""The labels that deployed versions predict, as far as their manifests are here."""

import logging
from pathlib import Path

from slipway.config import Config
from slipway.errors import PackageError
from slipway.models.package import MANIFEST, read_manifest

_LOG = logging.getLogger(__name__)


def bundled_labels(config: Config, root: Path) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return the labels of each deployed version that has some, by name and version.

    Left out are versions whose manifest is not below ``root``, because they come from the registry, or cannot be read.
    """
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for name, model in config.models.items():
        for version in model.versions:
            file = config.model_folder(root, name) / str(version) / MANIFEST
            if file.is_file() and (labels := _labels(file)):
                found[name, version] = labels
    return found


def _labels(file: Path) -> tuple[str, ...] | None:
    try:
        return read_manifest(file).outputs.labels
    except PackageError as error:
        _LOG.warning("labels of feedback are not checked: %s", error)
        return None
