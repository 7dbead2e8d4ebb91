"""Evidence that a column's long-run shares are not its reference's: capital won by betting on the shares of periods.

One column has groups of cells, and for each group a line that its mean share does not exceed unless it drifts. A bet
stakes a constant part of its capital on "the share of the period is above the line". docs/drift.md has the derivation.
"""

from dataclasses import dataclass, replace

import numpy as np

from slipway.statistics.betting import Array

STAKES = np.array([0.12, 0.4, 0.95])
"""The parts of the capital that the bets stake: of 1, a share of 0 in a period would leave nothing."""
CYCLE, BREAK = 0, 1
_OF_STAKES = np.array([0.2, 0.3, 0.5])
_OF_LINES = np.array([0.7, 0.3])
# A period counts by its records up to the busiest of the last cycle, or this many times its mean period.
_BUSIEST = 3.0
_FORGOTTEN = 0.5
_NOTHING = -999.0


@dataclass(frozen=True, slots=True)
class Lines:
    """Groups of cells and the shares that they do not exceed unless they drift.

    ``members`` is of shape [groups, cells] and of zeros and ones, and ``weights`` has the part of the capital for each
    group. ``cycle`` has the line of each group's mean over a whole cycle, and ``sudden`` the wider line of any single
    period, both of shape [..., groups]. A line of 1 or more is not bet on. With ``alone``, records do not depend on
    each other, and each is bet on by itself.
    """

    members: Array
    weights: Array
    cycle: Array
    sudden: Array
    alone: bool = False

    @property
    def groups(self) -> int:
        """The number of groups."""
        return int(self.members.shape[0])


@dataclass(frozen=True, slots=True)
class Volume:
    """How many records make a period count in full. Arrays have one entry per run.

    ``full`` is that number. It is known before the cycle begins; in the first cycle, before the period does.
    """

    full: Array
    busiest: Array
    total: Array
    periods: Array

    @classmethod
    def of(cls, runs: tuple[int, ...] = ()) -> "Volume":
        """No records yet."""
        return cls(*(np.zeros(runs) for _ in range(4)))

    def weight(self, records: Array) -> Array:
        """The weight of a period with so many records, between 0 and 1."""
        full = np.where(self.full > 0, self.full, self.busiest)
        weight: Array = np.where(full > 0, np.minimum(records / np.maximum(full, 1.0), 1.0), 0.0)
        return weight

    def after(self, records: Array) -> "Volume":
        """The volume after a period of the cycle."""
        return replace(
            self,
            busiest=np.maximum(self.busiest, records),
            total=self.total + records,
            periods=self.periods + (records > 0),
        )

    def closed(self) -> "Volume":
        """The volume that the next cycle is weighed by."""
        mean = self.total / np.maximum(self.periods, 1.0)
        full = np.maximum(np.minimum(self.busiest, _BUSIEST * mean), _FORGOTTEN * self.full)
        none = np.zeros_like(full)
        return Volume(full, none, none, none)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The bets on one column. Leading axes, if any, are runs.

    ``capital`` has the logarithm of each bet's capital, of shape [..., 2, groups, stakes], for lines over cycles and
    over periods. ``pending`` has what the running cycle's periods multiply the former by, of shape [..., groups,
    stakes].
    """

    capital: Array
    pending: Array
    volume: Volume

    @classmethod
    def of(cls, lines: Lines, runs: tuple[int, ...] = ()) -> "Evidence":
        """No evidence yet."""
        shape = (lines.groups, len(STAKES))
        return cls(np.full((*runs, 2, *shape), _NOTHING), np.zeros((*runs, *shape)), Volume.of(runs))

    def after(self, counts: Array, lines: Lines, *, start: float) -> "Evidence":
        """The evidence after a period.

        Args:
            counts: the counts by cell, of shape [..., cells].
            lines: the groups and their lines.
            start: the weight of bets that begin with this period.
        """
        records = counts.sum(axis=-1)
        cycle, sudden = (self._won(counts, records, lines, line) for line in (lines.cycle, lines.sudden))
        broken = np.logaddexp(self.capital[..., BREAK, :, :], np.log(start)) + sudden
        capital = np.stack([self.capital[..., CYCLE, :, :], broken], axis=-3)
        return Evidence(capital, self.pending + cycle, self.volume.after(records))

    def _won(self, counts: Array, records: Array, lines: Lines, line: Array) -> Array:
        grown = counts @ lines.members.T
        if lines.alone:
            return _winnings_of_records(grown, records[..., None], line)
        shares = grown / np.maximum(records, 1.0)[..., None]
        return _winnings(shares, self.volume.weight(records)[..., None], line)

    def closed(self, lines: Lines, *, start: float, ceiling: float) -> "Evidence":
        """The evidence after the end of a cycle.

        Args:
            lines: the groups and their lines.
            start: the weight of bets that began with the cycle.
            ceiling: the most evidence that is kept, as a logarithm, so that it is gone soon after a drift has gone.
        """
        cycle = np.logaddexp(self.capital[..., CYCLE, :, :], np.log(start)) + self.pending
        closed = Evidence(
            np.stack([cycle, self.capital[..., BREAK, :, :]], axis=-3),
            np.zeros_like(self.pending),
            self.volume.closed(),
        )
        excess = np.maximum(closed.value(lines) - ceiling, 0.0)[..., None, None, None]
        return replace(closed, capital=closed.capital - excess)

    def values(self, lines: Lines) -> Array:
        """The logarithms of the evidence over cycles and over periods, of shape [..., 2], each by its part of all.

        They may not be added up: the former is as old as the last cycle, and what is looked at between may not depend
        on what has happened since.
        """
        parts = _OF_LINES[:, None, None] * lines.weights[:, None] * _OF_STAKES
        return log_sum(self.capital + np.log(parts), axes=(-2, -1))

    def value(self, lines: Lines) -> Array:
        """The larger of the two, of shape [...]."""
        value: Array = self.values(lines).max(axis=-1)
        return value


def log_sum(logarithms: Array, axes: int | tuple[int, ...] = -1) -> Array:
    """The logarithm of the sum of numbers that are given as logarithms."""
    highest = logarithms.max(axis=axes, keepdims=True)
    total: Array = np.log(np.exp(logarithms - highest).sum(axis=axes)) + highest.squeeze(axis=axes)
    return total


def _winnings(shares: Array, weight: Array, line: Array) -> Array:
    """The logarithm of what a period multiplies each bet's capital by, of shape [..., groups, stakes]."""
    open_to_bets = (line > 0) & (line < 1)
    gain = np.where(open_to_bets, weight * (shares / np.where(open_to_bets, line, 1.0) - 1), 0.0)
    winnings: Array = np.log1p(STAKES * gain[..., None])
    return winnings


def _winnings_of_records(grown: Array, records: Array, line: Array) -> Array:
    """The same where each record is bet on: one of the group wins 1 / line - 1 times the stake, another loses it."""
    open_to_bets = ((line > 0) & (line < 1))[..., None]
    odds = np.where(open_to_bets, 1 / np.where(open_to_bets, line[..., None], 1.0) - 1, 0.0)
    others = (records - grown)[..., None] * np.log1p(-STAKES)
    winnings: Array = np.where(open_to_bets, grown[..., None] * np.log1p(STAKES * odds) + others, 0.0)
    return winnings


def start_weight(number: int, per_year: float) -> float:
    """The weight of the bets that begin with the ``number``-th period, from 1: the first year's add up to 1 at most.

    Half is for a drift at the beginning, and half for any time of the year; all later years weigh a half.
    """
    return 0.5 / (number * (number + 1)) + 0.5 / per_year
