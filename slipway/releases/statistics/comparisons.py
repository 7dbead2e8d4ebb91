"""The judge's comparisons: a row for each one-sided question, and the error probability that it may spend."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from slipway.config.releases.options import JudgeConfig, Limit
from slipway.releases.evidence import tallies as evidence
from slipway.releases.evidence.tallies import Tally
from slipway.statistics.betting import BETS, Array, Boundary, lower_bound, upper_bound

# The shares of the stable version's latencies over its own median and 99th percentile.
_P50_OVER, _P99_OVER = 0.5, 0.01
_PAIRED = frozenset({"p50", "p99"})
_NEVER_WORSE = 0.999
_LEAST_LINE = 1e-4
_UNSEEN_ERRORS = 0.05
# What one minute may win against a candidate, as a share of what a rollback takes. Errors come in bursts, so it takes
# two minutes; the other metrics are protected from single minutes by their design effect and the warm-up.
_MOST_OF_ERRORS, _MOST_OF_OTHERS, _MOST_OF_UNKNOWN = 0.55, 1.05, 0.4
DISASTER = 0.5
"""The share of failed requests from which a minute's errors may decide alone."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The question whether the candidate's mean is above ``ratio`` times the stable mean plus ``margin``.

    ``flipped`` counts the complement of the tally, such as a falling share or a missed reward. ``guess`` is the stable
    mean assumed before any outcome. It affects how soon the test decides, but not its validity. ``margin_for`` is the
    margin of the proof that the candidate is no worse, where it is another. ``limits_ms`` are the latencies over which
    the candidate's and the stable version's requests count.
    """

    metric: str
    key: str
    margin: float
    guess: float
    ratio: float = 1.0
    flipped: bool = False
    proven: bool = False
    margin_for: float | None = None
    limits_ms: tuple[float, float] | None = None

    @property
    def may_be_disaster(self) -> bool:
        """Whether one minute may decide, if most of its outcomes are bad."""
        return self.metric == "errors"

    @property
    def most_of_rollback(self) -> float:
        """The most that one minute may win against a candidate, as a share of what a rollback takes."""
        return _MOST_OF_ERRORS if self.metric == "errors" else _MOST_OF_OTHERS

    def counted(self, tally: Tally) -> tuple[float, float]:
        """The number of outcomes and the sum of the bad ones."""
        return tally.n, tally.n - tally.total if self.flipped else tally.total


@dataclass(frozen=True)
class Questions:
    """All rows, with their parameters as arrays. Each metric may spend the error probability ``alpha``.

    A quantile of the latency is a paired metric. Its candidate is worse only if its share over the limit is above the
    stable version's *and* above the share that the quantile stands for, so that neither a shared slowness nor equal
    latencies decide. Either comparison proves the opposite.
    """

    rows: tuple[Comparison, ...]
    alpha: float
    beta: float

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """The metrics in the order of the rows, each once."""
        return tuple(dict.fromkeys(row.metric for row in self.rows))

    @cached_property
    def paired(self) -> tuple[str, ...]:
        """The metrics with two rows that must both find the candidate worse."""
        return tuple(metric for metric in self.metrics if metric in _PAIRED)

    @cached_property
    def lines_against(self) -> Boundary:
        """The boundaries above which the candidate is worse."""
        return Boundary(self._ratios, np.array([row.margin for row in self.rows]))

    @cached_property
    def lines_for(self) -> Boundary:
        """The boundaries under which the candidate is proven to be no worse."""
        margins = (row.margin if row.margin_for is None else row.margin_for for row in self.rows)
        return Boundary(self._ratios, np.array(list(margins)))

    @cached_property
    def guesses(self) -> Array:
        """The stable means assumed before any outcome."""
        return np.array([row.guess for row in self.rows])

    @cached_property
    def disastrous(self) -> NDArray[np.bool_]:
        """The rows in which one minute may decide, if most of the candidate's outcomes are bad."""
        return np.array([row.may_be_disaster for row in self.rows], dtype=bool)

    @cached_property
    def most_per_minute(self) -> Array:
        """The most that a bet of each row may win in a minute, as a logarithm."""
        return np.array([row.most_of_rollback for row in self.rows]) * self._needed

    @cached_property
    def most_while_unknown(self) -> Array:
        """The same while few minutes of the stable version are known, and so not how much they differ."""
        return _MOST_OF_UNKNOWN * self._needed

    def indices(self, metric: str) -> list[int]:
        """The indices of one metric's rows."""
        return self._indices[metric]

    @cached_property
    def proven(self) -> list[int]:
        """The indices of the rows that must be proven before a promotion."""
        return [index for index, row in enumerate(self.rows) if row.proven]

    @cached_property
    def _indices(self) -> dict[str, list[int]]:
        rows = list(enumerate(self.rows))
        return {metric: [index for index, row in rows if row.metric == metric] for metric in self.metrics}

    @cached_property
    def _ratios(self) -> Array:
        return np.array([row.ratio for row in self.rows])

    @cached_property
    def _needed(self) -> Array:
        """What the best bet of each row must have won for a rollback, if all others have lost everything."""
        rows = (1 if row.metric in self.paired else len(self.indices(row.metric)) for row in self.rows)
        return np.array([math.log(BETS * each / self.alpha) for each in rows])


