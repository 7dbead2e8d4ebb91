"""One analysis: turn the new windows into capital, counts and a verdict for each candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from slipway.config.releases import Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Evidence, Reference, Window
from slipway.releases.record.document import (
    LatencyLimits,
    ReleaseRecord,
    StoredCapital,
    StoredClusters,
    StoredTally,
    stored_tallies,
)
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import phases_judged
from slipway.releases.statistics.betting import Array
from slipway.releases.statistics.capital import Capital, Flags, block_of
from slipway.releases.statistics.comparisons import Questions, against_reference, questions, reference_bounds
from slipway.releases.statistics.judge import Outcome, Verdict, judge, shared_failure

EXPERIMENTAL = (keys.REWARD, keys.ACCURACY, keys.PREFERRED, keys.TIES)
# The weight, in requests, of the stable version's past. It is capped because the past may differ from the present.
_REMEMBERED = 2000.0
# The most sums by bucket in a record, over versions and keys: 110 KB of the 400 KB of an item.
_MOST_CLUSTERS = 80


@dataclass(frozen=True, slots=True)
class Analysis:
    """A record updated with the new windows, and the judge's verdict on each candidate."""

    record: ReleaseRecord
    verdicts: dict[int, Verdict]
    alarm: str | None
    alike: str | None

    @property
    def verdict(self) -> Verdict:
        """The first candidate's verdict; most strategies have only one candidate."""
        return next(iter(self.verdicts.values()))


def base_questions(record: ReleaseRecord) -> Questions:
    """The questions while the stable version has traffic."""
    return questions(
        record.judge,
        record.labels,
        record.value_limits,
        shadow=isinstance(record.options, Shadow),
        parts=len(record.candidates) * phases_judged(record.options),
        limits_ms=record.both_latency_limits,
    )


def questions_of(record: ReleaseRecord) -> Questions:
    """The questions of the current phase."""
    asked = base_questions(record)
    if record.phase is not Phase.BAKING or not record.reference:
        return asked
    upper, lower = record.reference, record.reference_low or (0.0,) * len(record.reference)
    if len(upper) != len(asked.rows):  # another version of Slipway wrote it
        upper, lower = (tuple(bound.tolist()) for bound in nothing_known(asked))
    return against_reference(asked, upper, lower)


def nothing_known(asked: Questions) -> tuple[Array, Array]:
    """The bounds on a stable version of which nothing is known."""
    none = np.zeros(len(asked.rows))
    return reference_bounds(asked, none, none)


def analyze(record: ReleaseRecord, evidence: Evidence) -> Analysis:
    """Add the windows that are not judged yet, and judge."""
    windows = [window for window in evidence.windows if window.start >= record.judged_until]
    asked = questions_of(record)
    capitals = [_advanced(record, evidence, index, windows, asked) for index in range(len(record.candidates))]
    update: dict[str, Any] = {"capitals": tuple(map(StoredCapital.of, capitals))}
    if windows:
        update |= {"judged_until": windows[-1].end, "totals": _totals(record, windows), **_progress(record, windows)}
        update["clusters"] = _clusters(record, windows)
        update["clusters_until"] = max(filter(None, _clustered_until(record, windows)), default=None)
    if record.limits is None and (limits := _limits(evidence.reference)):
        update["limits"] = limits
    alike = shared_failure(windows[-1:], record.stable, record.candidates, record.judge)
    if not windows and record.held:
        alike = "both versions failed alike when there was traffic last"
    taken = record.model_copy(update=update)
    verdicts = {
        version: judge(capital, asked, requests=_requests(capital, asked), least=record.judge.min_requests)
        for version, capital in zip(record.candidates, capitals, strict=True)
    }
    if alike:
        verdicts = {version: _held(verdict, alike) for version, verdict in verdicts.items()}
    alarm = next((name for name in record.judge.alarms if evidence.alarms.get(name)), None)
    return Analysis(taken, verdicts, alarm, alike)


def first_capital(asked: Questions, reference: Reference | None) -> Capital:
    """The capital before the first window. The stable version's past is the guess of its means."""
    capital = Capital.of(asked)
    if reference is None:
        return capital
    minutes = [block_of({}, tallies, asked) for tallies in reference.past] or [block_of({}, reference.tallies, asked)]
    seen = np.sum([minute.stable_n for minute in minutes], axis=0)
    kept = np.minimum(1.0, _REMEMBERED / np.maximum(seen, 1))
    for minute in minutes:
        capital = capital.having_seen(minute.stable_n, minute.stable_sum, kept=kept)
    return capital


