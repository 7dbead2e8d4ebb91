"""The heavy frameworks, which are optional: importing and compressing need them, serving never does."""

import importlib
from typing import Any

from slipway.errors import MissingExtraError


def need(module: str, extra: str) -> Any:
    """Import ``module``, or say which extra of Slipway brings it.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(error.name, extra) from error
