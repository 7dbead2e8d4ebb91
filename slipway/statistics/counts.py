"""Evidence that counts do not fall into their cells as expected.

M. Lindon and A. Malek, Anytime-valid inference for multinomial count data, 2020, https://arxiv.org/abs/2011.03567.
"""

import numpy as np

from slipway.statistics.betting import Array

# The weight of the prior, in requests: where 53 % instead of 50 % are found soonest.
_PRIOR = 1000.0
_STIRLING = 10


def log_evidence(n: Array, shares: Array) -> Array:
    """The logarithm of a Dirichlet mixture's likelihood of ``n`` requests over that of the shares: an e-value.

    The mixture is centred on the shares. Both arrays are of shape [..., versions]; versions without a share are left
    out.
    """
    live = shares > 0
    share = np.where(live, shares, 1.0)
    counted = np.where(live, n, 0.0)
    prior = np.where(live, _PRIOR * share, 1.0)
    each = log_gamma(prior + counted) - log_gamma(prior) - counted * np.log(share)
    total, weight = counted.sum(axis=-1), np.where(live, prior, 0.0).sum(axis=-1)
    evidence: Array = each.sum(axis=-1, where=live) + log_gamma(np.maximum(weight, 1.0))
    return np.where(total > 0, evidence - log_gamma(np.maximum(weight, 1.0) + total), 0.0)


def log_gamma(x: Array) -> Array:
    """The logarithm of the gamma function for x > 0, by Stirling's series."""
    small = x < _STIRLING
    if small.any():  # Γ(x + 10) = x (x + 1) … (x + 9) Γ(x)
        below = np.log(np.where(small, x, 1.0)[..., None] + np.arange(_STIRLING)).sum(axis=-1)
        return log_gamma(np.where(small, x + _STIRLING, x)) - np.where(small, below, 0.0)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / x**2) / x**2) / x**2) / x
    logarithm: Array = (x - 0.5) * np.log(x) - x + 0.5 * np.log(2 * np.pi) + series
    return logarithm
