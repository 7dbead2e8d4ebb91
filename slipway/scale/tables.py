"""DynamoDB: what a partition and a table on demand take."""

import math
from collections import deque

import numpy as np

from slipway.scale.limits import Limits
from slipway.scale.traffic import Array

_READ_UNIT = 4096
_WRITE_UNIT = 1024
_EVENTUAL = 0.5
TRANSACTION = 2
"""A write in a transaction takes twice the units."""


def read_units(size: float) -> float:
    """The units of an eventually consistent read of one item of so many bytes."""
    return _EVENTUAL * math.ceil(size / _READ_UNIT)


def write_units(size: float) -> float:
    """The units of a write of one item of so many bytes."""
    return float(math.ceil(size / _WRITE_UNIT))


def taken(units: Array, dt: float, *, start: float, most: float, limits: Limits) -> Array:
    """The units a second that a table on demand takes of those that are asked of it.

    It takes ``start`` at first, and at any time twice its peak of half an hour ago, up to ``most``, its quota.
    """
    behind = max(round(limits["table_doubling_seconds"] / dt), 1)
    waiting: deque[float] = deque()
    peak, found = start / 2, np.empty(len(units))
    for place, asked in enumerate(units):
        found[place] = min(asked, 2 * peak, most)
        waiting.append(found[place])
        if len(waiting) > behind:
            peak = max(peak, waiting.popleft())
    return found
