"""The state of the step `drift`: the evidence of each column, and the counts of the window by unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from slipway.monitoring.drift.evidence import STAKES, Evidence, Lines, Volume
from slipway.monitoring.profiles.profile import Counts, Profile, added

# Capitals are kept to so many digits, and rounded down.
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Unit:
    """The counts of one unit. A closed one has been bet on."""

    start: datetime
    records: int
    counts: Counts
    closed: bool = False

    def plus(self, profile: Profile) -> "Unit":
        """The unit with one more period of it."""
        return replace(self, records=self.records + profile.records, counts=added(self.counts, profile.counts))


@dataclass(frozen=True, slots=True)
class Watched:
    """One column: its evidence, a digest of what it is compared with, and since when it has drifted."""

    reference: str
    evidence: Evidence
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class DriftState:
    """The state after a period.

    ``bins`` is the digest of the bins that were counted into. ``first`` is the start of the first unit, which cycles
    are counted from, and ``cycle`` the number of the running one, from 0. ``window`` has the units of the window,
    oldest first; the last may still be open. ``told`` is when the columns that have drifted were last told of.
    """

    bins: str = ""
    first: datetime | None = None
    cycle: int = 0
    columns: Mapping[str, Watched] = field(default_factory=dict)
    window: tuple[Unit, ...] = ()
    told: datetime | None = None


def dump_state(state: DriftState) -> dict[str, Any]:
    """The state as JSON."""
    return {
        "format": 1,
        "bins": state.bins,
        "first": state.first and state.first.isoformat(),
        "cycle": state.cycle,
        "columns": {name: _dump_column(column) for name, column in state.columns.items()},
        "window": [
            {
                "start": unit.start.isoformat(),
                "records": unit.records,
                "counts": {name: list(counts) for name, counts in unit.counts.items()},
                "closed": unit.closed,
            }
            for unit in state.window
        ],
        "told": state.told and state.told.isoformat(),
    }


def load_state(document: Mapping[str, Any] | None) -> DriftState:
    """Parse the output of `dump_state`; None is the state before the first period."""
    if document is None:
        return DriftState()
    return DriftState(
        bins=document["bins"],
        first=_moment(document["first"]),
        cycle=document["cycle"],
        columns={name: _load_column(column) for name, column in document["columns"].items()},
        window=tuple(
            Unit(
                datetime.fromisoformat(unit["start"]),
                unit["records"],
                {name: tuple(counts) for name, counts in unit["counts"].items()},
                unit["closed"],
            )
            for unit in document["window"]
        ),
        told=_moment(document.get("told")),
    )


def fresh(lines: Lines, reference: str) -> Watched:
    """A column that nothing is known of."""
    return Watched(reference, Evidence.of(lines))


def _dump_column(column: Watched) -> dict[str, Any]:
    evidence, volume = column.evidence, column.evidence.volume
    return {
        "reference": column.reference,
        "since": column.since and column.since.isoformat(),
        "capital": _rounded(evidence.capital),
        "pending": _rounded(evidence.pending),
        "volume": [float(each) for each in (volume.full, volume.busiest, volume.total, volume.periods)],
    }


def _load_column(found: Mapping[str, Any]) -> Watched:
    shape = (-1, len(STAKES))
    capital = np.array(found["capital"], dtype=np.float64).reshape(2, *shape)
    pending = np.array(found["pending"], dtype=np.float64).reshape(shape)
    volume = Volume(*(np.array(each) for each in found["volume"]))
    return Watched(found["reference"], Evidence(capital, pending, volume), _moment(found["since"]))


def _rounded(logarithms: np.typing.NDArray[np.float64]) -> list[float]:
    scale = 10**_DIGITS
    rounded: list[float] = (np.floor(logarithms * scale) / scale).ravel().tolist()
    return rounded


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
