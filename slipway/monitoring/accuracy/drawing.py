"""Which captures to label next: a sample with known probabilities, of which the estimate stays unbiased.

Each record has a chance by the hash of its id, the same for every labeller, and a weight by how uncertain its answer
is. Records are labelled in the order of chance over weight. Those labelled so far are then a sample, in which a record
of weight w is with probability min(1, w t), where t is the next record's chance over its weight: priority sampling (N.
Duffield, C. Lund and M. Thorup, 2007).

The reservoir of a period keeps the records whose chance is below a ceiling. It is the same chance, so a record of a
reservoir is drawn with probability min(ceiling, w t), and draws from captures and from reservoirs are nested.
docs/accuracy.md derives it.
"""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

from slipway.monitoring.captures.reservoir import rank

T = TypeVar("T")
FLOOR = 0.25
"""The least weight: a record with a certain answer is drawn at least a quarter as often as the most uncertain one."""

_BYTES = 7
_RANKS = 2**64


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T]):
    """A record that may be drawn: its place in the order, its weight, and the chance below which it was kept at all."""

    place: float
    weight: float
    record: T
    ceiling: float = 1.0

    def probability(self, limit: float) -> float:
        """The probability that the record was kept and comes before ``limit`` in the order."""
        return min(self.ceiling, self.weight * limit)


def weight_of(probability: float | None) -> float:
    """The weight of a record whose answer is right with this probability; 1 for an answer without a score."""
    if probability is None:
        return 1.0
    inside = min(max(probability, 0.0), 1.0)
    return max(FLOOR, 2 * math.sqrt(inside * (1 - inside)))


def chance(identifier: str, seed: str) -> float:
    """A number between 0 and 1 by the hash of an id, that nothing else determines."""
    digest = blake2b(f"{seed}\n{identifier}".encode(), digest_size=_BYTES).digest()
    return float((int.from_bytes(digest) + 0.5) / 2 ** (8 * _BYTES))


def draw_chance(identifier: str) -> float:
    """The chance of a record to be drawn, between 0 and 1: by the hash that reservoirs are drawn by, too."""
    return (rank(identifier) + 0.5) / _RANKS


def candidate(identifier: str, record: T, probability: float | None, ceiling: float = 1.0) -> Candidate[T]:
    """A record with its place in the order; ``probability`` is that of its answer to be right."""
    weight = weight_of(probability)
    return Candidate(draw_chance(identifier) / weight, weight, record, ceiling)


def first(candidates: Iterable[Candidate[T]], number: int) -> list[Candidate[T]]:
    """The first ``number`` candidates in their order; memory does not grow with their number otherwise."""
    return heapq.nsmallest(number, candidates, key=lambda each: each.place)


def limit_after(ordered: Sequence[Candidate[T]], taken: int) -> float:
    """The place that the records of a sample came before, given at least one more candidate; infinite if all came."""
    return ordered[taken].place if taken < len(ordered) else math.inf
