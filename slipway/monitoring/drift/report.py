"""What `slipway monitor drift` shows: the columns of a window beside what they are compared with, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.config.drift import DriftConfig
from slipway.monitoring.drift.findings import ColumnDrift, compare_counts
from slipway.monitoring.drift.questions import questions, reference_digest
from slipway.monitoring.drift.references import References, compared_with
from slipway.monitoring.drift.state import DriftState
from slipway.monitoring.profiles.bins import Bins
from slipway.monitoring.profiles.profile import Profile


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test says of a column: since when it has drifted, and the share of the evidence that an alarm needs."""

    since: datetime | None
    evidence: float


@dataclass(frozen=True, slots=True)
class Line:
    """One column, with the test's verdict where the monitor watches it, and since when its reference is normal."""

    drift: ColumnDrift
    verdict: Verdict | None = None
    acknowledged: datetime | None = None
    ignored: bool = False


def lines_against(bins: Sequence[Bins], window: Profile, other: Profile) -> list[Line]:
    """The columns of a window beside those of another one, by effect."""
    counts = {name: counts for name, counts in other.counts.items() if sum(counts) > 0}
    reference = [_with_counts(each, counts[each.column]) for each in bins if each.column in counts]
    return [Line(each) for each in compare_counts(reference, window.counts)]


def lines_of_window(
    bins: Sequence[Bins],
    window: Profile,
    config: DriftConfig,
    *,
    records: int,
    references: References,
    state: DriftState | None = None,
) -> list[Line]:
    """The columns of a window beside the baseline, or what was acknowledged in its place, by effect.

    Args:
        bins: the baseline's.
        window: the sum of the window's profiles.
        config: how drift of the model is judged.
        records: those that the baseline was measured on.
        references: what was acknowledged.
        state: the monitor's, which has the evidence; None if it has none, or for a file.
    """
    compared = [compared_with(each, references, records=records) for each in bins]
    verdicts = _verdicts(compared, config, state) if state else {}
    return [
        Line(
            each,
            verdicts.get(each.column),
            acknowledged=references[each.column].end if each.column in references else None,
            ignored=each.column in config.ignore,
        )
        for each in compare_counts(compared, window.counts)
    ]


def _verdicts(compared: Sequence[Bins], config: DriftConfig, state: DriftState) -> Mapping[str, Verdict]:
    """The verdicts on the columns whose evidence is against what they are compared with now."""
    asked = questions(tuple(compared), config)
    needed = asked.needed
    verdicts = {}
    for each in asked.bins:
        watched = state.columns.get(each.column)
        if watched is not None and watched.reference == reference_digest(each):
            value = float(watched.evidence.value(asked.lines[each.column]))
            verdicts[each.column] = Verdict(watched.since, max(0.0, value / needed[each.column]))
    return verdicts


def _with_counts(bins: Bins, counts: Sequence[int]) -> Bins:
    total = sum(counts)
    shares = tuple(count / total for count in counts)
    return Bins(bins.column, bins.kind, bins.cells, bins.edges, shares, total)
