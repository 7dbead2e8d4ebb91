import math

import numpy as np
import pytest

from slipway.releases.statistics.sample_ratio import ShareCounts, log_evidence_of_users
from slipway.statistics.counts import log_evidence, log_gamma

RUNS = 2000
LEVEL = math.log(100)
BUCKETS = 128


def found(
    actual: float,
    intended: float,
    *,
    requests: int,
    looks: int,
    seed: int = 0,
    spread: float | None = None,
    runs: int = RUNS,
) -> float:
    """The share of runs in which a mismatch is found, with so many requests between looks."""
    rng, counts = np.random.default_rng(seed), ShareCounts.of(2, (runs,))
    shares, ever = np.broadcast_to(np.array([1 - intended, intended]), (runs, 2)), np.zeros(runs, dtype=bool)
    for _ in range(looks):
        share = actual if spread is None else rng.beta(actual * spread, (1 - actual) * spread, runs)
        candidate = rng.binomial(requests, share, runs).astype(float)
        counts = counts.after(np.stack([requests - candidate, candidate], axis=-1), shares)
        ever |= (counts.evidence >= LEVEL) & counts.matters
    return float(ever.mean())


@pytest.mark.parametrize("requests", [100, 1000, 5000])
def test_53_to_47_instead_of_50_to_50_is_found_within_10_000_requests(requests: int) -> None:
    assert found(0.53, 0.5, requests=requests, looks=10_000 // requests, runs=20_000) >= 0.99


@pytest.mark.parametrize(("share", "requests"), [(0.5, 1000), (0.05, 6000), (0.05, 20), (0.001, 600)])
def test_shares_that_are_kept_are_found_wrong_in_less_than_one_of_a_hundred_days(share: float, requests: int) -> None:
    assert found(share, share, requests=requests, looks=1440, runs=500) <= 0.01


def test_shares_that_scatter_more_than_single_requests_are_judged_by_their_own_scatter() -> None:
    """The first minutes can only look wrong; once the scatter is known, the evidence goes away."""
    rng, runs = np.random.default_rng(0), 400
    counts, shares = ShareCounts.of(2, (runs,)), np.broadcast_to(np.array([0.5, 0.5]), (runs, 2))
    for _ in range(240):
        candidate = rng.binomial(1000, rng.beta(250, 250, runs)).astype(float)
        counts = counts.after(np.stack([1000 - candidate, candidate], axis=-1), shares)
    assert (counts.evidence >= LEVEL).mean() <= 0.01


@pytest.mark.parametrize(("shares", "n"), [((0.5, 0.5), (470.0, 530.0)), ((0.95, 0.05), (9_400.0, 600.0))])
def test_the_evidence_is_the_mixture_of_likelihoods(shares: tuple[float, ...], n: tuple[float, ...]) -> None:
    """By quadrature over the Beta prior of 1,000 requests."""
    a, b = 1000 * shares[1], 1000 * shares[0]
    grid = np.linspace(1e-6, 1 - 1e-6, 2_000_001)
    prior = (a - 1) * np.log(grid) + (b - 1) * np.log1p(-grid) - math.lgamma(a) - math.lgamma(b) + math.lgamma(1000)
    ratio = n[1] * np.log(grid / shares[1]) + n[0] * np.log((1 - grid) / shares[0])
    expected = math.log(float(np.trapezoid(np.exp(prior + ratio), grid)))
    assert float(log_evidence(np.array(n), np.array(shares))) == pytest.approx(expected, abs=1e-6)


def test_the_evidence_is_worth_one_on_average() -> None:
    """Over all outcomes of 200 requests to three versions, weighted by their probability."""
    shares, n = np.array([0.5, 0.3, 0.2]), 200
    first, second = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = first + second <= n
    counts = np.stack([first[possible], second[possible], n - first[possible] - second[possible]], axis=-1).astype(
        float
    )
    log_probability = math.lgamma(n + 1) - log_gamma(counts + 1).sum(axis=-1) + (counts * np.log(shares)).sum(axis=-1)
    worth = np.exp(log_probability + log_evidence(counts, np.broadcast_to(shares, counts.shape))).sum()
    assert worth == pytest.approx(1, abs=1e-9)


def test_shares_that_change_multiply_the_evidence_of_each_time() -> None:
    first, second = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    one, other = np.array([480.0, 520.0]), np.array([780.0, 220.0])
    counts = ShareCounts.of(2).after(one, first).after(other, second)
    assert float(counts.evidence) == pytest.approx(float(log_evidence(one, first) + log_evidence(other, second)))
    assert counts.seen.tolist() == [1260, 740]
    assert counts.expected.tolist() == [1300, 700]
    more = np.array([470.0, 530.0])
    same = ShareCounts.of(2).after(one, first).after(more, first)
    assert float(same.evidence) == pytest.approx(float(log_evidence(one + more, first)))


def test_stragglers_at_a_version_without_a_share_are_nothing() -> None:
    counts = ShareCounts.of(3).after(np.array([500.0, 510.0, 3.0]), np.array([0.5, 0.5, 0.0]))
    assert counts.n.tolist() == [500, 510, 0]
    assert float(counts.evidence) < 0
    nothing = counts.after(np.zeros(3), np.array([0.2, 0.8, 0.0]))
    assert nothing.shares.tolist() == counts.shares.tolist()


def test_a_deviation_that_is_too_small_to_matter_is_not_a_mismatch() -> None:
    """A load balancer's weights are integers up to 999, and nobody minds half of a thousandth."""
    n = np.array([0.5006, 0.4994]) * 50_000_000
    counts = ShareCounts.of(2).after(n, np.array([0.5, 0.5]))
    assert float(counts.evidence) > LEVEL
    assert not counts.matters


def users_found(*, loss: float, many: int, bot: float = 0.0, zipf: float = 0.0, runs: int = 100) -> float:
    """The share of runs with a mismatch of users, of whose requests the candidate loses some."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(runs):
        weight = np.arange(1, many + 1) ** -zipf
        weight = np.concatenate([weight / weight.sum() * (1 - bot), [bot]])
        bucket, candidate = rng.integers(0, BUCKETS, many + 1), rng.random(many + 1) < 0.5
        excess = np.zeros((2, BUCKETS))
        for _ in range(20):
            n = rng.poisson(weight * 4000)
            n = np.where(candidate, rng.binomial(n, 1 - loss), n)
            ours, both = (np.bincount(bucket, each, BUCKETS) for each in (n * candidate, n))
            excess += np.stack([both - ours - both / 2, ours - both / 2])
            if log_evidence_of_users(excess) >= LEVEL:
                hits += 1
                break
    return hits / runs


@pytest.mark.parametrize(("bot", "zipf"), [(0.0, 0.0), (0.3, 0.0), (0.0, 1.1)])
def test_users_with_many_requests_are_no_mismatch(bot: float, zipf: float) -> None:
    assert users_found(loss=0, many=1000, bot=bot, zipf=zipf) <= 0.01


def test_requests_that_are_lost_of_many_users_are_a_mismatch() -> None:
    assert users_found(loss=0.113, many=30_000, runs=40) >= 0.95


def test_few_users_tell_nothing() -> None:
    excess = np.zeros((2, BUCKETS))
    excess[:, :30] = [[1.0], [-1.0]]
    assert float(log_evidence_of_users(excess)) < 0


def test_the_gamma_function_is_that_of_the_standard_library() -> None:
    x = np.array([0.01, 0.5, 1, 3, 9.99, 10, 11, 500, 1e6, 1e9])
    assert log_gamma(x) == pytest.approx([math.lgamma(each) for each in x.tolist()], rel=1e-12, abs=1e-12)
