"""Evidence that a mean has fallen below a line, which may be looked at after every unit.

Each unit is one bounded value: an hour's mean, whatever its records have in common. While the mean of each unit, given
those before, is at or above the line, the expected capital is at most 1, so that it reaches ``1 / alpha`` with
probability at most ``alpha`` (J. Ville, 1939).
"""

import numpy as np

from slipway.statistics.betting import Array, log_mixture, reinvested

# The shares of the largest stake; the first bets nothing and refunds the others, for a mean that falls later.
FRACTIONS = np.array([0.0, 0.1, 0.35, 0.95])


def no_capital() -> Array:
    """The logarithms of the capital before the first unit, one for each stake."""
    return np.zeros(len(FRACTIONS))


def bet(capital: Array, value: float, *, line: float, highest: float) -> Array:
    """The capital after one unit.

    Args:
        capital: the logarithms of the capital, from `no_capital`.
        value: the unit's value, at most ``highest``.
        line: the least mean that is allowed.
        highest: the greatest value that the unit could have had, as known without its outcomes; above ``line``.
    """
    stakes = FRACTIONS / (highest - line)
    return reinvested(capital + np.log1p(stakes * (line - value)))


def log_capital(capital: Array) -> float:
    """The logarithm of one stake spread over all bets: an e-process."""
    return float(log_mixture(capital))
