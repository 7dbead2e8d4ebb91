"""The part of slipway.yaml that says how a model's versions are released: strategies and the judge's limits.

Every option has its default here, and the command line can override each one. Durations are in minutes; shares are
from 0 to 1.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, field_validator, model_validator

from slipway.config.releases.guardrails import Guardrails
from slipway.config.releases.segments import Segments
from slipway.config.validation import Section

Share = Annotated[FiniteFloat, Field(gt=0, lt=1)]
Minutes = Annotated[FiniteFloat, Field(ge=0, le=129_600)]
Probability = Annotated[FiniteFloat, Field(gt=0, lt=0.5)]
Difference = Annotated[FiniteFloat, Field(gt=0, lt=1)]
Ratio = Annotated[FiniteFloat, Field(ge=1, le=100)]
AlarmName = Annotated[str, Field(min_length=1, max_length=255)]


class Limit(Section):
    """How much worse than the stable version a candidate may be.

    ``margin`` is a difference of two shares of the records, e.g. 0.005 for half a percentage point more errors. With
    ``proven``, a promotion waits until the judge has proven that the candidate is within it.
    """

    margin: Difference
    proven: bool = False
    enabled: bool = True


class LatencyLimit(Section):
    """How much slower than the stable version a quantile may be: ``ratio`` 1.25 allows a quarter longer."""

    ratio: Ratio
    proven: bool = False
    enabled: bool = True


class AgreementLimit(Section):
    """The share of records on which candidate and stable must agree; only shadows score the same records as stable."""

    least: Difference = 0.8
    proven: bool = False
    enabled: bool = True


class JudgeConfig(Section):
    """The limits that the judge holds a candidate to.

    ``false_rollback`` bounds the probability that a candidate within every margin is ever rolled back for a metric,
    however often the judge looks. ``false_promotion`` bounds the probability that a candidate worse than a proven
    margin is promoted. A step of a release waits until its candidate has got ``min_requests`` in it; the whole release
    takes ``deadline_minutes`` at most. In the first ``warmup_minutes`` of a candidate its latencies do not count. A
    candidate with a share is rolled back once nothing has been counted for it in ``silent_minutes`` in which the
    stable version had requests. ``metrics`` has the user's own, by name.
    """

    false_rollback: Probability = 0.01
    false_promotion: Probability = 0.05
    min_requests: Annotated[int, Field(ge=1)] = 100
    deadline_minutes: Annotated[FiniteFloat, Field(gt=0, le=129_600)] = 1440
    warmup_minutes: Minutes = 1
    silent_minutes: Annotated[FiniteFloat, Field(ge=2, le=1440)] = 10
    outage: Difference = 0.2
    errors: Limit = Limit(margin=0.005, proven=True)
    p50: LatencyLimit = LatencyLimit(ratio=1.25, proven=True)
    p99: LatencyLimit = LatencyLimit(ratio=1.5, proven=True)
    labels: Limit = Limit(margin=0.1)
    score: Limit = Limit(margin=0.1)
    value: Limit = Limit(margin=0.1)
    accuracy: Limit = Limit(margin=0.05)
    reward: Limit = Limit(margin=0.05)
    agreement: AgreementLimit = AgreementLimit()
    metrics: Guardrails = Field(default={})
    alarms: tuple[AlarmName, ...] = ()


class AllAtOnce(Section):
    """All traffic moves at once, and back unless the candidate is proven in a bake of ``bake_minutes``.

    0 minutes are the choice to move without watching: the candidate becomes stable unproven.
    """

    strategy: Literal["all-at-once"] = "all-at-once"
    bake_minutes: Minutes = 0


class BlueGreen(Section):
    """The idle side is started and smoke-tested, then all traffic moves, and back unless the candidate is proven.

    The old side stays warm for ``bake_minutes`` and until then.
    """

    strategy: Literal["blue-green"] = "blue-green"
    bake_minutes: Minutes = 30


class Canary(Section):
    """A slope of ``shares``, each held for ``bake_minutes`` and until proven, then all traffic.

    The old side stays warm a while longer. ``share`` asks for a single step instead of ``shares``.
    """

    strategy: Literal["canary"] = "canary"
    share: Share | None = None
    shares: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.05, 0.25, 0.5)
    bake_minutes: Minutes = 10
    warm_minutes: Minutes = 10

    @field_validator("shares", mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        """The command line gives shares as ``0.05,0.5``."""
        return tuple(value.strip("[]").split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _shares_grow(self) -> Self:
        if any(after <= before for before, after in pairwise(self.shares)):
            raise ValueError(f"`shares: {list(self.shares)}` must grow from step to step")
        return self

    @property
    def steps(self) -> tuple[float, ...]:
        """The candidate's share in each step."""
        return self.shares if self.share is None else (self.share,)


