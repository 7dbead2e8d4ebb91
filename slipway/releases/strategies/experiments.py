"""The strategies that measure: shadow, A/B test, bandit and interleaving."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from slipway.config.releases.options import AbTest, Bandit, Interleave, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.interleaving import Team
from slipway.releases.statistics.judge import Outcome, Verdict, findings
from slipway.releases.statistics.sign_test import SignTest
from slipway.releases.strategies.ab_results import ab_results
from slipway.releases.strategies.analysis import Analysis, base_questions
from slipway.releases.strategies.bandit_arms import arm_lines, weighed_arms, whole_cycle
from slipway.releases.strategies.transitions import (
    add_entry,
    enter_phase,
    finish,
    give_all_traffic,
    roll_back,
    set_shares,
)

Progress = tuple[ReleaseRecord, Verdict]
# A smaller change of a bandit's weights is not worth an API call.
_WORTH_MOVING = 0.005


def begin(record: ReleaseRecord, now: datetime) -> ReleaseRecord:
    """Start an experiment: equal shares, or none for strategies that do not split traffic."""
    if isinstance(record.options, Shadow | Interleave):
        return enter_phase(record, now, Phase.RUNNING, f"{record.options.strategy} running", shares=record.shares)
    share = 1 / (len(record.candidates) + 1)
    shares = (share,) * len(record.candidates)
    return enter_phase(record, now, Phase.RUNNING, f"{100 * share:.4g} % to each version", shares=shares)


def advance(analysis: Analysis, now: datetime, *, moved: bool) -> Progress:
    """Advance an experiment by one analysis; ``moved`` means that live traffic matches the record."""
    match analysis.record.options:
        case Shadow() as options:
            return _shadow(analysis, options, now)
        case AbTest() as options:
            return _stopped(analysis, now, moved=moved) or _ab(analysis, options, now)
        case Bandit() as options:
            return _stopped(analysis, now, moved=moved) or _bandit(analysis, options, now, moved=moved)
        case Interleave() as options:
            return _stopped(analysis, now, moved=moved) or _interleave(analysis, options, now)
        case options:
            raise ValueError(f"{options.strategy} is not an experiment")


def results(record: ReleaseRecord) -> tuple[str, ...]:
    """The current results of an experiment, in sentences."""
    match record.options:
        case Shadow():
            return tuple(_shadow_sentences(record))
        case AbTest() as options:
            return tuple(arm.sentence for arm in ab_results(record, options, live_candidates(record)).arms)
        case Bandit() as options:
            return arm_lines(record, weighed_arms(record, options))
        case Interleave():
            return (sign_test(record).sentence,)
        case _:
            return ()


def live_candidates(record: ReleaseRecord) -> tuple[int, ...]:
    """The candidates that have not been dropped."""
    arms = zip(record.candidates, record.shares, strict=True)
    return tuple(version for version, share in arms if share or isinstance(record.options, Interleave))


def sign_test(record: ReleaseRecord) -> SignTest:
    """The sign test on an interleaving's counts so far."""
    candidate = record.candidates[0]
    preferred, ties = record.total(candidate, keys.PREFERRED), record.total(candidate, keys.TIES)
    users = record.clustered(candidate, keys.PREFERRED)
    return SignTest(preferred.total, preferred.n - preferred.total, max(ties.n, 0.0), users)


def _shadow(analysis: Analysis, options: Shadow, now: datetime) -> Progress:
    record = analysis.record
    over = record.phase_since + timedelta(minutes=options.minutes)
    silent = [f"version {version}: it has scored nothing" for version in _without_scores(record)]
    if now < over:
        sentence = "; ".join((f"shadowing until {over:%Y-%m-%d %H:%M} UTC", *silent))
        return record, Verdict(Outcome.CONTINUE, sentence, analysis.verdict.findings)
    found = results(record)
    if not found:
        verdict = Verdict(Outcome.INCONCLUSIVE, "no capture was scored by any shadow", analysis.verdict.findings)
        return finish(record, now, "shadow ended", verdict.lines), verdict
    verdict = Verdict(Outcome.CONTINUE, found[0], analysis.verdict.findings)
    return finish(record, now, "shadow ended", (*found, *silent)), verdict


def _without_scores(record: ReleaseRecord) -> Iterator[int]:
    """The shadows for which nothing was counted."""
    for version, capital in zip(record.candidates, record.capitals, strict=False):
        if not any(finding.candidate_n for finding in findings(capital.unpacked(), base_questions(record))):
            yield version


def _shadow_sentences(record: ReleaseRecord) -> Iterator[str]:
    """The judge's findings on each shadow that scored anything; flipped rows appear only if they are worse."""
    asked = base_questions(record)
    for version, capital in zip(record.candidates, record.capitals, strict=False):
        for finding in findings(capital.unpacked(), asked):
            if finding.candidate_n and (finding.worse or not finding.row.flipped):
                yield f"version {version}: {finding.sentence}"


def _stopped(analysis: Analysis, now: datetime, *, moved: bool) -> Progress | None:
    """Stop what must not go on: bad arms, and a comparison of requests that are not shared as intended."""
    guarded = _guarded(analysis, now, moved=moved)
    if guarded is not None or analysis.mismatch is None:
        return guarded
    record = analysis.record.model_copy(update={"mismatched": True})
    verdict = Verdict(Outcome.INCONCLUSIVE, f"no winner: {analysis.mismatch}", analysis.verdict.findings)
    what = f"{record.options.strategy} ended without a winner: the arms are not comparable"
    return finish(record, now, what, (analysis.mismatch, *results(record))), verdict


