"""Decide on a release: from its record, the evidence and the time to the next record and the actions.

The record is stored before its actions are carried out. Each decision asks again for every action whose effect the
evidence does not show yet, so the next controller completes the work of one that died at any point.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from slipway.config.releases.options import AbTest, Bandit, Interleave, Shadow
from slipway.releases.evidence.checks import checked
from slipway.releases.evidence.tallies import Evidence, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.judge import Outcome, Verdict
from slipway.releases.strategies import experiments, progressive
from slipway.releases.strategies.actions import Action, Notify, Prepare, Retire, RunShadows, SetShares, SetStable
from slipway.releases.strategies.analysis import analyze
from slipway.releases.strategies.groups import add_groups, report_groups
from slipway.releases.strategies.settled import are_at, keep, losers, takes_no_slot
from slipway.releases.strategies.traffic import watched
from slipway.releases.strategies.transitions import (
    add_entry,
    enter_phase,
    give_all_traffic,
    note_refused,
    promote,
    roll_back,
)

_PREPARATION = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Decision:
    """The record to store, the actions to carry out after that, and the verdict on each candidate.

    ``left_out`` says which counts of the evidence cannot be, and were not judged.
    """

    record: ReleaseRecord
    actions: tuple[Action, ...] = ()
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict behind the decision, if there is one."""
        return next(iter(self.verdicts.values()), None)


def decide(record: ReleaseRecord, evidence: Evidence, now: datetime) -> Decision:
    """Decide what to do next. The result depends only on the arguments, and asking again changes nothing."""
    if record.settled:
        return Decision(*keep(record, evidence.observed, now))
    evidence, left_out = checked(evidence, record.judged_until, now)
    return replace(_decided(record, evidence, now), left_out=left_out)


def _decided(record: ReleaseRecord, evidence: Evidence, now: datetime) -> Decision:
    if record.order is not None and not record.phase.ended and not _failed(record, evidence):
        ordered = report_groups(record, _ordered(record, evidence, now), now)
        return Decision(ordered, tuple(_actions(ordered, evidence)))
    if not record.phase.ended and _is_foreign(record, evidence):
        return _held_back(record, evidence, now)
    clear = record.model_copy(update={"conflict": False, "shares_since": now}) if record.conflict else record
    noted = add_groups(note_refused(clear, evidence.windows, now), evidence.windows)
    moved, verdicts = _moved(noted, evidence, now)
    told = report_groups(noted, moved, now)
    return Decision(told, tuple(_actions(told, evidence)), verdicts)


def acknowledged(record: ReleaseRecord, done: tuple[Action, ...]) -> ReleaseRecord:
    """The record after its actions, so that entries already sent are not sent again."""
    sent = sum(len(action.entries) for action in done if isinstance(action, Notify))
    return record.model_copy(update={"told": record.told + sent}) if sent else record


def _moved(record: ReleaseRecord, evidence: Evidence, now: datetime) -> tuple[ReleaseRecord, dict[int, Verdict]]:
    match record.phase:
        case Phase.PENDING if takes_no_slot(record):
            return experiments.begin(record.model_copy(update={"judged_until": now}), now), {}
        case Phase.PENDING:
            names = ", ".join(map(str, record.candidates))
            return enter_phase(record, now, Phase.PREPARING, f"version {names} is being prepared"), {}
        case Phase.PREPARING:
            return _prepared(record, evidence, now), {}
        case Phase.RUNNING | Phase.BAKING:
            return _judged(record, evidence, now)
        case _:
            return _settled(record, evidence), {}


def _prepared(record: ReleaseRecord, evidence: Evidence, now: datetime) -> ReleaseRecord:
    if _failed(record, evidence):
        return roll_back(record, now, "rolled back: the preparation failed", (evidence.observed.problem,))
    if all(_readiness(evidence, version) is Readiness.READY for version in record.candidates):
        since = record.model_copy(update={"judged_until": now})
        if _is_experiment(record):
            return experiments.begin(since, now)
        return progressive.begin(since, evidence, now)
    patience = _PREPARATION + timedelta(seconds=evidence.observed.start_seconds)
    if now >= record.phase_since + patience:
        minutes = patience.total_seconds() / 60
        return roll_back(record, now, f"rolled back: not ready after {minutes:g} minutes", (evidence.observed.problem,))
    return record


def _judged(record: ReleaseRecord, evidence: Evidence, now: datetime) -> tuple[ReleaseRecord, dict[int, Verdict]]:
    down = evidence.observed.down.intersection(record.candidates)
    if down:
        names = ", ".join(map(str, sorted(down)))
        verdict = Verdict(Outcome.ROLLBACK, f"no task of version {names} is healthy, and other tasks are")
        return roll_back(record, now, "rolled back", verdict.lines), {record.candidates[0]: verdict}
    there = _is_where(record.weights, evidence)
    seen = watched(analyze(record, evidence), evidence, now, moved=there)
    if _is_experiment(record) and record.phase is Phase.RUNNING:
        moved, verdict = experiments.advance(seen, now, moved=there)
    else:
        moved, verdict = progressive.advance(seen, now, moved=there)
    first = record.candidates[0]
    return moved, {first: verdict} if len(seen.verdicts) == 1 else {**seen.verdicts, first: verdict}


