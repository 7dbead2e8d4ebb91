"""The simulated traffic is what its description says."""

from dataclasses import replace

import numpy as np
import pytest

from slipway.config.releases.options import AbTest, Canary, Interleave, Options, Shadow
from slipway.releases.simulation.traffic.arrivals import Arrivals
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.disturbances import Disturbances
from slipway.releases.simulation.traffic.past import Past
from slipway.releases.simulation.traffic.pattern import Bursts, Noise, Traffic
from slipway.releases.simulation.traffic.streams import Counts, Measured
from slipway.releases.simulation.traffic.users import Client, Group, Population, Users

SAME = Behaviour()
RUNS = 8
STICKY = AbTest(sticky="user")


def arrivals(options: Options, traffic: Traffic, candidate: Behaviour = SAME) -> tuple[np.random.Generator, Arrivals]:
    rng = np.random.default_rng(0)
    found = Arrivals.of(rng, {1: SAME, 2: candidate}, traffic, options, RUNS)
    limits = {"p50": np.full(RUNS, 20.0), "p99": np.full(RUNS, 60.0)}
    found.measure({1: Measured(limits), 2: Measured(limits, shadow=isinstance(options, Shadow))})
    return rng, found


def drawn(options: Options, traffic: Traffic, share: float, minute: float = 0) -> dict[int, Counts]:
    rng, found = arrivals(options, traffic)
    return found.draw(rng, np.full((2, RUNS), [[1 - share], [share]]), minute, 1)


def test_bursts_come_twice_a_day_for_two_minutes_in_a_version_by_itself() -> None:
    rng, runs = np.random.default_rng(0), 200
    ones, others = (Disturbances(Noise(bursts=Bursts()), runs, cold=False) for _ in range(2))
    one, other = (np.stack([each.draw(rng, np.ones(runs), 1).burst for _ in range(1440)]) for each in (ones, others))
    assert one.sum(axis=0).mean() == pytest.approx(4, abs=0.5)
    starts = np.diff(one[..., 0], axis=0, prepend=0) > 0
    assert one.sum() / starts.sum() == pytest.approx(2, abs=0.1)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("variance", [0.2, 5.0])
def test_dispersion_multiplies_failures_by_a_gamma_variable(variance: float) -> None:
    rng = np.random.default_rng(0)
    factor = Disturbances(Noise(dispersion=variance), 100_000, cold=False).draw(rng, np.ones(100_000), 1).factor
    assert (factor.mean(), factor.var()) == (pytest.approx(1, abs=0.03), pytest.approx(variance, rel=0.1))


def test_only_a_candidate_starts_cold_and_only_in_its_first_minute_with_traffic() -> None:
    rng, noise = np.random.default_rng(0), Noise(cold_start=(3, 10))
    served = np.array([0.0, 1.0])
    candidate, stable = (Disturbances(noise, 2, cold=cold) for cold in (True, False))
    first, second = (candidate.draw(rng, each, 1).latency[:, 0] for each in (served, np.ones(2)))
    assert first[0] == second[1] == 0
    assert np.log(3) <= first[1] <= np.log(10)
    assert np.log(3) <= second[0] <= np.log(10)
    assert not stable.draw(rng, np.ones(2), 1).latency.any()


def test_a_candidate_is_cold_for_as_many_minutes_of_traffic_as_the_noise_says() -> None:
    rng, noise = np.random.default_rng(0), Noise(cold_start=(3, 10), cold_minutes=3)
    candidate, busy = Disturbances(noise, 1, cold=True), np.ones(1)
    served = (busy, np.zeros(1), busy, busy, busy)
    drawn = [candidate.draw(rng, each, 1).latency.item() for each in served]
    assert [latency > 0 for latency in drawn] == [True, False, True, True, False]
    half = Disturbances(noise, 1, cold=True)
    whole, rest = (half.draw(rng, busy, 2).latency.item() for _ in range(2))
    assert np.log(3) <= whole <= np.log(10)
    assert np.log(3) / 2 <= rest <= np.log(10) / 2


def test_minutes_of_one_version_are_slower_by_themselves() -> None:
    counts = drawn(Canary(), replace(Traffic(rps=1000), noise=Noise(latency=0.2)), 0.5)
    shares = np.array([counts[version]["p50"][1] / counts[version]["p50"][0] for version in (1, 2)])
    assert shares.std() > 0.05
    assert drawn(Canary(), Traffic(rps=1000), 0.5)[2]["p50"][1].std() < 200


def test_sticky_users_are_shared_out_and_stay_where_they_are_while_a_share_grows() -> None:
    rng = np.random.default_rng(0)
    users = Population.drawn(rng, Users(zipf=1), SAME, RUNS, sticky=True, by_bucket=True)
    few, more = (users.groups({1: np.full(RUNS, 1 - share), 2: np.full(RUNS, share)}, stable=1) for share in (0.2, 0.6))
    everybody = users.everybody()
    for groups in (few, more):
        assert groups[1].weight.shape == (RUNS, 128)
        assert groups[1].weight + groups[2].weight == pytest.approx(everybody.weight)
    assert (more[2].weight >= few[2].weight - 1e-12).all()
    assert more[2].weight.sum(axis=1).mean() == pytest.approx(0.6, abs=0.15)
    assert few[2].weight.sum(axis=1).std() > 0.01  # a heavy user is at one version or at the other
    assert (everybody.weight * everybody.reward).sum(axis=1) == pytest.approx(np.ones(RUNS))
    assert (everybody.weight * np.asarray(everybody.reward)).std() > 0


