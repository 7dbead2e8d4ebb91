"""Slipway's infrastructure and its embedded AWS, which are no packages of their own where Slipway is installed."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from slipway.errors import MissingExtraError
from slipway.installation import application_folder

EXTRA = "project"
"""The extra with all that a project needs."""

_PARTS = ("container", "functions", "infra", "local", "slipway")


def synthesize(config_file: Path) -> None:
    """Synthesize the stacks of a slipway.yaml, as the context of the CDK says; app.py calls this.

    Exits with a message if slipway.yaml, a package or the context has a mistake, or the extra `project` is missing.
    """
    try:
        infra = load_part("infra.synthesis")
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
    infra.synthesize(config_file)


def load_part(name: str) -> ModuleType:
    """Import a module of infra or local, for this process only: nothing else gets to see such general names.

    Raises:
        MissingExtraError: a library that it needs is not installed.
    """
    folder = str(application_folder())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _PARTS:
            raise
        raise MissingExtraError(error.name, EXTRA) from error
