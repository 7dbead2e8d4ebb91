"""Open the registry in a function or a container, without ONNX Runtime, which only those that predict have."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from slipway.models.registry.registry import Registry


def downloads_folder() -> Path:
    """The default folder of fetched versions; all other paths of functions and containers are read-only."""
    return Path(tempfile.gettempdir()) / "slipway-models"


def aws_registry(table: str, bucket: str) -> Callable[[], Registry]:
    """A factory of the registry that creates it on its first call, because importing AWS's client is slow."""

    @cache
    def registry() -> Registry:
        from slipway.models.registry.bucket import S3ObjectStore
        from slipway.models.registry.table import DynamoVersionTable

        return Registry(S3ObjectStore(bucket), DynamoVersionTable(table))

    return registry
