"""A bandit's outcomes by bucket of the sticky value."""

from datetime import datetime, timedelta

import pytest
from support.releases.records import NOW, make_release, with_traffic

from slipway.config.releases.options import Bandit
from slipway.monitoring.feedback.store import Rewards
from slipway.releases.evidence.clusters import clusters
from slipway.releases.evidence.rewards import NewRewards, new_rewards
from slipway.releases.evidence.tallies import Tally
from slipway.releases.record.stored_evidence import StoredClusters

CANDIDATE = 2


class Counters:
    """One reward in bucket 0, and three in bucket 5."""

    def rewards(self, model: str, version: int, since: datetime, until: datetime) -> Rewards:
        return Rewards(4, 3.5, 3.25, {0: (1, 0.5), 5: (3, 3.0)})


def found(options: Bandit, requests: StoredClusters | None) -> NewRewards | None:
    record = with_traffic(make_release(options=options, now=NOW - timedelta(hours=2)), since=NOW - timedelta(hours=2))
    sums = {CANDIDATE: {"errors": requests}} if requests else {}
    record = record.model_copy(update={"clusters": sums, "judged_until": NOW - timedelta(hours=1)})
    return new_rewards(record, CANDIDATE, NOW, Counters(), lambda *_: 1000.0)


def test_predictions_are_shared_over_the_buckets_as_requests_are() -> None:
    requests = StoredClusters.of(clusters({0: (60.0, 1.0), 5: (20.0, 0.0), 9: (10.0, 0.0)}), Tally(10, 0))
    new = found(Bandit(sticky="user"), requests)
    assert new is not None
    assert new.tally == Tally(1000, 3.5)
    assert new.clusters is not None
    assert {place: n for place, n in enumerate(new.clusters.n) if n} == pytest.approx({0: 600, 5: 200, 9: 100})
    assert {place: each for place, each in enumerate(new.clusters.total) if each} == {0: 0.5, 5: 3.0}


def test_without_users_there_are_no_buckets() -> None:
    for requests in (None, StoredClusters.of(clusters({}))):
        new = found(Bandit(sticky="user"), requests)
        assert new is not None
        assert (new.tally, new.clusters) == (Tally(1000, 3.5), None)