def _ordered(record: ReleaseRecord, evidence: Evidence, now: datetime) -> ReleaseRecord:
    """Carry out an operator's order; a promotion waits until the candidate is prepared."""
    order = record.order
    if order is None:
        return record
    why = (order.why,)
    if order.action == "rollback":
        return roll_back(record, now, "rolled back by order", why, by=order.by)
    if record.phase is Phase.BAKING:
        return promote(record, now, why, by=order.by)
    winner = record.winner or max(record.candidates, key=lambda version: record.weights[version])
    if _readiness(evidence, winner) is not Readiness.READY:
        return (
            record if record.phase is Phase.PREPARING else enter_phase(record, now, Phase.PREPARING, "being prepared")
        )
    taken = record.model_copy(update={"order": None, "ordered": True, "shares": _live(record, evidence)})
    return give_all_traffic(taken, now, winner, why, reference=evidence.reference, by=order.by)


def _live(record: ReleaseRecord, evidence: Evidence) -> tuple[float, ...]:
    """The candidates' live shares. An order starts from these, even if something else set them."""
    live = evidence.observed.shares
    return record.shares if live is None else tuple(live.get(version, 0.0) for version in record.candidates)


def _held_back(record: ReleaseRecord, evidence: Evidence, now: datetime) -> Decision:
    live = ", ".join(f"{100 * share:g} % at {version}" for version, share in (evidence.observed.shares or {}).items())
    sentence = f"hold: somebody else has moved the traffic ({live}), and nothing is built on that"
    verdict = Verdict(Outcome.CONTINUE, sentence, held=True)
    held = record
    if not record.conflict:
        held = add_entry(record.model_copy(update={"conflict": True}), now, "held: foreign weights", (sentence,))
    return Decision(held, tuple(_notices(held)), {record.candidates[0]: verdict})


def _settled(record: ReleaseRecord, evidence: Evidence) -> ReleaseRecord:
    world = _is_where(record.weights, evidence) and evidence.observed.shadows == frozenset()
    retired = all(_readiness(evidence, version) is Readiness.ABSENT for version in losers(record))
    if world and retired and record.told >= len(record.history):
        return record.model_copy(update={"settled": True})
    return record


def _actions(record: ReleaseRecord, evidence: Evidence) -> Iterator[Action]:
    """The actions that bring the world to the state the record wants."""
    observed = evidence.observed
    if record.phase is Phase.PREPARING:
        yield from (
            Prepare(version)
            for version in record.candidates
            if _readiness(evidence, version) in {Readiness.ABSENT, Readiness.WAITING}
        )
    there = _is_where(record.weights, evidence)
    if not there and (record.phase.ended or record.phase in {Phase.RUNNING, Phase.BAKING}):
        yield SetShares(record.weights, observed.shares or record.weights_before)
    yield from _shadowing(record, evidence)
    if record.phase.ended and not record.settled:
        yield SetStable(record.stable_now)
        if there:
            yield from (Retire(v) for v in losers(record) if _readiness(evidence, v) is not Readiness.ABSENT)
    yield from _notices(record)


def _shadowing(record: ReleaseRecord, evidence: Evidence) -> Iterator[Action]:
    wanted = record.candidates if isinstance(record.options, Shadow) and record.phase is Phase.RUNNING else ()
    if evidence.observed.shadows != frozenset(wanted):
        yield RunShadows(wanted, record.options.sample if isinstance(record.options, Shadow) else 0.0)


def _notices(record: ReleaseRecord) -> Iterator[Action]:
    if record.told < len(record.history):
        yield Notify(record.history[record.told :])


def _readiness(evidence: Evidence, version: int) -> Readiness:
    return evidence.observed.readiness.get(version, Readiness.ABSENT)


def _is_where(weights: dict[int, float], evidence: Evidence) -> bool:
    """Whether live traffic matches the weights; always true where traffic follows the record."""
    return are_at(weights, evidence.observed.shares)


def _is_foreign(record: ReleaseRecord, evidence: Evidence) -> bool:
    return not _is_where(record.weights, evidence) and not _is_where(record.weights_before, evidence)


def _failed(record: ReleaseRecord, evidence: Evidence) -> bool:
    preparing = record.phase is Phase.PREPARING
    return preparing and any(_readiness(evidence, version) is Readiness.FAILED for version in record.candidates)


def _is_experiment(record: ReleaseRecord) -> bool:
    return isinstance(record.options, Shadow | AbTest | Bandit | Interleave)
