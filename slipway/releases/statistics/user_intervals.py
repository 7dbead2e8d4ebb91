"""An A/B test of users: its intervals, and the outcomes it needs when those of one user are alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slipway.config.releases.options import AbTest
from slipway.releases.statistics.clusters import NO_SAMPLE, Difference, Sample, difference, student
from slipway.releases.statistics.sample_size import BURN_IN, NORMAL, Interval, final_alpha, mixture_radius, sample_size
from slipway.statistics.betting import Array

# The least design effect that is worth a word.
_ALIKE = 1.05


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcomes that each version needs: ``independent`` ones, times ``design_effect``."""

    independent: int
    design_effect: float = 1.0

    @property
    def outcomes(self) -> float:
        """The number of outcomes, infinite while the variance is unknown."""
        return self.independent * self.design_effect

    @property
    def sentence(self) -> str:
        """The plan, for people."""
        if math.isinf(self.design_effect):
            return "many more, from more users"
        if self.design_effect < _ALIKE:
            return f"{self.independent:,} outcomes"
        return (
            f"{math.ceil(self.outcomes):,} outcomes (each user's outcomes are alike: "
            f"design effect {self.design_effect:.1f} on {self.independent:,})"
        )


def plan_for(options: AbTest, seen: Sequence[Difference], *, arms: int) -> Plan:
    """The outcomes that detect ``effect`` with the configured power, by the variance between users so far.

    The variance says nothing of the difference itself, so the size may follow it (blinded re-estimation). Few effective
    buckets raise the size too, because Student's quantiles are higher.
    """
    effects = [float(needed_effect(options, each, arms=arms)) for each in seen]
    return Plan(sample_size(options, arms=arms), max(effects, default=1.0))


def needed_effect(options: AbTest, seen: Difference, *, arms: int) -> Array:
    """The design effect of one comparison, with the price of few effective buckets."""
    decided, powered = NORMAL.inv_cdf(1 - final_alpha(options, arms=arms) / 2), NORMAL.inv_cdf(options.power)
    wider = (student(decided, seen.degrees) + student(powered, seen.degrees)) / (decided + powered)
    effect: Array = seen.design_effect * wider**2
    return effect


def interval_at_end(found: Difference, alpha: float) -> Interval | None:
    """The interval for a look at the planned end; None while users cannot be compared."""
    quantile = NORMAL.inv_cdf(1 - alpha / 2)
    return _interval(found, np.array(quantile), alpha)


def interval_at_any_time(
    found: Difference, candidate: Sample, stable: Sample, alpha: float, *, planned: float
) -> Interval | None:
    """The interval that is valid at all looks simultaneously; None while there are too few outcomes."""
    if min(float(candidate.count), float(stable.count)) < BURN_IN:
        return None
    spread = candidate.one_variance + stable.one_variance
    return _interval(found, sequential_quantile(found, spread, alpha, planned=planned), alpha)


def interval_alone(sample: Sample, line: float, alpha: float, *, planned: float) -> Interval | None:
    """The interval of one version's mean less ``line``, valid at all looks; None while users cannot be compared."""
    found = difference(sample, NO_SAMPLE, ratio=0.0)
    quantile = sequential_quantile(found, sample.one_variance, alpha, planned=planned)
    return _interval(replace(found, value=found.value - line), quantile, alpha)


def sequential_quantile(found: Difference, spread: Array, alpha: float, *, planned: float) -> Array:
    """The number of standard errors that the difference leaves, at any look, with probability at most ``alpha``.

    It is the normal mixture of `sample_size.running_interval`, narrowest at the information that ``planned``
    independent outcomes of each version give.
    """
    finite = np.where(np.isfinite(found.variance), found.variance, 1.0)
    quantile: Array = mixture_radius(finite, spread, alpha, planned) / np.sqrt(finite)
    return quantile


def _interval(found: Difference, quantile: Array, alpha: float) -> Interval | None:
    radius = float(student(quantile, found.degrees) * found.error)
    if not math.isfinite(radius):
        return None
    value = float(found.value)
    return Interval(value, value - radius, value + radius, 1 - alpha)
