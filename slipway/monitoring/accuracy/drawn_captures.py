"""Draws captures for labelling: from all captures of a window, or from the reservoirs of its periods."""

from collections.abc import Callable, Iterable, Sequence

from slipway.monitoring.accuracy.drawing import Candidate, candidate, chance, draw_chance, first
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reservoir import DrawnCapture

Kept = tuple[Capture, float]
"""A capture, and the chance below which it was kept."""

RightProbability = Callable[[Capture], float | None]
"""How probable it is that a capture's answer is right; None without a score."""


def kept_of_reservoir(period: Sequence[DrawnCapture]) -> list[Kept]:
    """The captures of one period's reservoir, each with the chance below which all captures of the period are in it.

    A full reservoir has the k least chances. The greatest of them is the ceiling of the other k - 1, and that record is
    left out: given the ceiling, every capture of the period was as likely to be below it.
    """
    if all(each.inclusion >= 1 for each in period):
        return [(each, 1.0) for each in period]
    chances = [draw_chance(each.id) for each in period]
    ceiling = max(chances)
    return [(each, ceiling) for each, own in zip(period, chances, strict=True) if own < ceiling]


def for_labels(kept: Iterable[Kept], number: int, probability: RightProbability) -> list[Candidate[Capture]]:
    """The first ``number`` captures to label, those with the most uncertain answers above all."""
    return first((candidate(each.id, each, probability(each), ceiling) for each, ceiling in kept), number)


def for_shadow(kept: Iterable[Kept], number: int, seed: str, *, least: float = 1.0) -> list[Capture]:
    """The first ``number`` of a simple random sample, in an order that has nothing to do with that of `for_labels`.

    Of several reservoirs, ``least`` is their least ceiling: each record is as likely as any other to be below it.
    """
    uniform = (
        Candidate(chance(each.id, seed), 1.0, each) for each, _ in kept if least >= 1 or draw_chance(each.id) < least
    )
    return [each.record for each in first(uniform, number)]
