"""Add rewards to the evidence of a release: each reward once, counted for the version that predicted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.config.releases.options import Bandit
from slipway.monitoring.feedback.store import BUCKET, RewardCounters, Rewards, bucket
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.clusters import clusters, since
from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.record.document import ReleaseRecord

Predictions = Callable[[int, datetime, datetime], float]
_Source = tuple[RewardCounters, Predictions, timedelta]


@dataclass(frozen=True, slots=True)
class NewRewards:
    """The rewards to add to the record's total, and the same by bucket if the release is sticky."""

    tally: Tally
    clusters: Clusters | None = None


def new_rewards(
    record: ReleaseRecord,
    version: int,
    end: datetime,
    counters: RewardCounters,
    predictions: Predictions,
    *,
    span: timedelta = BUCKET,
) -> NewRewards | None:
    """The rewards since the last look; None if nothing is new.

    ``counters`` count in spans of length ``span``. Only predictions from spans after the candidates' first traffic
    count, because before that the stable version was alone. For a bandit, a prediction without a reward counts as 0
    once it is old enough, and ``predictions`` returns the number of predictions. For other strategies, only rewards
    that arrived are outcomes.
    """
    if record.running_since is None:
        return None
    first = bucket(record.running_since, span) + span
    if isinstance(record.options, Bandit):
        made, found = _old_enough(record, record.options, version, (first, end), (counters, predictions, span))
        # Rewards for predictions that CloudWatch has not counted must not raise the mean above 1.
        tally = _added(Tally(made, min(found.total, made)))
        return NewRewards(tally, _by_users(record, version, tally.n, found)) if tally else None
    seen = record.total(version, keys.REWARD)
    found = counters.rewards(record.model, version, first, end + span)
    tally = _added(Tally(found.count - seen.n, found.total - seen.total, _less(found.squares, seen)))
    return NewRewards(tally, since(found.buckets, record.clustered(version, keys.REWARD))) if tally else None


def _old_enough(
    record: ReleaseRecord, options: Bandit, version: int, within: tuple[datetime, datetime], source: _Source
) -> tuple[float, Rewards]:
    """The number of predictions that became old enough since the last look, and their rewards so far.

    Rewards that arrive later do not count, because they would favour arms that have fewer young predictions by then.
    """
    counters, predictions, span = source
    delay = timedelta(minutes=options.delay_minutes)
    first, end = within
    before, until = (max(first, bucket(time - delay, span)) for time in (record.judged_until, end))
    made = predictions(version, before, until) if until > before else 0.0
    return made, counters.rewards(record.model, version, before, until) if made else Rewards()


def _by_users(record: ReleaseRecord, version: int, made: float, found: Rewards) -> Clusters | None:
    """A bandit's outcomes by bucket: its predictions are counted by version alone, and shared as its requests are."""
    requests = record.sample(version, keys.ERRORS)
    if requests is None or not requests.count:
        return None
    n = made * requests.n / requests.count
    return Clusters(tuple(n.tolist()), clusters(found.buckets).total)


def _less(squares: float, seen: Tally) -> float:
    return max(squares - (seen.total if seen.squares is None else seen.squares), 0.0)


def _added(tally: Tally) -> Tally | None:
    """The tally if it adds anything; a total below the earlier one adds nothing."""
    return tally if tally.n > 0 and tally.total >= 0 else None
