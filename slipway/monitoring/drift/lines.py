"""The questions that are asked of a column: its groups of cells, and the shares that they may have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slipway.monitoring.drift.evidence import Lines
from slipway.statistics.betting import Array, upper_bound

# The rest of a smaller cell is not asked about: it can hardly grow.
_LARGE = 0.1
# A rest that is one cell and this much more is that cell.
_SAME = 0.01
# Cells that are empty in the reference need little weight: a bet on one wins fast.
_RARE, _RARE_WEIGHT = 0.001, 0.1
# A single period may have this many times the baseline's share and this much more, as nights and days have.
_TIMES, _MORE = 3.0, 0.05


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of cells whose shares may grow: ``members`` is of shape [groups, cells], ``weights`` add up to 1."""

    members: Array
    weights: Array


def groups_of(kind: str, expected: Sequence[float] | Array) -> Groups:
    """The groups of a column. Every cell is one, and the last cell counts what is missing.

    Of numbers, so is every tail: the lowest cells up to one, and the highest. Of categories, so is the rest of a large
    cell, unless it is little more than another one.
    """
    shares = np.asarray(expected, dtype=np.float64)
    singles = np.eye(len(shares))
    members = np.array([*singles, *(_tails(len(shares)) if kind == "numbers" else _rests(shares))])
    weights = np.where(members @ shares < _RARE, _RARE_WEIGHT, 1.0)
    return Groups(members, weights / weights.sum())


def lines_of(
    groups: Groups, expected: Array, count: Array | float, *, margin: float, error: float, alone: bool = False
) -> Lines:
    """The lines of groups, from a reference.

    Args:
        groups: the groups of the column.
        expected: the reference's share of each cell, of shape [..., cells].
        count: the number of independent records that the shares are worth.
        margin: how far a mean share may be above the reference's.
        error: the probability that a true share is above its line less the margin, for each group.
        alone: whether records do not depend on each other.
    """
    share = np.clip(np.asarray(expected, dtype=np.float64) @ groups.members.T, 0.0, 1.0)
    size = np.broadcast_to(np.maximum(np.asarray(count, dtype=np.float64), 1.0)[..., None], share.shape)
    cycle = upper_bound(size, size * share, error) + margin
    sudden = np.minimum(_TIMES * cycle + _MORE, (1 + cycle) / 2)
    return Lines(groups.members, groups.weights, cycle, sudden, alone)


def _tails(cells: int) -> list[Array]:
    order = np.arange(cells - 1)
    lower = [np.append(order <= last, False) for last in range(1, cells - 2)]
    upper = [np.append(order >= first, False) for first in range(1, cells - 2)]
    return [each.astype(np.float64) for each in (*lower, *upper)]


def _rests(shares: Array) -> list[Array]:
    rests = []
    for cell in np.flatnonzero(shares >= _LARGE):
        others = np.delete(shares, cell)
        if others.sum() - others.max(initial=0.0) > _SAME:
            rests.append((np.arange(len(shares)) != cell).astype(np.float64))
    return rests