def _guarded(analysis: Analysis, now: datetime, *, moved: bool) -> Progress | None:
    """Drop the arms that the judge finds worse. Roll back if none is left or an alarm is on."""
    record = analysis.record
    if analysis.alarm is not None:
        verdict = Verdict(Outcome.ROLLBACK, f"the alarm {analysis.alarm} is on", analysis.verdict.findings)
        return roll_back(record, now, "rolled back", verdict.lines), verdict
    live = live_candidates(record)
    worse = {v: analysis.verdicts[v] for v in live if analysis.verdicts[v].outcome is Outcome.ROLLBACK}
    if not worse:
        return None
    first = next(iter(worse.values()))
    lines = [f"version {version}: {verdict.sentence}" for version, verdict in worse.items()]
    if len(worse) == len(live):
        return roll_back(record, now, "rolled back", lines), first
    arms = zip(record.candidates, record.shares, strict=True)
    kept = set_shares(record, tuple(0.0 if version in worse else share for version, share in arms), now, moved=moved)
    dropped = add_entry(kept, now, f"version {', '.join(map(str, worse))} dropped", lines)
    return dropped, Verdict(Outcome.CONTINUE, "; ".join(lines), first.findings)


def _over(record: ReleaseRecord, now: datetime) -> bool:
    options = record.options
    minutes = options.max_minutes if isinstance(options, AbTest | Bandit | Interleave) else 0
    return now >= record.started_at + timedelta(minutes=minutes)


def _end(
    record: ReleaseRecord, winner: int | None, lines: Iterable[str], now: datetime, analysis: Analysis
) -> Progress:
    """End with a winner (a candidate or the stable version) or without one."""
    said = tuple(lines)
    strategy = record.options.strategy
    if winner is None:
        verdict = Verdict(Outcome.INCONCLUSIVE, f"no winner: {'; '.join(said)}", analysis.verdict.findings)
        return finish(record, now, f"{strategy} ended without a winner", said), verdict
    won = record.model_copy(update={"winner": winner})
    promotes = isinstance(record.options, AbTest | Bandit | Interleave) and record.options.promote_winner
    proven = winner == record.stable or analysis.verdicts[winner].outcome is Outcome.PROMOTE
    if promotes and not proven and not _over(record, now):
        waiting = f"version {winner} won, and is not promoted yet: {analysis.verdicts[winner].sentence}"
        return record, Verdict(Outcome.CONTINUE, waiting, analysis.verdict.findings)
    if winner != record.stable and promotes and proven:
        verdict = Verdict(Outcome.PROMOTE, f"version {winner} won: {'; '.join(said)}", analysis.verdict.findings)
        return give_all_traffic(won, now, winner, said), verdict
    verdict = Verdict(Outcome.CONTINUE, f"version {winner} won: {'; '.join(said)}", analysis.verdict.findings)
    return finish(won, now, f"{strategy} ended, and version {winner} won", said), verdict


def _ab(analysis: Analysis, options: AbTest, now: datetime) -> Progress:
    record, over = analysis.record, _over(analysis.record, now)
    found = ab_results(record, options, live_candidates(record), over=over)
    lines = [arm.sentence for arm in found.arms]
    known = {arm.version: arm.interval for arm in found.arms if arm.interval is not None}
    above = [version for version, interval in known.items() if interval.low > 0]
    if above:
        return _end(record, max(above, key=lambda version: known[version].difference), lines, now, analysis)
    if len(known) == len(found.arms) and all(interval.high < 0 for interval in known.values()):
        return _end(record, record.stable, lines, now, analysis)
    if found.complete or over:
        return _end(record, None, lines, now, analysis)
    return record, Verdict(Outcome.CONTINUE, "; ".join(lines), analysis.verdict.findings)


def _bandit(analysis: Analysis, options: Bandit, now: datetime, *, moved: bool) -> Progress:
    record = analysis.record
    due = record.weighed_at is None or now >= record.weighed_at + timedelta(minutes=options.update_minutes)
    over = _over(record, now)
    if not moved or not (due or over):
        return record, Verdict(
            Outcome.CONTINUE, "the weights stay until they are recomputed", analysis.verdict.findings
        )
    arms = weighed_arms(record, options)
    first = max(arms, key=lambda arm: arm.best)
    lines = arm_lines(record, arms)
    enough = min(arm.outcomes for arm in arms) >= options.min_rewards
    cycle = whole_cycle(record, options)
    if enough and first.best >= options.confidence:
        if now >= cycle:
            return _end(record, first.version, lines, now, analysis)
        lines = (*lines, f"no winner before {cycle:%Y-%m-%d %H:%M} UTC, when the rewards of a whole cycle count")
    if over:
        return _end(record, None, lines, now, analysis)
    weights = {arm.version: arm.weight for arm in arms}
    shares = tuple(weights.get(version, 0.0) for version in record.candidates)
    moves = any(abs(new - old) > _WORTH_MOVING for new, old in zip(shares, record.shares, strict=True))
    weighed = set_shares(record, shares, now, moved=moved) if moves else record
    verdict = Verdict(Outcome.CONTINUE, "; ".join(lines), analysis.verdict.findings)
    return weighed.model_copy(update={"weighed_at": now}), verdict


def _interleave(analysis: Analysis, options: Interleave, now: datetime) -> Progress:
    record = analysis.record
    test = sign_test(record)
    winner = test.winner(options.alpha)
    lines = (test.sentence,)
    if winner is not None:
        return _end(record, record.candidates[0] if winner is Team.CANDIDATE else record.stable, lines, now, analysis)
    if test.won + test.lost + test.ties >= options.impressions or _over(record, now):
        return _end(record, None, lines, now, analysis)
    return record, Verdict(Outcome.CONTINUE, test.sentence, analysis.verdict.findings)
