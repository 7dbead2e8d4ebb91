"""The `slipway` command: each command parses, calls the library or the API, and prints."""

import os
import sys

from slipway.cli.commands import app
from slipway.cli.exits import exit_of, explain
from slipway.config.loopback import keep_direct
from slipway.errors import SlipwayError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line, turning Slipway's own errors into a message and an exit code."""
    keep_direct(os.environ)
    try:
        app()
    except SlipwayError as error:
        explain(error)
        sys.exit(exit_of(error))
