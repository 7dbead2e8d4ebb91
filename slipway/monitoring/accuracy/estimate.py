"""Accuracy before labels come: the mean of the probabilities that answers are right, given their scores.

docs/accuracy.md says what this assumes: that answers of one score are right as often as on the validation records.
"""

import math

import numpy as np

from slipway.models.measurements.calibration import Calibration
from slipway.monitoring.accuracy.score_sums import ScoreSums, cells_of
from slipway.statistics.intervals import NORMAL, Interval


def estimated_accuracy(calibration: Calibration, sums: ScoreSums, alpha: float = 0.05) -> Interval:
    """The estimated share of right answers among some captures, with the interval for that share itself.

    Two things make it uncertain: which of these answers happen to be right, which varies more than by chance alone if
    neighbouring records have something in common, and the calibration, which was measured on so many validation records
    in each cell. It is (NaN, 0, 1) without captures.
    """
    if not sums.n:
        return Interval(math.nan, 0.0, 1.0)
    happening = (sums.total - float(sums.squares.sum())) / sums.n**2 * calibration.dispersion_of(sums.n)
    radius = NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(max(happening, 0.0) + calibration_variance(calibration, sums))
    return Interval(sums.mean, sums.mean - radius, sums.mean + radius).clipped(0.0, 1.0)


def calibration_variance(calibration: Calibration, sums: ScoreSums) -> float:
    """The variance of the mean probability that the number of validation records in each cell leaves."""
    first, cells = cells_of(calibration)
    records, right = np.zeros(cells), np.zeros(cells)
    for name, place in first.items():
        curve = calibration.curves[name]
        records[place : place + len(curve.counts)] = curve.counts
        right[place : place + len(curve.counts)] = curve.right
    share = (right + 0.5) / (records + 1)
    variances = share * (1 - share) / (records + 1)
    return float(np.square(sums.counts / sums.n) @ variances)
