"""The named scenarios of `slipway release simulate`: the candidates and the traffic of each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.config.releases import AbTest, Bandit, Canary, Interleave, JudgeConfig, Options
from slipway.errors import NotFoundError
from slipway.releases.simulation.runs import STABLE, Scenario
from slipway.releases.simulation.traffic import Behaviour, Traffic

_ALL_POSITIVE = {"negative": 0.0, "neutral": 0.0, "positive": 1.0}
_DAY = 1440.0
_LATE = 240.0
# The difference that an experiment should find if its options name none.
_EFFECT, _PREFERENCE = 0.02, 0.05


@dataclass(frozen=True, slots=True)
class Named:
    """A scenario with a description. With ``all_day``, the candidate keeps its share and is judged for a whole day.

    ``best`` is the version that an experiment should name, or None if it should name none.
    """

    scenario: Scenario
    what: str
    all_day: bool = False
    best: int | None = None

    def setting(self, options: Options, judge: JudgeConfig) -> tuple[Options, JudgeConfig]:
        """The options and the judge's configuration for the scenario."""
        if not self.all_day or not isinstance(options, Canary):
            return options, judge
        longer = judge.model_copy(update={"deadline_minutes": 2 * _DAY})
        return options.model_copy(update={"bake_minutes": _DAY}), longer


def longest_hours(options: Options) -> float:
    """The length of a run in hours: a day, and for a bandit first the cycle after which it may name a winner."""
    waits = (
        options.cycle_minutes + options.delay_minutes if isinstance(options, Bandit) and options.cycle_minutes else 0
    )
    return (_DAY + waits) / 60


def find_scenarios(names: Sequence[str], options: Options, traffic: Traffic, *, arms: int = 2) -> list[Named]:
    """The scenarios of a strategy by name, by default all of them; raises NotFoundError for an unknown name."""
    experiment = isinstance(options, AbTest | Bandit | Interleave)
    known = {
        each.scenario.name: each
        for each in (experiments(options, traffic, arms=arms) if experiment else releases(traffic))
    }
    for name in names:
        if name not in known:
            raise NotFoundError(f"scenario of {options.strategy}", name, known)
    return [known[name] for name in names] if names else list(known.values())


def releases(traffic: Traffic) -> tuple[Named, ...]:
    """The scenarios for shadows, and for strategies that end with one version taking all traffic."""
    same = Behaviour()
    priced = replace(same, labels={})
    regression = Scenario("", (), stable=priced, traffic=traffic)
    return (
        Named(Scenario("identical", (same,), traffic=traffic), "no difference, looked at all day", all_day=True),
        Named(
            Scenario("daily-cycle", (same,), traffic=replace(traffic, daily=0.8)),
            "no difference, traffic that moves over the day by 80 % either way",
            all_day=True,
        ),
        Named(
            Scenario("outage", (same,), traffic=replace(traffic, outage=(5, 25))),
            "no difference, and something shared fails 60 % for 20 minutes",
        ),
        Named(Scenario("within", (replace(same, errors=0.003),), traffic=traffic), "fails 0.3 %, stable 0.1 %"),
        _bad("errors", replace(same, errors=0.05), traffic, "fails 5 %, stable 0.1 %"),
        _bad("broken", replace(same, errors=1.0), traffic, "fails everything"),
        _bad("slow", same.slower(2), traffic, "takes twice as long"),
        _bad("slow-tail", replace(same, p99_ms=3 * same.p99_ms), traffic, "p99 three times as long, p50 the same"),
        _bad(
            "one-label",
            replace(same, labels=_ALL_POSITIVE, disagrees=0.7),
            traffic,
            "answers everything with one label",
        ),
        Named(
            replace(regression, name="one-value", candidates=(replace(priced, value_spread=0.001, disagrees=0.87),)),
            "a regression that answers everything with the mean",
        ),
        Named(
            replace(regression, name="shifted", candidates=(replace(priced, value=1.2 * priced.value, disagrees=1.0),)),
            "a regression whose values are 20 % higher",
        ),
        _bad(
            "wrong",
            replace(same, wrong=0.35, disagrees=0.15),
            traffic,
            "wrong in 35 %, stable 25 %; 2 % labelled, hours late",
            day=True,
        ),
        Named(Scenario("quiet", (same,), traffic=replace(traffic, rps=traffic.rps / 100)), "no difference, 1 % of it"),
        Named(
            Scenario("stopping", (same,), traffic=replace(traffic, stops=6)),
            "no difference, and the traffic stops after six minutes",
        ),
    )


