"""A mean that stays at its line alarms rarely over all looks; one that falls below does soon, however late it falls."""

import math

import numpy as np

from slipway.statistics.falling import bet, log_capital, no_capital

ALPHA = 0.01


def highest_ever(values, line: float, highest: float = 1.0) -> tuple[float, int | None]:
    """The most capital at any look, and the first look at which it is ``1 / ALPHA``."""
    capital, most, crossed = no_capital(), -math.inf, None
    for place, value in enumerate(values):
        capital = bet(capital, value, line=line, highest=highest)
        most = max(most, log_capital(capital))
        if crossed is None and log_capital(capital) >= math.log(1 / ALPHA):
            crossed = place
    return most, crossed


def test_at_the_line_it_crosses_in_at_most_alpha_of_runs() -> None:
    rng = np.random.default_rng(0)
    runs = [rng.binomial(20, np.clip(0.8 + 0.08 * rng.standard_normal(500), 0, 1)) / 20 for _ in range(300)]
    crossed = sum(highest_ever(values, line=0.8)[1] is not None for values in runs)
    assert crossed <= 300 * ALPHA * 2


def test_the_capital_is_fair_for_one_unit_at_the_line() -> None:
    grown = [math.exp(log_capital(bet(no_capital(), value, line=0.8, highest=1.0))) for value in (1.0, 0.0)]
    assert 0.8 * grown[0] + 0.2 * grown[1] <= 1 + 1e-12


def test_a_fall_is_found_and_one_after_a_quiet_year_too() -> None:
    rng = np.random.default_rng(1)
    fallen = np.clip(0.7 + 0.05 * rng.standard_normal(200), 0, 1)
    quiet = np.clip(0.86 + 0.05 * rng.standard_normal(8760), 0, 1)
    assert highest_ever(fallen, line=0.8)[1] < 40
    assert highest_ever(quiet, line=0.8)[1] is None
    late = highest_ever(np.concatenate([quiet, fallen]), line=0.8)[1]
    assert late is not None
    assert late - len(quiet) < 90