class Linear(Section):
    """The share grows by ``step`` every ``step_minutes``, once the candidate is proven at the share that it has."""

    strategy: Literal["linear"] = "linear"
    step: Share = 0.1
    step_minutes: Minutes = 5
    warm_minutes: Minutes = 10


class Shadow(Section):
    """Candidates score a ``sample`` of the requests that the stable version has answered, for ``minutes``.

    Two values of a regression agree if they differ by at most ``tolerance`` times the larger one.
    """

    strategy: Literal["shadow"] = "shadow"
    sample: Annotated[FiniteFloat, Field(gt=0, le=1)] = 1.0
    minutes: Annotated[FiniteFloat, Field(gt=0, le=129_600)] = 1440
    tolerance: Annotated[FiniteFloat, Field(ge=0, lt=1)] = 0.05


class _Experiment(Section):
    """Options of every experiment: how long it may run, and whether the winner is promoted."""

    promote_winner: bool = False
    warm_minutes: Minutes = 10
    max_minutes: Annotated[FiniteFloat, Field(gt=0, le=129_600)] = 40_320


class AbTest(_Experiment):
    """Equal, sticky arms until the planned sample size is reached or the sequential test decides.

    ``baseline`` is the stable version's mean of the metric and ``effect`` the difference to detect. ``sticky`` is an
    entity or a field of the request; without it, each record is assigned independently.
    """

    strategy: Literal["ab"] = "ab"
    metric: Literal["reward", "accuracy"] = "reward"
    baseline: Difference = 0.1
    effect: Difference = 0.02
    alpha: Probability = 0.05
    power: Annotated[FiniteFloat, Field(ge=0.5, lt=1)] = 0.8
    sequential: bool = True
    sticky: str | None = None

    @model_validator(mode="after")
    def _effect_is_possible(self) -> Self:
        if self.baseline + self.effect >= 1:
            raise ValueError(f"`baseline: {self.baseline:g}` plus `effect: {self.effect:g}` must be less than 1")
        return self


class Bandit(_Experiment):
    """Thompson sampling on rewards: weights are recomputed every ``update_minutes``, and no arm falls below ``floor``.

    A prediction counts once it is ``delay_minutes`` old, with the reward received until then, or none. An arm wins when
    its probability of being the best reaches ``confidence``, but not before the rewards of ``cycle_minutes`` count,
    because an arm may be the better one by day and the worse one by night.
    """

    strategy: Literal["bandit"] = "bandit"
    floor: Annotated[FiniteFloat, Field(ge=0, le=0.5)] = 0.05
    update_minutes: Annotated[FiniteFloat, Field(ge=1, le=10_080)] = 10
    delay_minutes: Minutes = 30
    min_rewards: Annotated[int, Field(ge=1)] = 100
    confidence: Annotated[FiniteFloat, Field(ge=0.5, lt=1)] = 0.99
    cycle_minutes: Minutes = 1440
    sticky: str | None = None

    @model_validator(mode="after")
    def _cycle_fits(self) -> Self:
        if self.cycle_minutes and self.cycle_minutes + self.delay_minutes > self.max_minutes:
            raise ValueError(
                f"`cycle_minutes: {self.cycle_minutes:g}` plus `delay_minutes: {self.delay_minutes:g}` must be at most "
                f"`max_minutes: {self.max_minutes:g}`; `cycle_minutes: 0` names a winner at any time of day"
            )
        return self


class Interleave(_Experiment):
    """Two rankers answer each request together by team draft; clicks decide, and ties are not counted.

    ``sticky`` is an entity or a field of the request whose value says who saw an impression; the impressions of one
    user are then judged together.
    """

    strategy: Literal["interleave"] = "interleave"
    alpha: Probability = 0.05
    impressions: Annotated[int, Field(ge=1)] = 100_000
    sticky: str | None = None


Options = Annotated[
    AllAtOnce | BlueGreen | Canary | Linear | Shadow | AbTest | Bandit | Interleave, Field(discriminator="strategy")
]
Strategy = Literal["all-at-once", "blue-green", "canary", "linear", "shadow", "ab", "bandit", "interleave"]


class ReleaseConfig(Section):
    """`release` of one model: the judge, the segments, each strategy's options, and the default strategy."""

    strategy: Strategy = "canary"
    judge: JudgeConfig = JudgeConfig()
    segments: Segments = ()
    all_at_once: AllAtOnce = AllAtOnce()
    blue_green: BlueGreen = BlueGreen()
    canary: Canary = Canary()
    linear: Linear = Linear()
    shadow: Shadow = Shadow()
    ab: AbTest = AbTest()
    bandit: Bandit = Bandit()
    interleave: Interleave = Interleave()

    def options(self, strategy: Strategy | None = None) -> "Options":
        """The options of a strategy, by default the configured one."""
        options: Options = getattr(self, (strategy or self.strategy).replace("-", "_"))
        return options
