"""What a release will find out with its traffic, and when: for each metric that a promotion proves.

Outcomes of a minute that are alike are worth fewer independent ones, and are counted as so many.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import NormalDist

import numpy as np

from slipway.config.releases.options import AbTest, Bandit, Interleave, JudgeConfig, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import share_steps
from slipway.releases.statistics.comparisons import Comparison
from slipway.releases.statistics.detectable import Rates, least_effect, least_found, minutes_to_prove
from slipway.releases.statistics.dispersion import design_effect
from slipway.releases.statistics.sample_size import sample_size
from slipway.releases.strategies.ab_results import ab_results
from slipway.releases.strategies.analysis import questions_of
from slipway.releases.strategies.experiments import live_candidates

_METRICS = (keys.ERRORS, keys.P50, keys.P99)
_NORMAL = NormalDist()
_TYPICAL_TAIL = 3.0  # the p99 in medians, where the stable version's latencies are not known


@dataclass(frozen=True, slots=True)
class Traffic:
    """The model's requests per minute, and what is known of the stable version: its failures and latencies.

    ``alike`` is the correlation of two outcomes of a minute, by metric; by default they are independent.
    """

    per_minute: float
    errors: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    alike: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One metric: the share that is allowed, and the least share found worse at each horizon, or None.

    ``minutes`` is how long an equal candidate takes to be proven; for an experiment's metric, the time to its planned
    size. So many outcomes as the design ``effect`` of the candidate are worth one.
    """

    metric: str
    allowed: float
    found: tuple[float | None, ...]
    minutes: float | None
    effect: float = 1.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What traffic of these rates to candidate and stable version finds out, in these minutes from the start."""

    rates: Rates
    minutes: tuple[float, ...]
    rows: tuple[Foreseen, ...]

    @property
    def proof(self) -> float | None:
        """The minutes after which an equal candidate has been proven in every metric; None if never."""
        needed = [row.minutes for row in self.rows if row.metric in _METRICS]
        known = [minutes for minutes in needed if minutes is not None]
        return max(known, default=None) if len(known) == len(needed) else None


def forecast(record: ReleaseRecord, traffic: Traffic, minutes: Sequence[float]) -> Forecast:
    """Foresee a release at constant traffic, at each of these numbers of minutes from the candidates' start."""
    rates, asked = _rates(record, traffic.per_minute), questions_of(record)
    rows = [_metric(record, traffic, metric, rates, minutes) for metric in _METRICS if metric in asked.metrics]
    proven = [row for row in rows if any(asked.rows[index].metric == row.metric for index in asked.proven)]
    return Forecast(rates, tuple(minutes), (*proven, *_experiment(record, rates, minutes)))


def minutes_so_far(record: ReleaseRecord, now: datetime) -> float:
    """The minutes since the candidates got their first traffic."""
    since = record.running_since
    return (now - since).total_seconds() / 60 if since else 0.0


def _rates(record: ReleaseRecord, per_minute: float) -> Rates:
    """The outcomes of a candidate and of the stable version per minute; the past of the latter counts as endless."""
    match record.options:
        case Shadow(sample=sample):
            return Rates(per_minute * sample, per_minute * sample)
        case Interleave():
            return Rates(per_minute, per_minute)
        case AbTest() | Bandit():
            shares: tuple[float, ...] = (1 / (len(record.candidates) + 1),) * len(record.candidates)
        case options:
            shares = tuple(step.share for step in share_steps(options)[:1]) or (1.0,)
    if record.phase in {Phase.RUNNING, Phase.BAKING} and any(record.shares):
        shares = record.shares
    share = min(share for share in shares if share)
    rest = max(1 - sum(shares), 0.0)
    return Rates(per_minute * share, per_minute * rest if rest else math.inf)


def _metric(record: ReleaseRecord, traffic: Traffic, metric: str, rates: Rates, minutes: Sequence[float]) -> Foreseen:
    """The rows of a metric must all find a candidate worse, and any of them proves it."""
    asked = questions_of(record)
    rows = [asked.rows[index] for index in asked.indices(metric)]
    stable = traffic.errors if metric == keys.ERRORS and traffic.errors is not None else rows[0].guess
    equal = stable if metric == keys.ERRORS else _over(record.judge, metric, traffic)
    correlation = traffic.alike.get(metric, 0.0)
    effect, worth = _effect(rates.candidate, correlation), _independent(rates, correlation)
    alpha, beta = (asked.alpha / 2, asked.beta) if math.isinf(rates.stable) else (asked.alpha, asked.beta)
    found = [_worst([least_found(row, alpha, worth, each, stable=stable) for row in rows]) for each in minutes]
    proofs = [minutes_to_prove(row, beta, worth, stable=stable, candidate=equal) for row in rows]
    known = [proof for proof in proofs if proof is not None]
    allowed = max(_line(row, stable) for row in rows)
    return Foreseen(metric, allowed, tuple(found), min(known, default=None), effect)


def _independent(rates: Rates, correlation: float) -> Rates:
    """The independent outcomes per minute that those of the traffic are worth."""
    stable = rates.stable if math.isinf(rates.stable) else rates.stable / _effect(rates.stable, correlation)
    return Rates(rates.candidate / _effect(rates.candidate, correlation), stable)


def _effect(rate: float, correlation: float) -> float:
    return float(design_effect(np.array(rate), np.array(correlation)))


def _line(row: Comparison, stable: float) -> float:
    return row.ratio * stable + row.margin


def _worst(found: Sequence[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return max(known) if len(known) == len(found) else None


def _over(judge: JudgeConfig, metric: str, traffic: Traffic) -> float:
    """The share of an equal candidate's latencies over its limit, if latencies are log-normal."""
    tail = traffic.p99_ms / traffic.p50_ms if traffic.p50_ms and traffic.p99_ms else _TYPICAL_TAIL
    deviation = max(math.log(tail), 1e-6) / _NORMAL.inv_cdf(0.99)
    ratio, quantile = (judge.p50.ratio, 0.5) if metric == keys.P50 else (judge.p99.ratio, 0.99)
    return 1 - _NORMAL.cdf(_NORMAL.inv_cdf(quantile) + math.log(ratio) / deviation)


def _experiment(record: ReleaseRecord, rates: Rates, minutes: Sequence[float]) -> Iterator[Foreseen]:
    """An A/B test's own metric, if every request gets its outcome and users differ as much as so far."""
    options = record.options
    if not isinstance(options, AbTest):
        return
    arms, each = len(record.candidates) + 1, min(rates.candidate, rates.stable)
    effect = ab_results(record, options, live_candidates(record)).design_effect if record.clusters else 1.0
    worth = each / effect
    effects = [least_effect(options, worth * minute, arms=arms) for minute in minutes]
    found = tuple(least if least is None else options.baseline + least for least in effects)
    needed = sample_size(options, arms=arms) / worth if worth else None
    yield Foreseen(options.metric, options.baseline, found, needed, effect)
