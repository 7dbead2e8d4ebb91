"""How far two distributions over the same cells are apart: effect sizes, which say nothing of chance."""

import numpy as np

from slipway.statistics.betting import Array

# An empty cell would make the index infinite. Evidently and most scorecards put a small share in its place.
_EMPTY = 1e-4


def shares_of(counts: Array) -> Array:
    """The share of each cell, of counts of shape [..., cells]; all are 0 if nothing was counted."""
    total = counts.sum(axis=-1, keepdims=True)
    shares: Array = counts / np.maximum(total, 1e-300)
    return np.where(total > 0, shares, 0.0)


def js_distance(first: Array, second: Array) -> Array:
    """The Jensen–Shannon distance with logarithms to base 2: 0 for equal shares, 1 for shares without a common cell.

    J. Lin, Divergence measures based on the Shannon entropy (1991), and D. M. Endres and J. E. Schindelin (2003), who
    show that the square root is a metric. An empty cell adds nothing. It is `scipy.spatial.distance.jensenshannon`
    with ``base=2``, as in nannyml. Evidently takes the natural logarithm, so its distances are 0.833 times as large.

    Args:
        first: shares of shape [..., cells], or counts.
        second: the same of the other distribution.

    Returns:
        An array of shape [...], nan where one side has no counts.
    """
    p, q = _normalized(first), _normalized(second)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)).sum(axis=-1) / 2
    distance: Array = np.sqrt(np.maximum(divergence, 0.0) / np.log(2))
    return distance


def stability_index(first: Array, second: Array) -> Array:
    """The population stability index of two distributions: ∑ (p - q) ln(p / q), with natural logarithms.

    It is Jeffreys' divergence (1946), in use for credit scores (N. Siddiqi, Credit Risk Scorecards, 2006). An empty
    cell counts as a share of 0.0001, as in Evidently unless another share is smaller, and the shares are not
    normalized again.

    Args:
        first: shares of shape [..., cells], or counts.
        second: the same of the other distribution.

    Returns:
        An array of shape [...], nan where one side has no counts.
    """
    p, q = _normalized(first), _normalized(second)
    p, q = np.where(p == 0, _EMPTY, p), np.where(q == 0, _EMPTY, q)
    index: Array = ((p - q) * np.log(p / q)).sum(axis=-1)
    return index


def _normalized(counts: Array) -> Array:
    """Shares, and nan for all cells if there are no counts."""
    total = np.asarray(counts, dtype=np.float64).sum(axis=-1, keepdims=True)
    shares: Array = np.where(total > 0, counts / np.where(total > 0, total, 1.0), np.nan)
    return shares


def _relative_entropy(p: Array, q: Array) -> Array:
    inside = p > 0
    each: Array = np.where(inside, p * np.log(np.where(inside, p, 1.0) / np.where(inside, q, 1.0)), p)
    return each
