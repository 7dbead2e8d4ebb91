"""`slipway` and `python -m slipway`: the command line, whose libraries an extra brings."""

import sys

from slipway.errors import MissingExtraError


def main() -> None:
    """Run the command line, or say in one line which extra brings it."""
    try:
        from slipway.cli import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "slipway":
            raise
        sys.exit(f"error: {MissingExtraError(error.name, 'cli')}")
    run()


if __name__ == "__main__":
    main()
