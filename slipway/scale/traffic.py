"""How requests come: at once, or over a day."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = Literal["step", "day"]

DAY = 86_400.0
_BEFORE = 0.01
_NIGHT = 0.1


@dataclass(frozen=True)
class Traffic:
    """Requests a second in steps of ``dt`` seconds. ``begins`` is the second from which on findings are timed."""

    shape: Shape
    dt: float
    rate: Array
    begins: float = 0.0

    @property
    def times(self) -> Array:
        """The seconds at which the steps begin, from ``begins`` on."""
        return np.arange(len(self.rate), dtype=np.float64) * self.dt - self.begins

    @property
    def mean(self) -> float:
        """Requests a second on average, from ``begins`` on."""
        return float(self.rate[self.times >= 0].mean())


def step(rps: float, *, seconds: float = 900.0, before: float = 60.0, dt: float = 0.1) -> Traffic:
    """A hundredth of the requests for a while, then all of them at once."""
    rate = np.full(round((before + seconds) / dt), float(rps))
    rate[: round(before / dt)] *= _BEFORE
    return Traffic("step", dt, rate, before)


def day(rps: float, *, before: float = 3600.0, dt: float = 5.0) -> Traffic:
    """A day from its quietest moment on, with a tenth of the requests then, and all of them twelve hours later."""
    times = np.maximum(np.arange(round((before + DAY) / dt)) * dt - before, 0.0)
    swing = (1 - np.cos(2 * np.pi * times / DAY)) / 2
    return Traffic("day", dt, rps * (_NIGHT + (1 - _NIGHT) * swing), before)
