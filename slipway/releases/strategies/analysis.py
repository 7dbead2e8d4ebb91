"""One analysis: turn the new windows into capital, counts and a verdict for each candidate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from slipway.config.releases.options import Bandit, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Evidence, Reference, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import phases_judged, share_steps
from slipway.releases.record.stored_evidence import LatencyLimits, StoredCapital, StoredTally, stored_tallies
from slipway.releases.record.stored_strata import StoredStrata
from slipway.releases.statistics.capital import Capital, Flags, block_of
from slipway.releases.statistics.comparisons import Questions, against_reference, questions, reference_bounds
from slipway.releases.statistics.judge import Outcome, Verdict, judge, shared_failure
from slipway.releases.statistics.strata import Strata
from slipway.releases.statistics.user_guards import UserEvidence, ask_users
from slipway.releases.strategies.user_sums import user_sums
from slipway.statistics.betting import Array, Block

EXPERIMENTAL = (keys.ERRORS, keys.REWARD, keys.ACCURACY, keys.PREFERRED, keys.TIES)
# The weight, in requests, of the stable version's past. It is capped because the past may differ from the present.
_REMEMBERED = 2000.0


@dataclass(frozen=True, slots=True)
class Analysis:
    """A record updated with the new windows, and the judge's verdict on each candidate.

    ``alike`` says that both versions fail alike, and ``mismatch`` that the requests are not shared as intended.
    """

    record: ReleaseRecord
    verdicts: dict[int, Verdict]
    alarm: str | None
    alike: str | None
    mismatch: str | None = None

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
        record.target_limits,
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
    failures = [shared_failure(window, record.stable, record.candidates, record.judge) for window in windows]
    judged = list(zip(windows, map(bool, failures), strict=True))
    asked = questions_of(record)
    capitals = [_advanced(record, evidence, index, judged, asked) for index in range(len(record.candidates))]
    update: dict[str, Any] = {"capitals": tuple(map(StoredCapital.of, capitals))}
    if windows:
        update |= {"judged_until": windows[-1].end, "totals": _totals(record, windows), **_progress(record, judged)}
        update["clusters"] = user_sums(record, windows, lambda window: is_warming_up(record, window.start))
        update["strata"] = _strata(record, windows)
    if record.limits is None and (limits := _limits(evidence.reference)):
        update["limits"] = limits
    held = "both versions failed alike when there was traffic last" if record.held else None
    alike = failures[-1] if failures else held
    taken = record.model_copy(update=update)
    verdicts = {
        version: judge(
            capital,
            asked,
            requests=_requests(taken, version),
            least=record.judge.min_requests,
            users=users_of(taken, version, asked),
        )
        for version, capital in zip(record.candidates, capitals, strict=True)
    }
    if alike:
        verdicts = {version: _held(verdict, alike) for version, verdict in verdicts.items()}
    alarm = next((name for name in record.judge.alarms if evidence.alarms.get(name)), None)
    return Analysis(taken, verdicts, alarm, alike)


def users_of(record: ReleaseRecord, candidate: int, asked: Questions) -> UserEvidence | None:
    """What the users say of a candidate; None unless outcomes are counted by user."""
    if not record.clusters:
        return None
    ours, theirs = (
        {key: sample for key in record.clusters.get(version, {}) if (sample := record.sample(version, key)) is not None}
        for version in (candidate, record.stable)
    )
    return ask_users(asked, ours, theirs)


def first_capital(asked: Questions, reference: Reference | None) -> Capital:
    """The capital before the first window. The stable version's past is the guess of its means."""
    if reference is None:
        return Capital.of(asked)
    minutes = [block_of({}, tallies, asked) for tallies in reference.past] or [block_of({}, reference.tallies, asked)]
    return capital_after_past(asked, minutes)


def capital_after_past(asked: Questions, minutes: Sequence[Block], runs: tuple[int, ...] = ()) -> Capital:
    """The capital after the stable version's minutes from before the release."""
    seen = np.sum([minute.stable_n for minute in minutes], axis=0)
    kept, capital = np.minimum(1.0, _REMEMBERED / np.maximum(seen, 1)), Capital.of(asked, runs)
    for minute in minutes:
        capital = capital.having_seen(minute.stable_n, minute.stable_sum, kept=kept)
    return capital


