"""Which rewards a look at a release takes in: each once, and with the version that predicted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from slipway.config.releases import Bandit
from slipway.monitoring.feedback.store import BUCKET, RewardCounters, Rewards, bucket
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Tally
from slipway.releases.record.document import ReleaseRecord

Predictions = Callable[[int, datetime, datetime], float]
_Source = tuple[RewardCounters, Predictions, timedelta]


def new_rewards(
    record: ReleaseRecord,
    version: int,
    end: datetime,
    counters: RewardCounters,
    predictions: Predictions,
    *,
    span: timedelta = BUCKET,
) -> Tally | None:
    """What is to be added to what the record has counted already; None where nothing is new.

    ``counters`` count in spans of ``span``. Only predictions count that were made in the spans after the one in which
    the candidates got their first traffic: before that, the stable version is alone. For a bandit, one without a reward
    counts as 0 once it is old enough; ``predictions`` tells how many there were. Else only rewards that came are
    outcomes.
    """
    if record.running_since is None:
        return None
    first = bucket(record.running_since, span) + span
    if isinstance(record.options, Bandit):
        made, found = _old_enough(record, record.options, version, (first, end), (counters, predictions, span))
        # A reward of nobody's prediction, as CloudWatch knows them, cannot make a mean over 1.
        return _added(Tally(made, min(found.total, made)))
    seen = record.total(version, keys.REWARD)
    found = counters.rewards(record.model, version, first, end + span)
    return _added(Tally(found.count - seen.n, found.total - seen.total, _less(found.squares, seen)))


def _old_enough(
    record: ReleaseRecord, options: Bandit, version: int, within: tuple[datetime, datetime], source: _Source
) -> tuple[float, Rewards]:
    """How many predictions have become old enough since the last look, and the rewards that came for them by now.

    What comes for them later does not count: to arms that have fewer young predictions by then it would add more.
    """
    counters, predictions, span = source
    delay = timedelta(minutes=options.delay_minutes)
    first, end = within
    before, until = (max(first, bucket(time - delay, span)) for time in (record.judged_until, end))
    made = predictions(version, before, until) if until > before else 0.0
    return made, counters.rewards(record.model, version, before, until) if made else Rewards()


def _less(squares: float, seen: Tally) -> float:
    return max(squares - (seen.total if seen.squares is None else seen.squares), 0.0)


def _added(tally: Tally) -> Tally | None:
    """What there is of it; a total that is less than before has nothing to add."""
    return tally if tally.n > 0 and tally.total >= 0 else None
