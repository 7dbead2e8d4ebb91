"""The interval of a share of simulated runs (C. Clopper and E. Pearson, Biometrika 26, 1934)."""

from collections.abc import Callable
from math import exp, lgamma, log, log1p

_HALVINGS = 60


def share_interval(hits: int, runs: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of the true share, for ``hits`` of ``runs``; it is exact, and never too narrow."""
    tail = (1 - confidence) / 2
    low = _first(lambda share: _at_least(hits, runs, share) >= tail) if hits else 0.0
    high = _first(lambda share: 1 - _at_least(hits + 1, runs, share) <= tail) if hits < runs else 1.0
    return low, high


def _at_least(hits: int, runs: int, share: float) -> float:
    """The probability of at least so many hits."""
    if not 0 < share < 1:
        return float(share > 0 or hits == 0)
    return sum(exp(_log_probability(each, runs, share)) for each in range(hits, runs + 1))


def _log_probability(hits: int, runs: int, share: float) -> float:
    ways = lgamma(runs + 1) - lgamma(hits + 1) - lgamma(runs - hits + 1)
    return ways + hits * log(share) + (runs - hits) * log1p(-share)


def _first(holds: Callable[[float], bool]) -> float:
    """The smallest share for which ``holds``."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
