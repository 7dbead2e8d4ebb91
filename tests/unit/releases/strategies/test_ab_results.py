import numpy as np
import pytest
from support.releases.decisions import light
from support.releases.users import zipf

from slipway.config.releases.options import AbTest
from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.record.document import ReleaseRecord, dump_record, load_record
from slipway.releases.record.stored_evidence import StoredClusters, stored_tallies
from slipway.releases.record.users_before import with_users_before
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.sample_size import final_alpha, sample_size
from slipway.releases.strategies.ab_results import ab_results

OPTIONS = AbTest(baseline=0.1, effect=0.02, sticky="user")


def measured(options: AbTest, outcomes: dict[int, Clusters], *, by_bucket: bool = True) -> ReleaseRecord:
    """The record of an A/B test with these outcomes since its start."""
    tallies = {
        version: stored_tallies({options.metric: Tally(sum(each.n), sum(each.total))})
        for version, each in outcomes.items()
    }
    stored = {version: {options.metric: StoredClusters.of(each)} for version, each in outcomes.items()}
    record = light(options).record
    return record.model_copy(update={"totals": tallies, "clusters": stored if by_bucket else {}})


def alike(seed: int, *, n: int, mean: float, times: int) -> Clusters:
    """Buckets whose outcomes come in groups of ``times`` that are all the same."""
    rng = np.random.default_rng(seed)
    good = rng.binomial(n // times, mean, BUCKETS) * times
    return Clusters((float(n),) * BUCKETS, tuple(map(float, good)))


def test_outcomes_that_are_alike_need_as_many_more() -> None:
    size = sample_size(OPTIONS)
    outcomes = {1: alike(1, n=60, mean=0.1, times=5), 2: alike(2, n=60, mean=0.1, times=5)}
    plain = ab_results(measured(OPTIONS, outcomes, by_bucket=False), OPTIONS, (2,))
    assert plain.complete
    found = ab_results(measured(OPTIONS, outcomes), OPTIONS, (2,))
    assert not found.complete
    assert f"on {size:,})" in found.arms[0].sentence
    needed = int(found.arms[0].sentence.split(" of ")[1].split(" outcomes")[0].replace(",", ""))
    assert needed / size == pytest.approx(5, rel=0.25)
    assert "each user's outcomes are alike: design effect" in found.arms[0].sentence


def test_independent_outcomes_of_many_users_end_where_they_did() -> None:
    outcomes = {1: alike(1, n=38, mean=0.1, times=1), 2: alike(2, n=38, mean=0.12, times=1)}
    found = ab_results(measured(OPTIONS, outcomes), OPTIONS, (2,))
    assert found.complete
    interval = found.arms[0].interval
    assert interval is not None
    assert interval.confidence == pytest.approx(1 - final_alpha(OPTIONS, arms=2))
    plain = ab_results(measured(OPTIONS, outcomes, by_bucket=False), OPTIONS, (2,)).arms[0].interval
    assert plain is not None
    assert interval.high - interval.low == pytest.approx(plain.high - plain.low, rel=0.2)


def test_the_last_look_of_a_test_without_time_is_a_planned_one() -> None:
    outcomes = {1: alike(1, n=60, mean=0.1, times=5), 2: alike(2, n=60, mean=0.1, times=5)}
    record = measured(OPTIONS, outcomes)
    early, last = ab_results(record, OPTIONS, (2,)).arms[0], ab_results(record, OPTIONS, (2,), over=True).arms[0]
    assert early.interval is not None
    assert last.interval is not None
    assert (early.interval.confidence, last.interval.confidence) == (pytest.approx(0.99), pytest.approx(0.96))
    assert last.interval.high - last.interval.low < early.interval.high - early.interval.low


def test_accuracy_by_bucket_counts_right_labels() -> None:
    options = AbTest(metric="accuracy", baseline=0.7, effect=0.1, sticky="user")
    outcomes = {1: alike(1, n=20, mean=0.2, times=1), 2: alike(2, n=20, mean=0.4, times=1)}
    interval = ab_results(measured(options, outcomes), options, (2,)).arms[0].interval
    assert interval is not None
    assert interval.high < -0.1


def test_an_arm_of_a_single_user_gets_no_interval_and_needs_more_users() -> None:
    one = Clusters((5000.0, *(0.0,) * (BUCKETS - 1)), (600.0, *(0.0,) * (BUCKETS - 1)))
    found = ab_results(measured(OPTIONS, {1: alike(1, n=60, mean=0.1, times=1), 2: one}), OPTIONS, (2,), over=True)
    assert not found.complete
    assert found.arms[0].interval is None
    assert "5,000 and 7,680 of many more, from more users" in found.arms[0].sentence


def test_what_the_users_did_in_an_earlier_test_narrows_the_interval() -> None:
    rng = np.random.default_rng(8)
    ours, theirs, past = zipf(2000, alike=4).experiment(rng, 8000, lift=1.2, before=20_000)
    record = measured(OPTIONS, {1: theirs, 2: ours})
    earlier = measured(OPTIONS, {1: past})
    begun = with_users_before(record, [measured(AbTest(sticky="account"), {1: ours}), light(OPTIONS).record, earlier])
    plain, found = (ab_results(each, OPTIONS, (2,), over=True).arms[0] for each in (record, begun))
    assert plain.interval is not None
    assert found.interval is not None
    assert found.interval.high - found.interval.low < 0.5 * (plain.interval.high - plain.interval.low)
    assert found.interval.low < 0.02 < found.interval.high
    assert found.sentence.endswith("less what its users' past explains")
    assert with_users_before(record, [measured(AbTest(sticky="account"), {1: ours})]).clusters_before == {}
    assert load_record(dump_record(begun)) == begun


def test_the_past_of_accuracy_counts_right_labels_too() -> None:
    options = AbTest(metric="accuracy", baseline=0.7, effect=0.1, sticky="user")
    ours, theirs, past = zipf(2000, alike=4).experiment(np.random.default_rng(9), 8000, before=20_000)
    record = measured(options, {1: theirs, 2: ours})
    begun = with_users_before(record, [measured(options, {1: past})])
    plain, found = (ab_results(each, options, (2,), over=True).arms[0].interval for each in (record, begun))
    assert plain is not None
    assert found is not None
    assert found.high - found.low < 0.7 * (plain.high - plain.low)
    assert abs(found.difference) < abs(plain.difference) + 0.02
