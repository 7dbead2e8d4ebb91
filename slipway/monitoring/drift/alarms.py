"""Which columns have drifted: those with evidence, for all columns together, and with an effect."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slipway.statistics.betting import Array

_OUTPUTS = "outputs."
# The part of the false alarms that the baseline's own sampling error may cause; the bets have the rest.
OF_BASELINE = 0.1


def column_weights(columns: Sequence[str]) -> Array:
    """The part of the false alarms that each column may cause; they add up to 1.

    The few outputs have half, since what a model answers is the first thing to know.
    """
    outputs = np.array([column.startswith(_OUTPUTS) for column in columns])
    weights = np.zeros(len(columns))
    sides = [side for side in (outputs, ~outputs) if side.any()]
    for side in sides:
        weights[side] = 1 / (len(sides) * side.sum())
    return weights


def found_by_either(evidence: Array, weights: Array, alpha: float) -> NDArray[np.bool_]:
    """The columns that e-BH finds by one kind of evidence or the other, whose parts of ``alpha`` are in it already.

    Args:
        evidence: `Evidence.values` of each column, of shape [..., columns, 2].
        weights: the part of the false alarms that each column may cause.
        alpha: the probability that any column is found while none has drifted.
    """
    found: NDArray[np.bool_] = discoveries(evidence[..., 0], weights, alpha) | discoveries(
        evidence[..., 1], weights, alpha
    )
    return found


def discoveries(evidence: Array, weights: Array, alpha: float) -> NDArray[np.bool_]:
    """The columns that e-BH finds, by their evidence as logarithms; the columns are the last axis.

    R. Wang and A. Ramdas, False discovery rate control with e-values (2022), with weights: the k largest products of
    weight and evidence are found, for the largest k for which the k-th is at least 1 / (k alpha). Columns may depend on
    each other in any way. Whenever one is found, the weighted mean of the evidence is at least 1 / alpha.
    """
    weighted = evidence + np.log(weights)
    order = -np.sort(-weighted, axis=-1)
    needed = -np.log(alpha * np.arange(1, weighted.shape[-1] + 1))
    enough = order >= needed
    found = np.where(enough, np.arange(1, weighted.shape[-1] + 1), 0).max(axis=-1, keepdims=True)
    last = np.take_along_axis(order, np.maximum(found - 1, 0), axis=-1)
    discovered: NDArray[np.bool_] = (found > 0) & (weighted >= last)
    return discovered


def least_evidence(weights: Array, alpha: float) -> Array:
    """The logarithm of the evidence at which each column is found if it is the only one."""
    least: Array = -np.log(alpha * weights)
    return least
