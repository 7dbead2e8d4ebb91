"""The evidence of a release as its record stores it: capital, tallies, sums by bucket, and latency limits."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np

from slipway.releases.evidence.tallies import NOTHING, Clusters, Tally
from slipway.releases.record.phases import Stored
from slipway.releases.statistics.capital import COUNTS, Capital
from slipway.statistics.betting import BETS, Array


class StoredCapital(Stored):
    """A candidate's `Capital`, row by row: the bets against it, the bets in its favour, and all counts."""

    against: tuple[tuple[float, ...], ...]
    favour: tuple[tuple[float, ...], ...]
    counts: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, capital: Capital) -> "StoredCapital":
        """Convert for storage; the logarithms keep the precision that a decision needs."""
        return cls.model_construct(
            against=_rows(capital.against), favour=_rows(capital.favour), counts=_rows(capital.packed_counts())
        )

    def fits(self, rows: int) -> bool:
        """Whether the bets and counts are those of this version of Slipway for so many comparisons."""
        counts, bets = len(self.counts) == COUNTS, {len(each) for each in (*self.against, *self.favour)}
        return counts and bets <= {BETS} and len(self.against) == len(self.favour) == rows

    def unproven(self) -> "StoredCapital":
        """The same without the proof in the candidate's favour, which begins again."""
        return self.model_copy(update={"favour": tuple((0.0,) * len(bets) for bets in self.favour)})

    def unpacked(self) -> Capital:
        """Convert back to arrays."""
        bets = (-1, BETS)
        against, favour = (np.array(each, dtype=float).reshape(bets) for each in (self.against, self.favour))
        return Capital.unpacked(against, favour, np.array(self.counts, dtype=float))


def _rows(values: Any) -> tuple[tuple[float, ...], ...]:
    array: Array = np.asarray(values)
    return tuple(map(tuple, array.tolist()))


class StoredTally(Stored):
    """A stored `Tally`."""

    n: float = 0
    total: float = 0
    squares: float | None = None


class StoredClusters(Stored):
    """Stored `Clusters`, and the outcomes of no user. Floats of 32 bits in base64 take few bytes, always the same."""

    n: str
    total: str
    rest: StoredTally = StoredTally()

    @classmethod
    def of(cls, clusters: Clusters, rest: Tally = NOTHING) -> "StoredClusters":
        """Convert for storage; ``rest`` has the outcomes that came without a sticky value."""
        unassigned = StoredTally.model_construct(n=rest.n, total=rest.total)
        return cls.model_construct(n=_packed(clusters.n), total=_packed(clusters.total), rest=unassigned)

    def unpacked(self) -> Clusters:
        """Convert back."""
        return Clusters(_floats(self.n), _floats(self.total))


def _packed(values: tuple[float, ...]) -> str:
    return b64encode(np.array(values, dtype="<f4").tobytes()).decode()


def _floats(packed: str) -> tuple[float, ...]:
    return tuple(np.frombuffer(b64decode(packed), dtype="<f4").tolist())


class LatencyLimits(Stored):
    """The stable version's latency quantiles at the start, in milliseconds; latencies above them are counted."""

    p50_ms: float
    p99_ms: float


def stored_tallies(tallies: Mapping[str, Tally]) -> dict[str, StoredTally]:
    """Convert tallies for storage."""
    return {
        key: StoredTally.model_construct(n=tally.n, total=tally.total, squares=tally.squares)
        for key, tally in tallies.items()
    }
