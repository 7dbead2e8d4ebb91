"""What a task of the heavy tier's image does: `python -m container [COMMAND …]`, by default to serve a slot."""

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module

# A worker encodes one text at a time, and handing it to the tokenizer's threads takes longer than encoding it.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from slipway.monitoring.telemetry.instrumentation import start_logging

_COMMANDS = {
    "batch": "container.batch",
    "serve": "container.serve",
    "train": "container.train",
}
"""Modules with a `main` that takes the further arguments and returns the exit code. Only one is imported."""

_UNKNOWN = 2


def main(arguments: Sequence[str]) -> int:
    """Run a command to its end and return its exit code."""
    start_logging("container")
    name, *rest = arguments or ["serve"]
    if name not in _COMMANDS:
        logging.getLogger("slipway").error("no command %s; there is %s", name, ", ".join(_COMMANDS))
        return _UNKNOWN
    code: int = import_module(_COMMANDS[name]).main(rest)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