def test_users_differ_and_buckets_with_them_only_where_assignment_is_sticky() -> None:
    traffic = Traffic(rps=1000, users=Users(number=200))
    sticky, spread = drawn(STICKY, traffic, 0.5), drawn(Canary(), traffic, 0.5)
    assert sticky[2]["reward"][0].shape == (RUNS, 128)
    assert spread[2]["reward"][0].shape == (RUNS, 1)
    n, won = sticky[2]["reward"]
    expected = won.sum() / n.sum()
    chance = (n * expected * (1 - expected)).sum()
    assert ((won - n * expected) ** 2).sum() > 3 * chance
    assert spread[1]["errors"][0].mean() == pytest.approx(30_000, rel=0.02)


def test_a_client_is_at_one_version_with_all_its_requests() -> None:
    failing = Traffic(rps=1000, users=Users(client=Client(0.3, errors=1.0)))
    counts = drawn(STICKY, failing, 0.5)
    for run in range(RUNS):
        shares = [counts[version]["errors"][1][run].sum() / 60_000 for version in (1, 2)]
        assert min(shares) < 0.01
        assert max(shares) == pytest.approx(0.3, abs=0.02)
    spread = drawn(Canary(), failing, 0.5)
    assert spread[1]["errors"][1].sum() == pytest.approx(RUNS * 9000, rel=0.05)


def test_the_users_of_an_interleaving_are_counted_by_bucket_and_prefer_none_on_average() -> None:
    counts = drawn(Interleave(), Traffic(rps=1000, users=Users(zipf=1)), 0.5)
    n, won = counts[2]["preferred"]
    assert n.shape == (RUNS, 128)
    shares = won.sum(axis=1) / n.sum(axis=1)
    assert shares.mean() == pytest.approx(0.5, abs=0.06)
    assert shares.std() > 0.01
    assert counts[1]["errors"][0].sum(axis=1) == pytest.approx(np.full(RUNS, 60_000), rel=0.05)


def test_a_wrong_split_gives_a_candidate_more_than_its_share() -> None:
    for asked, gets in ((0.5, 0.6), (0.05, 0.0732)):
        counts = drawn(Canary(), replace(Traffic(rps=1000), split=0.6), asked)
        requests = {version: counts[version]["errors"][0].sum() for version in (1, 2)}
        assert requests[2] / sum(requests.values()) == pytest.approx(gets, rel=0.02)


def test_versions_that_alternate_are_never_in_one_minute_and_get_as_much_in_all() -> None:
    traffic = replace(Traffic(rps=100), alternate=True)
    even, odd = (drawn(Canary(), traffic, 0.05, minute) for minute in (0, 1))
    assert even[2]["errors"][0].sum() == odd[1]["errors"][0].sum() == 0
    assert odd[2]["errors"][0].mean() == pytest.approx(600, rel=0.1)


def test_an_overloaded_version_fails_everything_above_its_share() -> None:
    rng, found = arrivals(Canary(), Traffic(), replace(SAME, bears=0.25))
    for share, failed in ((0.05, 0.001), (0.5, 1.0)):
        counts = found.draw(rng, np.full((2, RUNS), [[1 - share], [share]]), 0, 1)
        requests, errors = counts[2]["errors"]
        assert errors.sum() / requests.sum() == pytest.approx(failed, abs=0.003)


def test_rewards_move_over_the_day_on_every_version() -> None:
    traffic = replace(Traffic(rps=1000), reward_swing=0.5)
    noon, night = (drawn(STICKY, traffic, 0.5, minute) for minute in (360, 1080))
    for version in (1, 2):
        means = [counts[version]["reward"][1].sum() / counts[version]["reward"][0].sum() for counts in (noon, night)]
        assert means == pytest.approx([0.15, 0.05], abs=0.01)


def test_the_past_is_three_hours_of_the_same_traffic() -> None:
    rng = np.random.default_rng(0)
    noisy = replace(Traffic(rps=10), noise=Noise(latency=0.3, bursts=Bursts(a_day=8)))
    past = Past.drawn(rng, SAME, noisy, Group.alike(np.ones(RUNS)))
    reference = past.reference(3)
    assert reference.p50_ms == pytest.approx(20, rel=0.1)
    assert reference.p99_ms is not None
    assert reference.p99_ms > 66  # the minutes' own factor widens the distribution
    assert reference.tallies["errors"].n == pytest.approx(108_000, rel=0.05)
    assert reference.tallies["label:neutral"].mean == pytest.approx(0.4, abs=0.01)
    assert reference.tallies["errors"].mean > 0.001
    assert len(reference.past) == 180
    assert sum(minute["p99"].n for minute in reference.past) == reference.tallies["p99"].n
    assert not {"reward", "accuracy"} & set(reference.tallies)


def test_a_past_of_few_requests_knows_no_quantiles() -> None:
    rng = np.random.default_rng(0)
    few, enough = (Past.drawn(rng, SAME, Traffic(rps=rps), Group.alike(np.ones(RUNS))) for rps in (0.005, 0.05))
    assert few.reference(0).p99_ms is None
    assert 10 < len(few.reference(0).past) < 100  # minutes without a request are left out
    quantiles = [enough.reference(run).p99_ms or 0.0 for run in range(RUNS)]
    assert min(quantiles) > 30
    assert np.std(quantiles) > 2  # a quantile of 540 latencies is not exact
