"""Predictions that a device made and sends home later, with ids that the device made.

The version predicts the records again, so that a device cannot make answers up. Sending them twice gives them the same
ids, by which what is captured twice counts once.
"""

import re
import time
from collections.abc import Callable

from slipway.config.api import DEVICE_HEADER
from slipway.errors import InputError
from slipway.features.cache import Output
from slipway.monitoring.feedback.prediction_ids import random_of_device
from slipway.serving.prediction.request import Place, PredictionRequest

_FORM = re.compile(r"[0-9a-f]{24}")
_TIME_DIGITS = 8
# A device's clock may be a little ahead. Nothing looks at captures older than the other limit.
_AHEAD_SECONDS = 300
_OLDEST_SECONDS = 30 * 24 * 3600


class ByDevice:
    """Places the records of a request that names a version, each under the id that its device made.

    Args:
        header: the value of `DEVICE_HEADER`.
        clock: the seconds since 1970.
    """

    field = "inputs"
    is_one_choice = False

    def __init__(self, header: str, *, clock: Callable[[], float] = time.time) -> None:
        self._header = header
        self._clock = clock

    def place(self, request: PredictionRequest) -> list[Place]:
        version = request.version or 0
        return [
            Place(
                f"{request.model}.{version}.{random_of_device(random)}",
                version,
                made_at_ms=_seconds(random) * 1000,
            )
            for random in self._randoms(len(request.records))
        ]

    def drop_version(self, request: PredictionRequest, version: int) -> bool:  # noqa: ARG002 - as `Placing` has it
        return False

    def can_use(self, output: Output) -> bool:  # noqa: ARG002 - as `Placing` has it
        return True

    def misfits(self, request: PredictionRequest) -> list[Place]:  # noqa: ARG002 - as `Placing` has it
        return []

    def _randoms(self, count: int) -> list[str]:
        """The header's ids; raises InputError for one that no device made just now, or not for these records."""
        randoms = self._header.split(",")
        if len(randoms) != count or len(set(randoms)) != count:
            raise InputError.of(DEVICE_HEADER, f"must have {count} different ids, one for each record")
        now = self._clock()
        for random in randoms:
            if _FORM.fullmatch(random) is None:
                raise InputError.of(DEVICE_HEADER, "must have ids of 24 hexadecimal digits")
            if not now - _OLDEST_SECONDS <= _seconds(random) <= now + _AHEAD_SECONDS:
                raise InputError.of(DEVICE_HEADER, f"has {random}, whose time is over 30 days ago or in the future")
        return randoms


def _seconds(random: str) -> int:
    return int(random[:_TIME_DIGITS], 16)
