"""The `slipway` command: each command parses, calls the library or the API, and prints."""

import os
import sys

from slipway.cli.commands import app
from slipway.cli.exits import Exit, exit_of, explain, explain_system
from slipway.config.deployment.environment import use_region
from slipway.config.deployment.loopback import keep_direct
from slipway.errors import SlipwayError

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line, turning Slipway's own errors and the system's into a message and an exit code."""
    keep_direct(os.environ)
    use_region(os.environ)
    try:
        app()
    except SlipwayError as error:
        explain(error)
        sys.exit(exit_of(error))
    except OSError as error:
        explain_system(error)
        sys.exit(Exit.REFUSED)
