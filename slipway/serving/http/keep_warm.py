"""Answers the scheduled calls that keep a function's snapshot from becoming inactive."""

from collections.abc import Callable
from typing import Any

from slipway.config.deployment.keep_warm import KEEP_WARM

Answer = dict[str, Any]


def keep_warm(handler: Callable[[Any, Any], Answer]) -> Callable[[Any, Any], Answer]:
    """Return a handler that answers such calls itself, before anything is counted or captured."""

    def handle(event: Any, context: Any) -> Answer:
        return {} if event == KEEP_WARM else handler(event, context)

    return handle
