"""Keep a heavy model as its settled release left it: traffic at the stable version, and no tasks in the retired slot.

A failed `cdk deploy` puts the listener rule back to the weights of the deploy before, and a changed minimum of tasks
starts a retired slot again. The stored weights tell such a change, which is undone, from one that an operator made to
the rule and the parameters, which is only reported.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from slipway.config.releases.options import Shadow
from slipway.releases.evidence.tallies import SAME_SHARE, Observed
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.actions import Action, Notify, Retire, SetShares
from slipway.releases.strategies.transitions import add_entry

_REPEATED = timedelta(hours=1)
"""How long an attempt that does not succeed is not reported again."""


def keep(record: ReleaseRecord, observed: Observed, now: datetime) -> tuple[ReleaseRecord, tuple[Action, ...]]:
    """The record of a settled release and the actions that undo what happened to its slots since."""
    if observed.shares is None:
        return record, ()
    actions: tuple[Action, ...]
    if are_at(record.weights, observed.shares):
        kept, actions = _retired(record, observed, now)
    else:
        kept, actions = _put_back(record, observed, now)
    if kept.told < len(kept.history):
        actions = (*actions, Notify(kept.history[kept.told :]))
    return kept, actions


def losers(record: ReleaseRecord) -> tuple[int, ...]:
    """The versions to scale down after the end; none on the light tier, which has nothing to scale."""
    if record.tier == "light" or takes_no_slot(record):
        return ()
    return tuple(version for version in (record.stable, *record.candidates) if version != record.stable_now)


def takes_no_slot(record: ReleaseRecord) -> bool:
    """Whether the release leaves the slots alone, as a heavy shadow does unless an operator promotes it."""
    prepared = any(entry.phase is Phase.PREPARING for entry in record.history)
    return record.tier == "heavy" and isinstance(record.options, Shadow) and not prepared


def are_at(weights: Mapping[int, float], shares: Mapping[int, float] | None) -> bool:
    """Whether live traffic matches the weights; always true where traffic follows the record."""
    if shares is None:
        return True
    return all(abs(share - shares.get(version, 0.0)) <= SAME_SHARE for version, share in weights.items())


def _put_back(record: ReleaseRecord, observed: Observed, now: datetime) -> tuple[ReleaseRecord, tuple[Action, ...]]:
    live, wanted = _text(observed.shares or {}), _text(record.weights)
    if observed.stored is None or not are_at(record.weights, observed.stored):
        why = f"rule and parameters were both changed, so the traffic stays; the release left {wanted}"
        return _reported(record, now, f"held: traffic was moved to {live}", why), ()
    why = "the listener rule was changed and the parameters were not, as by a deploy that failed"
    reported = _reported(record, now, f"traffic put back to {wanted}, from {live}", why)
    return reported, (SetShares(record.weights, observed.shares or {}),)


def _retired(record: ReleaseRecord, observed: Observed, now: datetime) -> tuple[ReleaseRecord, tuple[Action, ...]]:
    clear = record.model_copy(update={"conflict": False}) if record.conflict else record
    revived = [version for version in losers(record) if observed.tasks.get(version)]
    for version in revived:
        what = f"retired version {version} again"
        if not _was_told(clear, what, now):
            why = f"{observed.tasks[version]} of its tasks were wanted, although it has no traffic"
            clear = add_entry(clear, now, what, (why,))
    return clear, tuple(Retire(version) for version in revived)


def _reported(record: ReleaseRecord, now: datetime, what: str, why: str) -> ReleaseRecord:
    """The record with an entry, once until the traffic is where it should be."""
    if record.conflict:
        return record
    return add_entry(record.model_copy(update={"conflict": True}), now, what, (why,))


def _was_told(record: ReleaseRecord, what: str, now: datetime) -> bool:
    last = record.history[-1]
    return last.what == what and now - last.at < _REPEATED


def _text(shares: Mapping[int, float]) -> str:
    return ", ".join(f"{100 * share:g} % at {version}" for version, share in shares.items() if share)
