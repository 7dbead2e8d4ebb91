"""One component at a time against its limit, each with all requests, so that none hides the next."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from slipway.scale.limits import Limits
from slipway.scale.traffic import Array, Traffic

Effect = Literal["requests", "features", "monitoring", "releases"]
"""What suffers if a limit is exceeded: requests fail, those that need features fail, or what watches them is late."""


@dataclass(frozen=True)
class Check:
    """A component and what it is asked for: the most, over time, beside what its limit allows.

    ``limit`` is the limit's name in limits.yaml, if it is one of AWS's. ``at`` is the first second of excess, None if
    there is none, and ``until`` the second after the last one, None if it lasts. ``lost`` is the share of what is asked
    that is turned away. Of a ramp, what is allowed is the least that was answered, since it depends on the rise.
    """

    component: str
    what: str
    unit: str
    needed: float
    allowed: float
    effect: Effect
    limit: str | None = None
    at: float | None = None
    lost: float = 0.0
    until: float | None = None
    is_ramp: bool = False

    @property
    def is_exceeded(self) -> bool:
        """Whether the limit is too low."""
        return self.at is not None

    @property
    def ratio(self) -> float:
        """How many times the limit is asked for."""
        return self.needed / self.allowed


def over_time(
    traffic: Traffic,
    asked: Array,
    taken: Array,
    *,
    component: str,
    what: str,
    unit: str,
    allowed: float,
    effect: Effect,
    limit: str | None,
    is_ramp: bool = False,
) -> Check:
    """A check of what is asked for and taken in each step, from ``traffic.begins`` on."""
    since = traffic.times >= -1e-9
    short = np.flatnonzero(since & (taken < asked * (1 - 1e-3) - 1e-9))
    lost = float((asked - taken)[since].sum() / max(asked[since].sum(), 1e-12))
    return Check(
        component=component,
        what=what,
        unit=unit,
        needed=float(asked[since].max()),
        allowed=allowed,
        effect=effect,
        limit=limit,
        at=round(float(traffic.times[short[0]]), 3) if len(short) else None,
        lost=lost if len(short) else 0.0,
        until=_after(traffic, int(short[-1]) + 1) if len(short) else None,
        is_ramp=is_ramp,
    )


def _after(traffic: Traffic, place: int) -> float | None:
    return round(float(traffic.times[place]), 3) if place < len(traffic.rate) else None


def at_rate(
    traffic: Traffic,
    asked: Array,
    limits: Limits,
    *,
    component: str,
    what: str,
    limit: str,
    effect: Effect,
    unit: str | None = None,
) -> Check:
    """A check of a rate that a limit of AWS caps, without a burst."""
    allowed = limits[limit]
    return over_time(
        traffic,
        asked,
        np.minimum(asked, allowed),
        component=component,
        what=what,
        unit=unit or limits.known[limit].unit,
        allowed=allowed,
        effect=effect,
        limit=limit,
    )


def once(
    *, component: str, what: str, unit: str, needed: float, allowed: float, effect: Effect, limit: str | None = None
) -> Check:
    """A check of a size, which is exceeded from the beginning or never."""
    too_much = needed > allowed
    lost = 1 - allowed / needed if too_much else 0.0
    return Check(component, what, unit, needed, allowed, effect, limit, 0.0 if too_much else None, lost)
