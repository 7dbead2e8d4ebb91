"""The judge's comparisons: a row for each one-sided question, and the error probability that it may spend."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slipway.config.releases import JudgeConfig, Limit
from slipway.releases.evidence import tallies as evidence
from slipway.releases.evidence.tallies import Tally
from slipway.releases.statistics.betting import Array, Boundary, upper_bound

# The margin of the share of latencies over a limit. Without one, two versions that never exceed it prove nothing.
_P50_SLACK = 0.05
_P99_SLACK = 0.005
_NEVER_WORSE = 0.999
_UNSEEN_ERRORS = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """The question whether the candidate's mean is above ``ratio`` times the stable mean plus ``margin``.

    ``flipped`` counts the complement of the tally, such as a falling share or a missed reward. ``guess`` is the stable
    mean assumed before any outcome. It affects how soon the test decides, but not its validity.
    """

    metric: str
    key: str
    margin: float
    guess: float
    ratio: float = 1.0
    flipped: bool = False
    proven: bool = False

    def counted(self, tally: Tally) -> tuple[float, float]:
        """The number of outcomes and the sum of the bad ones."""
        return tally.n, tally.n - tally.total if self.flipped else tally.total


@dataclass(frozen=True, slots=True)
class Questions:
    """All rows, with their parameters as arrays. Each metric may spend the error probability ``alpha``."""

    rows: tuple[Comparison, ...]
    alpha: float
    beta: float

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics in the order of the rows, each once."""
        return tuple(dict.fromkeys(row.metric for row in self.rows))

    @property
    def boundary(self) -> Boundary:
        """The boundaries that the candidate must stay under."""
        return Boundary(np.array([row.ratio for row in self.rows]), np.array([row.margin for row in self.rows]))

    @property
    def guesses(self) -> Array:
        """The stable means assumed before any outcome."""
        return np.array([row.guess for row in self.rows])

    def indices(self, metric: str) -> list[int]:
        """The indices of one metric's rows."""
        return [index for index, row in enumerate(self.rows) if row.metric == metric]

    @property
    def proven(self) -> list[int]:
        """The indices of the rows that must be proven before a promotion."""
        return [index for index, row in enumerate(self.rows) if row.proven]


def questions(
    judge: JudgeConfig,
    labels: Sequence[str],
    values: Sequence[float] = (),
    *,
    shadow: bool = False,
    parts: float = 1,
) -> Questions:
    """The questions to ask of one candidate.

    Args:
        judge: the limits.
        labels: the labels that the model can predict; none for a regression.
        values: the limits above which a regression's values are counted; none for a classifier.
        shadow: whether candidate and stable version score the same records.
        parts: the number of equal parts that ``false_rollback`` is split into: candidates times phases.
    """
    rows = (*_service_rows(judge), *_output_rows(judge, labels, values), *_quality_rows(judge, shadow=shadow))
    rows = (*rows, *_guardrail_rows(judge, shadow=shadow))
    metrics = len({row.metric for row in rows})
    return Questions(rows, judge.false_rollback / parts / max(metrics, 1), judge.false_promotion)


def reference_bounds(asked: Questions, n: Array, total: Array) -> Array:
    """An upper bound on the stable version's mean, per row, which spends half of the error probability.

    The bound on errors is also capped at slightly above the observed or guessed mean, because few requests would give a
    very loose one.
    """
    bounds = upper_bound(n, total, asked.alpha / 2 / len(asked.rows))
    seen = np.maximum(np.where(n > 0, total / np.maximum(n, 1), 0.0), asked.guesses) + _UNSEEN_ERRORS
    errors = np.array([row.metric == "errors" for row in asked.rows])
    return np.where(errors, np.minimum(bounds, seen), bounds)


def against_reference(asked: Questions, bounds: Sequence[float]) -> Questions:
    """The same questions against bounds on the stable version's past, for when it no longer has traffic."""
    rows = (
        replace(row, ratio=0.0, margin=min(row.ratio * bound + row.margin, _NEVER_WORSE))
        for row, bound in zip(asked.rows, bounds, strict=True)
    )
    return Questions(tuple(rows), asked.alpha / 2, asked.beta)


def _service_rows(judge: JudgeConfig) -> Iterator[Comparison]:
    if judge.errors.enabled:
        yield Comparison("errors", evidence.ERRORS, judge.errors.margin, 0.001, proven=judge.errors.proven)
    if judge.p50.enabled:
        yield Comparison("p50", evidence.P50, _P50_SLACK, 0.5, proven=judge.p50.proven)
    if judge.p99.enabled:
        yield Comparison("p99", evidence.P99, _P99_SLACK, 0.01, proven=judge.p99.proven)


def _output_rows(judge: JudgeConfig, labels: Sequence[str], values: Sequence[float]) -> Iterator[Comparison]:
    if judge.labels.enabled:
        for label in labels:
            yield from _both_sides("labels", evidence.label_key(label), judge.labels)
    if judge.score.enabled:
        yield from _both_sides("score", evidence.SCORE, judge.score)
    if judge.value.enabled:
        for limit in values:
            yield from _both_sides("value", evidence.value_key(limit), judge.value)


def _quality_rows(judge: JudgeConfig, *, shadow: bool) -> Iterator[Comparison]:
    if judge.accuracy.enabled:
        yield Comparison("accuracy", evidence.ACCURACY, judge.accuracy.margin, 0.2, proven=judge.accuracy.proven)
    if judge.reward.enabled:
        limit = judge.reward
        yield Comparison("reward", evidence.REWARD, limit.margin, 0.8, flipped=True, proven=limit.proven)
    if shadow and judge.agreement.enabled:
        least = judge.agreement.least
        yield Comparison("agreement", evidence.AGREEMENT, 1 - least, 0.5, ratio=0.0, proven=judge.agreement.proven)


def _guardrail_rows(judge: JudgeConfig, *, shadow: bool) -> Iterator[Comparison]:
    """The user's own metrics, which are of answers to callers; a shadow answers nobody."""
    for name, metric in judge.metrics.items():
        if metric.enabled and not shadow:
            key, flipped = evidence.guardrail_key(name), metric.bad == "low"
            yield Comparison(name, key, metric.margin, 0.1, flipped=flipped, proven=metric.proven)


def _both_sides(metric: str, key: str, limit: Limit) -> Iterator[Comparison]:
    yield Comparison(metric, key, limit.margin, 0.5, proven=limit.proven)
    yield Comparison(metric, key, limit.margin, 0.5, flipped=True, proven=limit.proven)
