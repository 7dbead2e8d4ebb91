"""What is asked of a version's columns together: their lines, and the evidence that each of them needs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from slipway.config.drift import DriftConfig
from slipway.monitoring.drift.alarms import OF_BASELINE, column_weights, found_by_either, least_evidence
from slipway.monitoring.drift.evidence import Evidence, Lines
from slipway.monitoring.drift.lines import groups_of, lines_of
from slipway.monitoring.profiles.bins import Bins
from slipway.statistics.betting import Array

# How much more evidence is kept than an alarm needs: a factor of e^9.
_KEPT = 9.0


@dataclass(frozen=True, slots=True)
class Questions:
    """The columns that are watched, what each is compared with and its lines, and the alarms that may be false."""

    bins: tuple[Bins, ...]
    lines: Mapping[str, Lines]
    weights: Array
    alpha: float

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(each.column for each in self.bins)

    @property
    def needed(self) -> dict[str, float]:
        """The logarithm of the evidence with which a column is found if it is the only one."""
        return dict(zip(self.columns, least_evidence(self.weights, self.alpha).tolist(), strict=True))

    @property
    def ceilings(self) -> dict[str, float]:
        """The most evidence that is kept of a column."""
        return {column: needed + _KEPT for column, needed in self.needed.items()}

    def found(self, evidence: Mapping[str, Evidence]) -> frozenset[str]:
        """The columns that the test finds."""
        if not self.bins:
            return frozenset()
        values = np.array([evidence[column].values(self.lines[column]) for column in self.columns])
        found = found_by_either(values, self.weights, self.alpha)
        return frozenset(column for column, drifted in zip(self.columns, found.tolist(), strict=True) if drifted)


@lru_cache(maxsize=64)  # the lines are the same from one period to the next, and take longer than the bets
def questions(bins: tuple[Bins, ...], config: DriftConfig) -> Questions:
    """What is asked of columns, by the shares that they are compared with."""
    asked = tuple(each for each in bins if each.column not in config.ignore)
    groups = {each.column: groups_of(each.kind, each.expected) for each in asked}
    error = OF_BASELINE * config.false_alarms / max(1, sum(len(each.weights) for each in groups.values()))
    lines = {
        each.column: lines_of(
            groups[each.column],
            np.array(each.expected),
            each.count,
            margin=config.margin,
            error=error,
            # The pieces of one text depend on each other, even where texts do not.
            alone=config.unit_hours == 0 and each.kind != "pieces",
        )
        for each in asked
    }
    weights = column_weights([each.column for each in asked])
    return Questions(asked, lines, weights, (1 - OF_BASELINE) * config.false_alarms)


def reference_digest(bins: Bins) -> str:
    """A digest of what a column is compared with: evidence against another reference says nothing."""
    text = repr((bins.column, bins.kind, bins.cells, bins.edges, bins.expected, bins.count))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
