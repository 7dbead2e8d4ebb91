"""`slipway` and `python -m slipway`: the command line, whose libraries an extra brings."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """Run the command line, or say in one line which extra brings it."""
    try:
        with _ended_by_ctrl_c():
            from slipway.cli import main as run
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "slipway":
            raise
        from slipway.errors import MissingExtraError

        sys.exit(f"error: {MissingExtraError(error.name, 'cli')}")
    run()


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process without a traceback: the imports take half a second, and nothing has begun."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    main()
