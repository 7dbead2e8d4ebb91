import numpy as np
import pytest
from support.releases.users import Users, one_large, stacked, zipf

from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.clusters import NO_SAMPLE, Sample, adjusted, design_effect, difference, student


def filled(number: float, share: float) -> Clusters:
    return Clusters((number,) * BUCKETS, (number * share,) * BUCKETS)


def test_the_variance_is_the_jackknife_that_leaves_out_one_bucket_of_both_versions() -> None:
    rng = np.random.default_rng(3)
    n, m = rng.poisson(40, BUCKETS) * 1.0, rng.poisson(20, BUCKETS) * 1.0
    n[:30] = m[:30] = 0
    x, y = rng.binomial(n.astype(int), rng.beta(1, 3, BUCKETS)), rng.binomial(m.astype(int), rng.beta(1, 3, BUCKETS))
    found = difference(Sample.counted(n, x * 1.0), Sample.counted(m, y * 1.0), ratio=1.5)
    value = x.sum() / n.sum() - 1.5 * y.sum() / m.sum()
    left_out = [
        (x.sum() - x[b]) / (n.sum() - n[b]) - 1.5 * (y.sum() - y[b]) / (m.sum() - m[b]) for b in range(30, BUCKETS)
    ]
    assert found.value == pytest.approx(value)
    assert found.variance == pytest.approx(97 / 98 * ((np.array(left_out) - value) ** 2).sum())
    assert found.design_effect > 3


def test_one_bucket_that_outweighs_the_rest_is_never_significant() -> None:
    rng = np.random.default_rng(1)
    n = np.full(BUCKETS, 50.0)
    stable = Sample.counted(n, rng.binomial(50, 0.01, BUCKETS) * 1.0)
    large, failed = n.copy(), rng.binomial(50, 0.01, BUCKETS) * 1.0
    large[7] = failed[7] = 50.0 * BUCKETS
    found = difference(Sample.counted(large, failed), stable)
    assert found.value > 0.45
    assert found.value / found.error < 1.05
    assert found.degrees < 20


def test_all_that_fail_against_none_differ_at_once_and_none_against_none_divide_by_nothing() -> None:
    bad, good = Sample.of(filled(1, 1)), Sample.of(filled(1, 0))
    failing = difference(bad, good)
    assert failing.value / failing.error > 50
    equal = difference(good, good)
    assert (equal.value, equal.error > 0) == (0, True)
    assert np.isfinite(difference(good, NO_SAMPLE, ratio=0.0).variance)
    assert np.isinf(difference(good, NO_SAMPLE).variance)
    assert np.isinf(difference(NO_SAMPLE, good).variance)


def test_a_single_user_cannot_be_compared_with_anything() -> None:
    n = np.zeros(BUCKETS)
    n[4] = 1000.0
    assert np.isinf(difference(Sample.counted(n, n), Sample.of(filled(10, 0))).variance)


def test_outcomes_of_no_user_count_as_independent() -> None:
    ours, theirs = filled(10, 0.1), filled(10, 0.2)
    more = Sample.of(ours, Tally(2560, 512)), Sample.of(theirs, Tally(2560, 512))
    found = difference(*more)
    assert found.value == pytest.approx(640 / 3840 - 768 / 3840)
    expected = sum(p * (1 - p) / 3840 for p in (640.5 / 3841, 768.5 / 3841))
    assert found.variance == pytest.approx(expected)
    flipped = difference(*(each.flipped for each in more))
    assert (flipped.value, flipped.variance) == (pytest.approx(-found.value), pytest.approx(found.variance))
    assert Sample.of(ours, spread=0.02).one_variance == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("degrees", "z", "quantile"), [(3, 2.5758, 5.841), (5, 1.95996, 2.571), (10, 1.95996, 2.228), (30, 3.2905, 3.646)]
)
def test_students_quantiles_are_those_of_the_tables(degrees: float, z: float, quantile: float) -> None:
    assert student(z, np.array(degrees)) == pytest.approx(quantile, rel=0.05)
    assert student(z, np.array(degrees)) > quantile * 0.999