def questions(
    judge: JudgeConfig,
    labels: Sequence[str],
    values: Sequence[float] = (),
    targets: Mapping[str, Sequence[float]] | None = None,
    *,
    shadow: bool = False,
    parts: float = 1,
    limits_ms: Mapping[str, tuple[float, float]] | None = None,
) -> Questions:
    """The questions to ask of one candidate.

    Args:
        judge: the limits.
        labels: the labels that the model can predict; none for a regression.
        values: the limits above which a regression's values are counted; none for a classifier.
        targets: the same by target, for a regression with several.
        shadow: whether candidate and stable version score the same records.
        parts: the number of equal parts that ``false_rollback`` is split into: candidates times phases.
        limits_ms: the candidate's and the stable version's limit of each latency quantile, for the findings.
    """
    service = _service_rows(judge, limits_ms or {})
    outputs = [evidence.value_key(limit) for limit in values]
    outputs += [evidence.target_key(target, limit) for target, limits in (targets or {}).items() for limit in limits]
    rows = (*service, *_output_rows(judge, labels, outputs), *_quality_rows(judge, shadow=shadow))
    rows = (*rows, *_guardrail_rows(judge, shadow=shadow))
    metrics = len({row.metric for row in rows})
    return Questions(rows, judge.false_rollback / parts / max(metrics, 1), judge.false_promotion)


def reference_bounds(asked: Questions, n: Array, total: Array) -> tuple[Array, Array]:
    """An upper and a lower bound on the stable version's mean, per row, each of which spends half of its error.

    The upper bound on errors is also capped at slightly above the observed or guessed mean, because few requests would
    give a very loose one.
    """
    upper = upper_bound(n, total, asked.alpha / 2 / len(asked.rows))
    seen = np.maximum(np.where(n > 0, total / np.maximum(n, 1e-9), 0.0), asked.guesses) + _UNSEEN_ERRORS
    errors = np.array([row.metric == "errors" for row in asked.rows])
    return np.where(errors, np.minimum(upper, seen), upper), lower_bound(n, total, asked.beta / 2)


def against_reference(asked: Questions, upper: Sequence[float], lower: Sequence[float]) -> Questions:
    """The same questions against bounds on the stable version's past, for when it no longer has traffic."""
    rows = (
        replace(
            row,
            ratio=0.0,
            margin=_line(row.ratio * high + row.margin),
            margin_for=_line(row.ratio * low + (row.margin if row.margin_for is None else row.margin_for)),
        )
        for row, high, low in zip(asked.rows, upper, lower, strict=True)
    )
    return Questions(tuple(rows), asked.alpha / 2, asked.beta / 2)


def _line(mean: float) -> float:
    return min(max(mean, _LEAST_LINE), _NEVER_WORSE)


def _service_rows(judge: JudgeConfig, limits_ms: Mapping[str, tuple[float, float]]) -> Iterator[Comparison]:
    if judge.errors.enabled:
        yield Comparison("errors", evidence.ERRORS, judge.errors.margin, 0.001, proven=judge.errors.proven)
    quantiles = ((evidence.P50, judge.p50, _P50_OVER), (evidence.P99, judge.p99, _P99_OVER))
    for key, limit, over in quantiles:
        if limit.enabled:
            beside = Comparison(key, key, 0.0, over, proven=limit.proven, limits_ms=limits_ms.get(key))
            yield from (beside, replace(beside, ratio=0.0, margin=over))


def _output_rows(judge: JudgeConfig, labels: Sequence[str], values: Sequence[str]) -> Iterator[Comparison]:
    if judge.labels.enabled:
        for label in labels:
            yield from _both_sides("labels", evidence.label_key(label), judge.labels)
    if judge.score.enabled:
        yield from _both_sides("score", evidence.SCORE, judge.score)
    if judge.value.enabled:
        for key in values:
            yield from _both_sides("value", key, judge.value)


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
