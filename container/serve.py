"""Serve one slot of a heavy model: `python -m container`, configured by its environment."""

import logging
import os
from collections.abc import Sequence

from container.app import make_slot
from container.doorkeeper import Doorkeeper
from container.server import Server
from container.settings import Settings
from slipway.errors import SlipwayError


def main(_: Sequence[str]) -> int:
    """Serve until a signal stops the process; return 1 if it cannot start."""
    try:
        settings = Settings.of(os.environ)
        doorkeeper = Doorkeeper(settings.host, settings.port)
    except (SlipwayError, OSError) as error:
        return _cannot_start(error)
    try:
        slot = make_slot(settings)
    except SlipwayError as error:
        doorkeeper.close()
        return _cannot_start(error)
    Server(slot, settings).run([doorkeeper.hand_over()])
    return 0


def _cannot_start(error: Exception) -> int:
    logging.getLogger("slipway").error("cannot start: %s", error)
    return 1