@pytest.mark.parametrize(
    ("users", "naive"),
    [
        (zipf(2000, alike=10), 0.6),
        (zipf(300, alike=2), 0.5),
        (one_large(0.3, 500, alike=4), 0.5),
        (Users(np.full(1000, 1e-3), alike=4), 0.9),
        (Users(np.full(1000, 1e-3)), 1.0),
    ],
)
def test_the_interval_covers_the_difference_of_users_with_tastes(users: Users, naive: float) -> None:
    found = difference(*users.counted(np.random.default_rng(5), 10_000, runs=800))
    covered = np.abs(found.value) <= student(1.96, found.degrees) * found.error
    assert covered.mean() >= 0.93
    assert (np.abs(found.value) <= 1.96 * np.sqrt(found.independent)).mean() < naive


def test_the_design_effect_is_one_of_independent_outcomes_and_their_number_where_all_are_the_same() -> None:
    rng = np.random.default_rng(2)
    n = rng.poisson(100, BUCKETS) * 1.0
    independent = Clusters(tuple(n), tuple(rng.binomial(n.astype(int), 0.3) * 1.0))
    assert 1 <= design_effect(independent, independent) < 1.3
    same = Clusters(tuple(n), tuple(n * (rng.random(BUCKETS) < 0.3)))
    assert 75 < design_effect(same) < 130
    assert design_effect() == design_effect(filled(0, 0)) == 1


@pytest.mark.parametrize(
    ("users", "saved"),
    [
        (zipf(2000, alike=4), 0.8),
        (one_large(0.3, 2000, alike=4), 0.8),
        (Users(np.full(500, 1 / 500), alike=4), 0.08),
        (Users(np.full(500, 1 / 500)), -0.05),
    ],
)
def test_the_past_of_the_buckets_narrows_the_interval_and_never_biases_it(users: Users, saved: float) -> None:
    rng = np.random.default_rng(4)
    runs = [users.experiment(rng, 8000, lift=1.2, before=20_000) for _ in range(500)]
    plain = difference(*(stacked([run[side] for run in runs]) for side in (0, 1)))
    found = [adjusted(Sample.of(ours), Sample.of(theirs), before) for ours, theirs, before in runs]
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    assert abs(values.mean() - 0.02) < 4 * values.std() / 500**0.5
    wide = [float(student(1.96, each.degrees) * each.error) for each in found]
    assert (np.abs(values - 0.02) <= wide).mean() >= 0.93
    assert 1 - (errors**2).mean() / plain.variance.mean() >= saved
    assert 1 - values.var() / plain.value.var() >= saved


def test_a_past_that_predicts_nothing_changes_nothing() -> None:
    ours, theirs, _ = zipf(500, alike=4).experiment(np.random.default_rng(1), 5000)
    nothing, plain = Clusters((0.0,) * BUCKETS, (0.0,) * BUCKETS), difference(Sample.of(ours), Sample.of(theirs))
    found = adjusted(Sample.of(ours), Sample.of(theirs), nothing)
    assert (found.value, found.variance) == (plain.value, plain.variance)
    assert adjusted(Sample.of(ours), Sample.of(theirs), filled(10, 0.1)).variance == plain.variance


def test_a_bound_of_one_side_counts_the_buckets_that_could_make_it_wrong_twice_and_the_others_not() -> None:
    rng = np.random.default_rng(3)
    n = np.full(BUCKETS, 100.0)
    ours, theirs = (Sample.counted(n, rng.binomial(100, rng.beta(1, 3, BUCKETS)) * 1.0) for _ in range(2))
    both, above, below = (difference(ours, theirs, side=side) for side in (0, 1, -1))
    assert above.variance + below.variance == pytest.approx(2 * both.variance)
    assert above.value == below.value == both.value
    swapped = difference(theirs, ours, side=-1)
    assert swapped.value == pytest.approx(-above.value)
    assert swapped.variance == pytest.approx(above.variance)


def test_of_signs_by_chance_a_bet_by_the_positive_ones_alone_wins_nothing() -> None:
    """exp(u X - u² X²) for X > 0 and exp(u X) for X < 0 are worth at most 1 if the sign of X is a coin's."""
    stakes = np.linspace(0, 20, 20_001)
    worth = (np.exp(stakes - stakes**2) + np.exp(-stakes)) / 2
    assert worth.max() == worth[0] == 1
