"""The one test behind the judge: worth 1 at most on average on or under its boundary, and rich above it."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import rel_entr
from scipy.stats import binom

from slipway.statistics.betting import (
    AGAINST,
    BETS,
    Block,
    Boundary,
    log_mixture,
    reinvested,
    upper_bound,
    winnings_against,
    winnings_for,
)


def block(candidate: tuple[float, float], stable: tuple[float, float]) -> Block:
    return Block(*(np.array([float(value)]) for value in (*candidate, *stable)))


def boundary(ratio: float = 1.0, margin: float = 0.005) -> Boundary:
    return Boundary(np.array([ratio]), np.array([margin]))


def expected(line: Boundary, guess: float, counts: tuple[int, int], means: tuple[float, float]) -> np.ndarray:
    """The exact mean of both kinds of bets, over all outcomes of a block."""
    (candidate_n, stable_n), (candidate, stable) = counts, means
    ours, theirs = np.meshgrid(np.arange(candidate_n + 1), np.arange(stable_n + 1), indexing="ij")
    weight = binom.pmf(ours, candidate_n, candidate) * binom.pmf(theirs, stable_n, stable)
    shape = (ours.size, 1)
    outcomes = Block(
        np.full(shape, float(candidate_n)), ours.reshape(shape).astype(float), np.full(shape, float(stable_n)),
        theirs.reshape(shape).astype(float),
    )  # fmt: skip
    guesses = line.guess(np.full(shape, guess))
    returns = [np.exp(each(outcomes, line, guesses)[:, 0, :]) for each in (winnings_against, winnings_for)]
    return np.array([(weight.reshape(-1, 1) * each).sum(axis=0) for each in returns])


@pytest.mark.parametrize("guess", [0.001, 0.1, 0.6])
@pytest.mark.parametrize("stable", [0.0, 0.02, 0.3, 0.9])
@pytest.mark.parametrize(("ratio", "margin"), [(1.0, 0.05), (0.0, 0.2), (1.5, 0.01)])
@pytest.mark.parametrize("counts", [(7, 60), (60, 7), (20, 20), (5, 0)])
def test_the_bets_are_worth_one_at_most_on_the_boundary(
    guess: float, stable: float, ratio: float, margin: float, counts: tuple[int, int]
) -> None:
    limit = ratio * stable + margin
    if limit <= 1:
        assert (expected(boundary(ratio, margin), guess, counts, (limit, stable)) <= 1 + 1e-9).all()


def test_below_the_boundary_the_bets_against_lose_and_above_it_those_in_favour() -> None:
    below, above = (expected(boundary(margin=0.05), 0.1, (30, 60), (mean, 0.1)) for mean in (0.1, 0.25))
    assert (below[0][1:] < 1).all()
    assert (above[1][1:] < 1).all()
    assert (above[0] > 1).any()
    assert (below[1] > 1).any()


def test_looking_every_minute_hardly_ever_accuses_a_candidate_on_the_boundary() -> None:
    """1,000 candidates exactly as bad as allowed, looked at 150 times, while the stable mean wanders."""
    rng, runs, alpha = np.random.default_rng(7), 1000, 0.05
    line, capital, highest = boundary(margin=0.02), np.zeros((runs, 1, BETS)), np.zeros((runs, 1))
    for minute in range(150):
        mean = 0.05 + 0.04 * np.sin(minute / 20)
        sums = (rng.binomial(20, mean + 0.02, (runs, 1)), rng.binomial(200, mean, (runs, 1)))
        counted = Block(np.full((runs, 1), 20.0), sums[0] * 1.0, np.full((runs, 1), 200.0), sums[1] * 1.0)
        capital = reinvested(capital + winnings_against(counted, line, line.guess(np.full((runs, 1), 0.05))))
        highest = np.maximum(highest, log_mixture(capital))
    accused = (highest >= np.log(1 / alpha)).mean()
    assert 0.002 < accused <= alpha


def test_outcomes_between_0_and_1_pay_no_more_than_whole_ones() -> None:
    """A sum of fractions is valued as so many ones and zeros, which a bet on each fraction would exceed."""
    line, guess = boundary(margin=0.1), np.array([0.4])
    stake = (AGAINST - 1) / (0.5 + AGAINST * 0.5)
    each = np.log1p(stake * (0.7 - 0.5))
    assert (winnings_against(block((1, 0.7), (0, 0)), Boundary(line.ratio * 0, np.array([0.5])), guess) <= each).all()


def test_one_minute_convicts_a_candidate_that_fails_everything() -> None:
    minute, guess = block((10, 10), (190, 0)), np.array([0.001])
    against, favour = (each(minute, boundary(), guess) for each in (winnings_against, winnings_for))
    assert log_mixture(against)[0] > np.log(1e6)
    assert log_mixture(favour)[0] < 0


@pytest.mark.parametrize(("ratio", "margin"), [(1.0, 0.005), (1.0, 0.1), (1.5, 0.01)])
@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (3, 57), (40, 40), (300, 5700)])
def test_the_bet_is_nearly_the_best_for_its_alternative(ratio: float, margin: float, ours: int, theirs: int) -> None:
    """Its growth is within a twentieth of the divergence from the alternative to the line, found by scipy."""
    stable, line = 0.02, ratio * 0.02 + margin
    for index in range(1, BETS):
        candidate = AGAINST[index] * line / (1 - line + AGAINST[index] * line)
        means = block((ours, ours * candidate), (theirs, theirs * stable))
        grown = winnings_against(means, boundary(ratio, margin), np.array([stable]))[0, index]

        def divergence(point: float, candidate: float = candidate) -> float:
            against = ((ours, candidate, ratio * point + margin), (theirs, stable, point))
            return float(sum(n * (rel_entr(p, q) + rel_entr(1 - p, 1 - q)) for n, p, q in against))

        highest = min((1 - margin) / ratio, 1) - 1e-9
        least = minimize_scalar(divergence, bounds=(1e-9, highest), method="bounded", options={"xatol": 1e-10}).fun
        assert 0.95 * least <= grown <= least + 1e-6


def test_without_a_stable_outcome_nothing_is_compared() -> None:
    for bets in (winnings_against, winnings_for):
        assert (bets(block((100, 50), (0, 0)), boundary(), np.array([0.001])) == 0).all()


def test_nothing_that_can_happen_bankrupts_or_breaks_a_bet() -> None:
    line = Boundary(np.array([1.0, 1.0, 0.0, 2.0]), np.array([0.005, 0.9, 0.999, 0.5]))
    for n, m in ((1, 1e6), (1e6, 1), (1e6, 1e6), (0, 5)):
        for ours in (0, n):
            for theirs in (0, m):
                shape = np.ones(4)
                counted = Block(shape * n, shape * ours, shape * m, shape * theirs)
                for bets in (winnings_against, winnings_for):
                    assert np.isfinite(bets(counted, line, line.guess(shape * 0.999))).all()


def test_the_upper_bound_holds_and_is_close() -> None:
    n, total = np.array([0.0, 100.0, 10_000.0]), np.array([0.0, 0.0, 100.0])
    bound = upper_bound(n, total, 0.01)
    assert bound[0] == 1
    assert binom.cdf(0, 100, bound[1]) <= 0.01
    assert binom.cdf(100, 10_000, bound[2]) <= 0.01
    assert bound[2] < 0.0135


def test_reinvesting_gives_out_no_more_than_was_given() -> None:
    capital = np.random.default_rng(0).normal(0, 30, (500, BETS))
    after = reinvested(capital)
    assert (log_mixture(after) <= log_mixture(capital) + 1e-9).all()
    assert (after.max(axis=-1) - after.min(axis=-1) < np.log(BETS / 0.0005) + 0.01).all()


def test_a_candidate_that_turns_bad_after_a_day_is_found_as_soon() -> None:
    """A day of good minutes is no credit to live on."""
    line, capital = boundary(), np.zeros((1, BETS))
    for _ in range(1440):
        capital = reinvested(capital + winnings_against(block((300, 0.3), (5700, 5.7)), line, np.array([0.001])))
    for _ in range(2):
        capital = reinvested(capital + winnings_against(block((300, 15), (5700, 5.7)), line, np.array([0.001])))
    assert log_mixture(capital)[0] > np.log(1 / 0.001)