def known_capital(record: ReleaseRecord, index: int, asked: Questions) -> Capital | None:
    """A candidate's stored capital; None before the first window, or if another version of Slipway wrote it."""
    stored = record.capitals[index] if record.capitals else None
    return stored.unpacked() if stored is not None and stored.fits(len(asked.rows)) else None


def outcomes_alike(record: ReleaseRecord, reference: Reference | None) -> dict[str, float]:
    """The correlation of two outcomes of a minute, by metric, as far as the stable version's minutes tell it."""
    asked = questions_of(record)
    capital = known_capital(record, 0, asked) or first_capital(asked, reference)
    found = capital.moments.correlation
    return {metric: float(found[asked.indices(metric)].max()) for metric in asked.metrics}


def _advanced(
    record: ReleaseRecord, evidence: Evidence, index: int, judged: Sequence[tuple[Window, bool]], asked: Questions
) -> Capital:
    """A candidate's capital after more windows, each with whether both versions fail alike in it."""
    capital = known_capital(record, index, asked) or first_capital(asked, evidence.reference)
    for window, alike in judged:
        arms = (window.arms.get(record.candidates[index], {}), window.arms.get(record.stable, {}))
        block = block_of(*arms, asked)
        if is_warming_up(record, window.start):
            block = block.where(~is_latency(asked))
        capital = capital.after(block, asked, alike=alike)
        if share_steps(record.options) and record.phase is Phase.RUNNING and not _is_of_step(record, window):
            capital = replace(capital, favour=np.zeros_like(capital.favour))  # each step proves the candidate anew
    return capital


def is_warming_up(record: ReleaseRecord, start: datetime) -> bool:
    """Whether a window is of the candidates' first minutes, whose latencies do not count."""
    since = record.running_since
    return since is not None and start < since + timedelta(minutes=record.judge.warmup_minutes)


def is_latency(asked: Questions) -> Flags:
    """The rows about latencies."""
    return np.array([row.metric in {keys.P50, keys.P99} for row in asked.rows], dtype=bool)


def _is_of_step(record: ReleaseRecord, window: Window) -> bool:
    """Whether a window began after the traffic had the present shares."""
    return record.shares_since is None or window.start >= record.shares_since


def _requests(record: ReleaseRecord, version: int) -> float:
    """The requests to a candidate in the present step; an experiment has one step."""
    in_steps = record.phase is Phase.BAKING or bool(share_steps(record.options))
    return record.requests if in_steps else record.total(version, keys.ERRORS).n


def _held(verdict: Verdict, alike: str) -> Verdict:
    """Hold a candidate while both versions fail, unless its verdict is a rollback."""
    if verdict.outcome is Outcome.ROLLBACK:
        return verdict
    return Verdict(Outcome.CONTINUE, f"hold: {alike}", verdict.findings, held=True)


def _progress(record: ReleaseRecord, judged: Sequence[tuple[Window, bool]]) -> dict[str, float]:
    """The step's minutes and requests, without windows that have no traffic or in which both versions fail.

    Windows from before the step count for the judge, but not for the step.
    """
    minutes, requests = record.minutes, record.requests
    for window, alike in judged:
        served = sum(window.tally(version, keys.ERRORS).n for version in record.candidates)
        if served and not alike and _is_of_step(record, window):
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


def _strata(record: ReleaseRecord, windows: Sequence[Window]) -> StoredStrata | None:
    """A bandit's rewards by period: those that count from the same look on are of predictions of the same time."""
    if not isinstance(record.options, Bandit):
        return None
    arms = (record.stable, *record.candidates)
    strata = record.strata.unpacked() if record.strata else Strata.empty(len(arms))
    live = np.array([True, *(share > 0 for share in record.shares)])
    for window in windows:
        tallies = [window.tally(version, keys.REWARD) for version in arms]
        strata = strata.after(np.array([each.n for each in tallies]), np.array([each.total for each in tallies]), live)
    return StoredStrata.of(strata)


def _limits(reference: Reference | None) -> LatencyLimits | None:
    if reference is None or reference.p50_ms is None or reference.p99_ms is None:
        return None
    return LatencyLimits(p50_ms=reference.p50_ms, p99_ms=reference.p99_ms)
