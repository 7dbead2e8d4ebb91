"""The strategies that end with one version taking all traffic: all-at-once, blue-green, canary, linear."""

from datetime import datetime, timedelta

from slipway.releases.evidence.tallies import Evidence
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import ShareStep, bake_minutes, is_flip, share_steps
from slipway.releases.statistics.judge import Outcome, Verdict
from slipway.releases.strategies.analysis import Analysis
from slipway.releases.strategies.transitions import (
    add_entry,
    enter_phase,
    enter_step,
    give_all_traffic,
    promote,
    roll_back,
)
from slipway.wording import counted

Progress = tuple[ReleaseRecord, Verdict]


def begin(record: ReleaseRecord, evidence: Evidence, now: datetime) -> ReleaseRecord:
    """Give a prepared candidate its first share."""
    steps = share_steps(record.options)
    if not steps:
        return give_all_traffic(record, now, record.candidates[0], reference=evidence.reference)
    share = steps[0].share
    return enter_phase(record, now, Phase.RUNNING, f"{100 * share:g} % to the candidate", shares=(share,))


def advance(analysis: Analysis, now: datetime, *, moved: bool) -> Progress:
    """Advance a release by one analysis; ``moved`` means that live traffic matches the record."""
    record, verdict = analysis.record, analysis.verdict
    if analysis.alarm is not None:
        verdict = Verdict(Outcome.ROLLBACK, f"the alarm {analysis.alarm} is on", verdict.findings)
    if verdict.outcome is Outcome.ROLLBACK:
        return roll_back(record, now, "rolled back", verdict.lines), verdict
    if analysis.mismatch is not None and not verdict.held:
        verdict = Verdict(Outcome.CONTINUE, f"hold: {analysis.mismatch}", verdict.findings, held=True)
    record = _noted(analysis, verdict, now)
    if record.phase is Phase.BAKING:
        return _bake(record, verdict, now, moved=moved)
    if now >= record.deadline:
        return _give_up(record, verdict, now)
    return _step(record, verdict, now, moved=moved)


def _noted(analysis: Analysis, verdict: Verdict, now: datetime) -> ReleaseRecord:
    """The record, with an entry for each hold that begins or ends."""
    record = analysis.record
    alike, mismatched = bool(analysis.alike), analysis.mismatch is not None
    # Leave out the findings: failures may come and go for days, and each change adds an entry.
    if alike != record.held:
        what = "held: both versions fail alike" if alike else "no longer held"
        record = add_entry(record.model_copy(update={"held": alike}), now, what, (verdict.sentence,))
    if mismatched != record.mismatched:
        what = "held: the shares are not as intended" if mismatched else "the shares are as intended again"
        said = (analysis.mismatch or verdict.sentence,)
        record = add_entry(record.model_copy(update={"mismatched": mismatched}), now, what, said)
    return record


def _step(record: ReleaseRecord, verdict: Verdict, now: datetime, *, moved: bool) -> Progress:
    steps = share_steps(record.options)
    step = steps[record.step]
    waiting = "live traffic is not where it should be yet" if not moved else _waiting(record, step, verdict)
    if waiting is not None:
        return record, Verdict(Outcome.CONTINUE, waiting, verdict.findings, held=verdict.held)
    if record.step + 1 < len(steps):
        following = steps[record.step + 1]
        return enter_step(record, now, record.step + 1, following.share, verdict.lines), _go_on(verdict)
    passed = Verdict(Outcome.PROMOTE, verdict.sentence, verdict.findings)
    return give_all_traffic(record, now, record.candidates[0], passed.lines), passed


def _waiting(record: ReleaseRecord, step: ShareStep, verdict: Verdict) -> str | None:
    """What the current step is waiting for, or None."""
    if verdict.held:
        return verdict.sentence
    if record.requests < record.judge.min_requests:
        sent, least = counted(round(record.requests), "request"), record.judge.min_requests
        return f"too little traffic yet: {sent} to the candidate in this step, of {least:,}"
    if verdict.outcome is not Outcome.PROMOTE:
        return verdict.sentence
    if not record.minutes or record.minutes < step.minutes:
        return f"{record.minutes:.4g} of {counted(step.minutes, 'minute')} with traffic; {verdict.sentence}"
    return None


def _bake(record: ReleaseRecord, verdict: Verdict, now: datetime, *, moved: bool) -> Progress:
    minutes = bake_minutes(record.options)
    # A candidate that was proven beside the stable version, or that an operator took on, only has to be watched. One
    # that took all traffic at once must first be proven, in minutes and requests of its own.
    flipped = is_flip(record.options) and not record.ordered
    passed = record.minutes if flipped else (now - record.phase_since).total_seconds() / 60
    proven = verdict.outcome is Outcome.PROMOTE and record.requests >= record.judge.min_requests
    if moved and passed >= minutes and not verdict.held and (proven or not flipped):
        what = verdict.sentence if flipped else "nothing is worse"
        done = Verdict(Outcome.PROMOTE, f"{what}, after {counted(minutes, 'minute')}", verdict.findings)
        return promote(record, now, done.lines), done
    if now >= record.phase_since + timedelta(minutes=minutes + record.judge.deadline_minutes):
        return _give_up(record, verdict, now)
    waiting = f"{passed:.4g} of {counted(minutes, 'minute')} of the bake"
    if flipped or verdict.held:
        waiting += f"; {verdict.sentence}{_unknown(record) if flipped else ''}"
    return record, Verdict(Outcome.CONTINUE, waiting, verdict.findings, held=verdict.held)


def _unknown(record: ReleaseRecord) -> str:
    """Say that latencies cannot be proven against a past in which there were too few; nothing otherwise."""
    judge = record.judge
    asked = [name for name, limit in (("p50", judge.p50), ("p99", judge.p99)) if limit.enabled and limit.proven]
    if record.limits is not None or not asked:
        return ""
    why = f"version {record.stable} had too few requests before for limits of {' and '.join(asked)}"
    return f"; {why}, so only an order can promote"


def _give_up(record: ReleaseRecord, verdict: Verdict, now: datetime) -> Progress:
    minutes = record.judge.deadline_minutes + (bake_minutes(record.options) if record.phase is Phase.BAKING else 0)
    sentence = f"inconclusive after {counted(minutes, 'minute')}: {verdict.sentence}"
    given_up = Verdict(Outcome.INCONCLUSIVE, sentence, verdict.findings)
    return roll_back(record, now, "rolled back at the deadline", given_up.lines), given_up


def _go_on(verdict: Verdict) -> Verdict:
    return Verdict(Outcome.CONTINUE, "the step is over, the next one begins", verdict.findings)
