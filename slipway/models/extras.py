"""Optional frameworks: importing and compressing need them, serving never does."""

import importlib
from typing import Any

from slipway.errors import MissingExtraError


def need(module: str, extra: str) -> Any:
    """Import ``module``, or name the extra of Slipway that provides it.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingExtraError(error.name, extra) from error
