import numpy as np
from support.releases.decisions import ByBucket, World, light

from slipway.config.releases.options import AbTest
from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.record.phases import Phase
from slipway.releases.routing.buckets import BUCKETS
from slipway.statistics.betting import Array

Arms = dict[int, dict[str, Tally]]
PerBucket = dict[int, Array]
LARGE = 17


def minute(
    rng: np.random.Generator, rates: dict[int, np.ndarray], requests: dict[int, np.ndarray]
) -> tuple[Arms, ByBucket]:
    """A minute of both versions' requests and failures by bucket, as tallies and as clusters."""
    arms, clusters = {}, {}
    for version, rate in rates.items():
        n = rng.poisson(requests[version])
        failed = rng.binomial(n, rate)
        arms[version] = {"errors": Tally(float(n.sum()), float(failed.sum()))}
        clusters[version] = {"errors": Clusters(tuple(map(float, n)), tuple(map(float, failed)))}
    return arms, clusters


def running() -> World:
    world = light(AbTest(sticky="user"))
    while world.record.phase is not Phase.RUNNING:
        world.look()
    return world


def watched(rates: PerBucket, *, by_bucket: bool, looks: int, seed: int = 1) -> tuple[World, int]:
    """The world after up to this many minutes, and how many it took; the candidate has a client of 30 % of all."""
    rng, world, requests = np.random.default_rng(seed), running(), {v: np.full(BUCKETS, 2.0) for v in (1, 2)}
    requests[2][LARGE] = 200
    for look in range(looks):
        arms, clusters = minute(rng, rates, requests)
        world.look(arms, clusters=clusters if by_bucket else None)
        if world.record.phase is not Phase.RUNNING:
            return world, look + 1
    return world, looks


def test_a_client_of_a_third_of_the_traffic_that_fails_rolls_nothing_back() -> None:
    rates = {v: np.full(BUCKETS, 0.001) for v in (1, 2)}
    rates[2][LARGE] = 0.3
    assert watched(rates, by_bucket=False, looks=10)[0].record.phase is Phase.ROLLED_BACK
    world, _ = watched(rates, by_bucket=True, looks=200)
    assert world.record.phase is Phase.RUNNING
    seen = world.look(minute(np.random.default_rng(1), rates, {v: np.full(BUCKETS, 2.0) for v in (1, 2)})[0]).verdict
    assert seen is not None
    errors = next(finding for finding in seen.findings if finding.row.metric == "errors")
    assert "; by users between -" in errors.sentence


def test_a_candidate_that_fails_everything_is_gone_as_fast_as_without_users() -> None:
    rates = {1: np.full(BUCKETS, 0.001), 2: np.full(BUCKETS, 1.0)}
    plain, users = (watched(rates, by_bucket=each, looks=30)[1] for each in (False, True))
    assert users <= plain + 1 <= 4


def test_a_candidate_that_turns_bad_does_not_hide_behind_good_hours() -> None:
    rng, world = np.random.default_rng(2), running()
    requests = {v: np.full(BUCKETS, 10.0) for v in (1, 2)}
    good, bad = np.full(BUCKETS, 0.001), np.full(BUCKETS, 0.2)
    for look in range(150):
        arms, clusters = minute(rng, {1: good, 2: good if look < 120 else bad}, requests)
        world.look(arms, clusters=clusters)
        if world.record.phase is Phase.ROLLED_BACK:
            break
    assert 120 <= look < 126
    assert "worse than allowed" in world.record.history[-1].evidence[0]
    assert "; by users between +" in world.record.history[-1].evidence[0]