def _advanced(
    record: ReleaseRecord, evidence: Evidence, index: int, windows: Sequence[Window], asked: Questions
) -> Capital:
    stored = record.capitals[index] if record.capitals else None
    known = stored is not None and stored.fits(len(asked.rows))
    capital = stored.unpacked() if stored is not None and known else first_capital(asked, evidence.reference)
    for window in windows:
        arms = (window.arms.get(record.candidates[index], {}), window.arms.get(record.stable, {}))
        block = block_of(*arms, asked)
        if is_warming_up(record, window.start):
            block = block.where(~_is_latency(asked))
        alike = shared_failure([window], record.stable, record.candidates, record.judge) is not None
        capital = capital.after(block, asked, alike=alike)
    return capital


def is_warming_up(record: ReleaseRecord, start: datetime) -> bool:
    """Whether a window is of the candidates' first minutes, whose latencies do not count."""
    since = record.running_since
    return since is not None and start < since + timedelta(minutes=record.judge.warmup_minutes)


def _is_latency(asked: Questions) -> Flags:
    return np.array([row.metric in {keys.P50, keys.P99} for row in asked.rows], dtype=bool)


def _requests(capital: Capital, asked: Questions) -> float:
    """The candidate's requests: the largest count of any row."""
    return float(capital.counts.candidate_n.max()) if asked.rows else 0.0


def _held(verdict: Verdict, alike: str) -> Verdict:
    """Hold a candidate while both versions fail, unless its verdict is a rollback."""
    if verdict.outcome is Outcome.ROLLBACK:
        return verdict
    return Verdict(Outcome.CONTINUE, f"hold: {alike}", verdict.findings, held=True)


def _progress(record: ReleaseRecord, windows: Sequence[Window]) -> dict[str, float]:
    """The step's minutes and requests, without windows that have no traffic or in which both versions fail."""
    minutes, requests = record.minutes, record.requests
    for window in windows:
        served = sum(window.tally(version, keys.ERRORS).n for version in record.candidates)
        if served and not shared_failure([window], record.stable, record.candidates, record.judge):
            minutes += window.minutes
            requests += served
    return {"minutes": minutes, "requests": requests}


def _totals(record: ReleaseRecord, windows: Sequence[Window]) -> dict[int, dict[str, StoredTally]]:
    """The totals that experiments decide on, per version."""
    totals = dict(record.totals)
    for version in (record.stable, *record.candidates):
        sums = {key: record.total(version, key) for key in EXPERIMENTAL}
        for window in windows:
            sums = {key: tally + window.tally(version, key) for key, tally in sums.items()}
        if counted := {key: tally for key, tally in sums.items() if tally.n}:
            totals[version] = stored_tallies(counted)
    return totals


def _clusters(record: ReleaseRecord, windows: Sequence[Window]) -> dict[int, dict[str, StoredClusters]]:
    """The sums by bucket since the start. If they are too many for a record, labels and values are left out first."""
    versions = (record.stable, *record.candidates)
    sums = {
        version: {key: stored.unpacked() for key, stored in record.clusters.get(version, {}).items()}
        for version in versions
    }
    for window in windows:
        for version, arm in sums.items():
            for key, added in window.clusters.get(version, {}).items():
                arm[key] = arm[key] + added if key in arm else added
    known = sorted({key for arm in sums.values() for key in arm}, key=lambda key: (":" in key, key))
    kept = known[: _MOST_CLUSTERS // len(versions)]
    return {
        version: {key: StoredClusters.of(arm[key]) for key in kept if key in arm}
        for version, arm in sums.items()
        if arm
    }


def _clustered_until(record: ReleaseRecord, windows: Sequence[Window]) -> list[datetime | None]:
    return [record.clusters_until, *(window.clusters_until for window in windows)]


def _limits(reference: Reference | None) -> LatencyLimits | None:
    if reference is None or reference.p50_ms is None or reference.p99_ms is None:
        return None
    return LatencyLimits(p50_ms=reference.p50_ms, p99_ms=reference.p99_ms)
