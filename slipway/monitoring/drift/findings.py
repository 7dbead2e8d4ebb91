"""What is said about drift: the columns of a window in order of effect, and the event of those that have drifted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from slipway.monitoring.drift.effects import js_distance, shares_of, stability_index
from slipway.monitoring.drift.state import DriftState, Unit
from slipway.monitoring.profiles.bins import Bins
from slipway.monitoring.profiles.profile import Counts, Profile, added
from slipway.monitoring.steps import Event

# An alarm ends when the effect, or the evidence, has fallen to this part of what began it.
_ENDS = 0.5
_SHOWN = 5
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column of a window beside what it is compared with.

    ``effect`` is the Jensen–Shannon distance to base 2 and ``psi`` the population stability index. ``records`` are
    those of the window, or its pieces. ``expected`` and ``found`` have the share of each cell.
    """

    column: str
    kind: str
    effect: float
    psi: float
    records: int
    cells: tuple[str, ...]
    expected: tuple[float, ...]
    found: tuple[float, ...]

    @property
    def moved(self) -> list[tuple[str, float, float]]:
        """The cells whose share has changed most, with the share before and now."""
        cells = zip(self.cells, self.expected, self.found, strict=True)
        return sorted(cells, key=lambda cell: -abs(cell[2] - cell[1]))


def compare(bins: Iterable[Bins], window: Iterable[Unit]) -> list[ColumnDrift]:
    """The columns of the units of a window by effect, the largest first; columns without records are left out."""
    counts: Counts = {}
    for unit in window:
        counts = added(counts, unit.counts)
    return compare_counts(bins, counts)


def compare_counts(bins: Iterable[Bins], counts: Counts) -> list[ColumnDrift]:
    """The same for counts by column."""
    found = [_column(each, counts[each.column]) for each in bins if sum(counts.get(each.column, ())) > 0]
    return sorted(found, key=lambda each: (-each.effect, each.column))


def still_drifted(effect: float, least_effect: float, evidence: float, needed: float) -> bool:
    """Whether a column that has drifted still has; it takes less than a new alarm, so that alarms do not flicker."""
    return effect >= _ENDS * least_effect and evidence >= _ENDS * needed


def drift_event(
    profile: Profile,
    state: DriftState,
    *,
    new: Sequence[ColumnDrift],
    drifted: Sequence[ColumnDrift],
    standing: bool = False,
) -> Event:
    """The event for newly drifted columns, or with ``standing`` a reminder of all that have drifted."""
    return Event(
        "drift",
        {
            "model": profile.model,
            "version": profile.version,
            "window": {
                "start": state.window[0].start.isoformat(),
                "end": profile.end.isoformat(),
                "records": sum(unit.records for unit in state.window),
            },
            "columns": [_detail(each) for each in new],
            "drifted": [each.column for each in drifted],
            "standing": standing,
        },
    )


def _column(bins: Bins, counts: Sequence[int]) -> ColumnDrift:
    found, expected = np.array(counts, dtype=np.float64), np.array(bins.expected)
    return ColumnDrift(
        column=bins.column,
        kind=bins.kind,
        effect=float(js_distance(found, expected)),
        psi=float(stability_index(found, expected)),
        records=int(found.sum()),
        cells=bins.cells,
        expected=bins.expected,
        found=tuple(float(share) for share in shares_of(found)),
    )


def _detail(column: ColumnDrift) -> dict[str, object]:
    return {
        "column": column.column,
        "effect": round(column.effect, _DIGITS),
        "psi": round(column.psi, _DIGITS),
        "records": column.records,
        "moved": [
            {"cell": cell, "expected": round(expected, _DIGITS), "found": round(found, _DIGITS)}
            for cell, expected, found in column.moved[:_SHOWN]
        ],
    }
