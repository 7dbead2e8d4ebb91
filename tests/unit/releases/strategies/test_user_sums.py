from datetime import timedelta

import pytest
from support.releases.decisions import NOW, light

from slipway.config.releases.options import AbTest
from slipway.releases.evidence.tallies import Clusters, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.strategies.user_sums import user_sums


def clusters(number: float, share: float) -> Clusters:
    return Clusters((number,) * BUCKETS, (number * share,) * BUCKETS)


def after(minutes: int, number: float, share: float, key: str = "errors", *, more: float = 0) -> ReleaseRecord:
    """The record after minutes with these outcomes in each bucket, and ``more`` that came without a sticky value."""
    record = light(AbTest(sticky="user")).record
    for minute in range(minutes):
        start = NOW + timedelta(minutes=minute)
        arms = {v: {key: Tally(BUCKETS * number + more, BUCKETS * number * share + more)} for v in (1, 2)}
        window = Window(start, start + timedelta(minutes=1), arms, {v: {key: clusters(number, share)} for v in (1, 2)})
        record = record.model_copy(update={"clusters": user_sums(record, [window], lambda _: False)})
    return record


def test_outcomes_without_a_sticky_value_are_kept_beside_the_buckets() -> None:
    sample = after(3, 2, 0.5, more=7).sample(2, "errors")
    assert sample is not None
    assert (sample.n[9], sample.total[9]) == (6, 3)
    assert (float(sample.rest_n), float(sample.rest_total)) == (21, 21)


def test_guards_remember_half_an_hour_and_experiments_all_of_it() -> None:
    guard, experiment = after(400, 10, 0.1).sample(2, "errors"), after(400, 10, 0.1, "reward").sample(2, "reward")
    assert guard is not None
    assert experiment is not None
    assert experiment.count == 400 * 10 * BUCKETS
    assert guard.count == pytest.approx(30 * 10 * BUCKETS, rel=0.05)
    assert guard.mean == pytest.approx(0.1, rel=1e-4)


def test_guards_remember_longer_where_there_is_little_traffic() -> None:
    few = after(100, 1, 0.1).sample(2, "errors")
    assert few is not None
    assert few.count == 100 * BUCKETS


def test_latencies_of_the_first_minutes_are_left_out() -> None:
    record = light(AbTest(sticky="user")).record
    window = Window(NOW, NOW + timedelta(minutes=1), {}, {2: {"p50": clusters(1, 1), "errors": clusters(1, 0)}})
    assert set(user_sums(record, [window], lambda _: True)[2]) == {"errors"}
    assert set(user_sums(record, [window], lambda _: False)[2]) == {"errors", "p50"}
