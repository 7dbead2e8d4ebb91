"""The difference of two means of users' outcomes, with a variance between buckets of users.

Outcomes of one user are alike, so requests are not independent, but users are. docs/judge.md has the derivation.
"""

from dataclasses import dataclass

import numpy as np

from slipway.releases.evidence.tallies import NOTHING, Clusters, Tally
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.capital import Flags
from slipway.statistics.betting import Array

# The outcomes of an average bucket's mean that a bucket's past is mixed with.
_DRAWN = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One version's outcomes by bucket, of shape [..., BUCKETS], and those of no user, of shape [...].

    Outcomes of no user came without a sticky value. Each of them was assigned on its own, and counts as independent.
    ``spread`` is the variance of one outcome, by default that of outcomes of 0 and 1.
    """

    n: Array
    total: Array
    rest_n: Array
    rest_total: Array
    spread: Array | None = None

    @classmethod
    def of(cls, clusters: Clusters, rest: Tally = NOTHING, spread: float | None = None) -> "Sample":
        """The sample of one version; ``rest`` has the outcomes of no user."""
        n, total = np.array(clusters.n), np.array(clusters.total)
        return cls(n, total, np.array(rest.n), np.array(rest.total), None if spread is None else np.array(spread))

    @classmethod
    def counted(cls, n: Array, total: Array) -> "Sample":
        """The sample without outcomes of no user."""
        return cls(n, total, np.zeros(n.shape[:-1]), np.zeros(n.shape[:-1]))

    @property
    def flipped(self) -> "Sample":
        """The complements of the outcomes."""
        return Sample(self.n, self.n - self.total, self.rest_n, self.rest_n - self.rest_total, self.spread)

    @property
    def count(self) -> Array:
        """The number of all outcomes."""
        count: Array = self.n.sum(axis=-1) + self.rest_n
        return count

    @property
    def mean(self) -> Array:
        """The mean of all outcomes, 0 without any."""
        return _ratio(self.total.sum(axis=-1) + self.rest_total, self.count)

    @property
    def one_variance(self) -> Array:
        """The variance of one outcome, as if half an outcome of each kind had been seen too."""
        total = self.total.sum(axis=-1) + self.rest_total
        seen = (total + 0.5) / (self.count + 1)
        return seen * (1 - seen) if self.spread is None else np.maximum(self.spread, 1 / (self.count + 2) ** 2)

    @property
    def changes(self) -> Array:
        """The change of the mean that each bucket makes: the mean less the mean without the bucket."""
        rest = self.count[..., None] - self.n
        return np.where(rest > 0, _ratio(self.total - self.mean[..., None] * self.n, rest), 0.0)

    @property
    def comparable(self) -> Flags:
        """Whether the outcomes are of more than one bucket, so that buckets can be compared."""
        comparable: Flags = self.n.max(axis=-1) < self.count
        return comparable

    @property
    def effective(self) -> Array:
        """The number of equal buckets that would tell as much (Kish 1965); at least 1."""
        squares = (self.n**2).sum(axis=-1) + self.rest_n
        return np.maximum(_ratio(self.count**2, squares), 1.0)


NO_SAMPLE = Sample.counted(np.zeros(BUCKETS), np.zeros(BUCKETS))


@dataclass(frozen=True, slots=True)
class Difference:
    """Candidate mean less ``ratio`` times the stable mean, with its variance and the degrees of freedom.

    ``independent`` is the variance if outcomes did not depend on each other.
    """

    value: Array
    variance: Array
    independent: Array
    degrees: Array

    @property
    def error(self) -> Array:
        """The standard error."""
        error: Array = np.sqrt(self.variance)
        return error

    @property
    def design_effect(self) -> Array:
        """How many times as many outcomes are needed as of independent ones; at least 1."""
        return self.variance / self.independent


def difference(candidate: Sample, stable: Sample, *, ratio: float = 1.0) -> Difference:
    """Compare two versions by delete-one-bucket jackknife, which leaves a bucket out of both versions at once.

    It is CV3 of MacKinnon, Nielsen and Webb (2023). One bucket that outweighs the rest has a change of about the whole
    difference, so it is never significant. The variance is at least that of independent outcomes. It is infinite while
    all outcomes of a version are of one bucket.
    """
    value = candidate.mean - ratio * stable.mean
    arms = _arms(candidate, stable, ratio)
    independent: Array = sum((weight * _independent(arm) for arm, weight in arms), np.array(0.0))
    variance = jackknife(candidate.changes - ratio * stable.changes, candidate.n + ratio * stable.n)
    for arm, weight in arms:
        variance = variance + weight * arm.one_variance * _ratio(arm.rest_n, arm.count**2)
    comparable = np.all([arm.comparable for arm, _ in arms], axis=0)
    variance = np.where(comparable, np.maximum(variance, independent), np.inf)
    degrees = np.maximum(_by_weights(candidate, stable, ratio), _by_variances(candidate, stable, ratio))
    return Difference(value, variance, independent, np.maximum(degrees, 1.0))


def adjusted(candidate: Sample, stable: Sample, before: Clusters) -> Difference:
    """The difference less the part that the buckets' past predicts (CUPED: Deng, Xu, Kohavi and Walker 2013).

    The covariate of an outcome is the mean of its bucket before the release, which no version can have changed. Its
    weight is fitted over both versions, and again without each bucket, so that a bucket that determines the weight by
    itself does not seem to be predicted. If the past predicts nothing, the difference stays as it is.
    """
    plain = difference(candidate, stable)
    ours, theirs = _past(candidate, before), _past(stable, before)
    change, past = candidate.changes - stable.changes, ours.changes - theirs.changes
    products, squares = (change * past).sum(axis=-1), (past**2).sum(axis=-1)
    apart = ours.mean - theirs.mean
    value = plain.value - _ratio(products, squares) * apart
    without = _ratio(products[..., None] - change * past, squares[..., None] - past**2)
    left_out = plain.value[..., None] - change - without * (apart[..., None] - past)
    variance = np.maximum(jackknife(value[..., None] - left_out, candidate.n + stable.n), plain.independent)
    better = variance < plain.variance
    return Difference(
        np.where(better, value, plain.value),
        np.where(better, variance, plain.variance),
        plain.independent,
        np.where(better, np.maximum(plain.degrees - 1, 1.0), plain.degrees),
    )


def _past(sample: Sample, before: Clusters) -> Sample:
    """The same outcomes, each replaced by the past mean of its bucket, which is drawn to the mean of all."""
    n, total = np.array(before.n), np.array(before.total)
    mean = _ratio(total.sum(), n.sum())
    past = (total + _DRAWN * mean) / (n + _DRAWN)
    return Sample(sample.n, sample.n * past, sample.rest_n, sample.rest_n * mean)


def design_effect(*versions: Clusters) -> float:
    """How many outcomes tell as much as one independent outcome, over all versions; at least 1."""
    samples = [Sample.of(each) for each in versions if sum(each.n)]
    alone = [difference(sample, NO_SAMPLE, ratio=0.0) for sample in samples]
    if not alone:
        return 1.0
    return max(1.0, float(sum(each.variance for each in alone) / sum(each.independent for each in alone)))


def jackknife(changes: Array, n: Array) -> Array:
    """The variance of an estimate from the change that each bucket makes; ``n`` is 0 for empty buckets."""
    buckets = (n > 0).sum(axis=-1)
    variance: Array = (buckets - 1) / np.maximum(buckets, 1) * (changes**2).sum(axis=-1)
    return variance


def student(z: float | Array, degrees: Array) -> Array:
    """The quantile of Student's t at the probability of the normal quantile ``z``, by D. L. Wallace (1959).

    It is within 1 % for 3 and more degrees of freedom, and on the safe side in the tail.
    """
    shrunk = (8 * degrees + 3) / (8 * degrees + 1)
    quantile: Array = np.sqrt(degrees * np.expm1(np.minimum(np.square(z * shrunk) / degrees, 600.0)))
    return quantile


def _arms(candidate: Sample, stable: Sample, ratio: float) -> tuple[tuple[Sample, float], ...]:
    return ((candidate, 1.0), (stable, ratio**2)) if ratio else ((candidate, 1.0),)


def _independent(sample: Sample) -> Array:
    return np.where(sample.count > 0, _ratio(sample.one_variance, sample.count), np.inf)


def _by_weights(candidate: Sample, stable: Sample, ratio: float) -> Array:
    """Satterthwaite's degrees of freedom from the effective number of buckets of each version."""
    parts = [
        (weight * jackknife(arm.changes, arm.n) + 1e-12, np.maximum(arm.effective - 1, 0.5))
        for arm, weight in _arms(candidate, stable, ratio)
    ]
    below: Array = sum((variance**2 / degrees for variance, degrees in parts), np.array(0.0))
    return sum((variance for variance, _ in parts), np.array(0.0)) ** 2 / below


def _by_variances(candidate: Sample, stable: Sample, ratio: float) -> Array:
    """Satterthwaite's degrees of freedom from a model of each bucket's variance: n · spread + n² · taste."""
    arms = _arms(candidate, stable, ratio)
    squares = sum(((arm.changes * arm.count[..., None]) ** 2).sum(axis=-1) for arm, _ in arms)
    expected = sum(arm.one_variance * arm.n.sum(axis=-1) for arm, _ in arms)
    taste = np.maximum(_ratio(squares - expected, sum((arm.n**2).sum(axis=-1) for arm, _ in arms)), 0.0)
    cells = np.concatenate([_cells(arm, taste) * weight for arm, weight in arms], axis=-1)
    return _ratio(cells.sum(axis=-1) ** 2, (cells**2).sum(axis=-1))


def _cells(arm: Sample, taste: Array) -> Array:
    count = np.maximum(arm.count, 1e-9)[..., None]
    cells: Array = (arm.n * arm.one_variance[..., None] + arm.n**2 * taste[..., None]) / count**2
    return cells


def _ratio(over: Array, under: Array) -> Array:
    return np.divide(over, under, out=np.zeros(np.broadcast(over, under).shape), where=np.asarray(under) > 0)