def experiments(options: Options, traffic: Traffic, *, arms: int = 2) -> tuple[Named, ...]:
    """The scenarios for an A/B test, a bandit or an interleaving; one candidate of ``arms`` versions is different."""
    effect = effect_of(options)
    by = f"better by {effect:g}"
    if isinstance(options, Interleave):
        by = f"preferred in {100 * (0.5 + effect):g} % of the impressions that are no tie"

    def named(
        name: str, gain: float, what: str, best: int | None, *, into: Traffic = traffic, errors: float | None = None
    ) -> Named:
        candidates = _arms(options, gain, arms, errors)
        return Named(Scenario(name, candidates, stable=stable_of(options), traffic=into), what, best=best)

    daily, late = replace(traffic, daily=0.8), replace(traffic, reward_minutes=_LATE, feedback_minutes=2 * _LATE)
    found = [
        named("identical", 0, "no difference", None),
        named("better", effect, by, 2),
        named("half", effect / 2, "half of that difference", 2),
        named("worse", -effect, "as much, but worse", 1),
        named("daily-cycle", effect, "better, traffic that moves over the day by 80 % either way", 2, into=daily),
        named("errors", effect, "better, and fails 5 % of the requests", None, errors=0.05),
    ]
    if not isinstance(options, Interleave):
        found.insert(4, named("late", effect, f"better, feedback {_LATE / 60:g} hours late on average", 2, into=late))
    return tuple(found)


def effect_of(options: Options) -> float:
    """The difference that an experiment should find."""
    if isinstance(options, Interleave):
        return _PREFERENCE
    return options.effect if isinstance(options, AbTest) else _EFFECT


def stable_of(options: Options) -> Behaviour:
    """The stable version that the experiment's options describe."""
    if isinstance(options, AbTest):
        if options.metric == "reward":
            return Behaviour(reward=options.baseline)
        return Behaviour(wrong=1 - options.baseline)
    return Behaviour()


def best_of(options: Options, stable: Behaviour, candidate: Behaviour) -> int | None:
    """The version of two that an experiment should name by its metric; None if they are equal."""
    if isinstance(options, Interleave):
        gain = candidate.preferred - (1 - candidate.preferred)
    elif isinstance(options, AbTest) and options.metric == "accuracy":
        gain = stable.wrong - candidate.wrong
    else:
        gain = candidate.reward - stable.reward
    return None if gain == 0 else STABLE + (gain > 0)


def better(options: Options, gain: float) -> Behaviour:
    """A version that is better than the stable one by ``gain`` in the experiment's metric."""
    stable = stable_of(options)
    if isinstance(options, Interleave):
        return replace(stable, preferred=stable.preferred + gain)
    if isinstance(options, AbTest) and options.metric == "accuracy":
        return replace(stable, wrong=max(stable.wrong - gain, 0.0))
    return replace(stable, reward=max(stable.reward + gain, 0.0))


def _arms(options: Options, gain: float, arms: int, errors: float | None) -> tuple[Behaviour, ...]:
    first = better(options, gain)
    first = first if errors is None else replace(first, errors=errors)
    return (first, *(stable_of(options) for _ in range(arms - 2)))


def _bad(name: str, candidate: Behaviour, traffic: Traffic, what: str, *, day: bool = False) -> Named:
    return Named(Scenario(name, (candidate,), traffic=traffic), what, all_day=day)
