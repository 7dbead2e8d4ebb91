"""The scenarios for an A/B test, a bandit or an interleaving."""

from collections.abc import Iterator
from dataclasses import replace

from slipway.config.releases.options import AbTest, Interleave, Options
from slipway.releases.simulation.scenarios import STABLE, Named, Scenario
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.conditions import bunched, by_users
from slipway.releases.simulation.traffic.pattern import Traffic

_LATE = 240.0
_SWING = 0.5
# The difference that an experiment should find if its options name none.
_EFFECT, _PREFERENCE = 0.02, 0.05


def experiments(options: Options, traffic: Traffic, stable: Behaviour, *, arms: int = 2) -> tuple[Named, ...]:
    """The scenarios of an experiment in which one candidate of ``arms`` versions is different."""
    kinds = (_different, _among_users, _equal)
    return tuple(named for kind in kinds for named in kind(options, traffic, stable, arms))


def _different(options: Options, traffic: Traffic, stable: Behaviour, arms: int) -> Iterator[Named]:
    effect = effect_of(options)
    by = f"better by {effect:g}"
    if isinstance(options, Interleave):
        by = f"preferred in {100 * (0.5 + effect):g} % of the impressions that are no tie"

    def named(
        name: str, gain: float, what: str, best: int | None, *, into: Traffic = traffic, errors: float | None = None
    ) -> Named:
        candidates = _arms(options, gain, arms, stable, errors)
        return Named(Scenario(name, candidates, stable=stable, traffic=into), what, best=best)

    yield named("identical", 0, "no difference", None)
    yield named("better", effect, by, 2)
    yield named("half", effect / 2, "half of that difference", 2)
    yield named("worse", -effect, "as much, but worse", 1)
    if not isinstance(options, Interleave):
        late = replace(traffic, reward_minutes=_LATE, feedback_minutes=2 * _LATE)
        swing, swings = replace(traffic, reward_swing=_SWING), f"rewards that move over the day by {100 * _SWING:g} %"
        yield named("reward-cycle", effect / 2, f"half of that difference, {swings} either way", 2, into=swing)
        yield named("late", effect, f"better, feedback {_LATE / 60:g} hours late on average", 2, into=late)
    daily = replace(traffic, daily=0.8)
    yield named("daily-cycle", effect, "better, traffic that moves over the day by 80 % either way", 2, into=daily)
    yield named("errors", effect, "better, and fails 5 % of the requests", None, errors=0.05)


def _among_users(options: Options, traffic: Traffic, stable: Behaviour, arms: int) -> Iterator[Named]:
    """A better version among users whose rewards differ."""
    effect = effect_of(options)
    candidates = _arms(options, effect, arms, stable)
    for condition in by_users(traffic):
        if condition.name != "failing-user":
            scenario = Scenario(f"{condition.name}-better", candidates, stable=stable, traffic=condition.traffic)
            what = f"better by {effect:g}, {condition.what.removeprefix('no difference, ')}"
            yield Named(scenario, what, best=2, sticky=True)


def _equal(options: Options, traffic: Traffic, stable: Behaviour, arms: int) -> Iterator[Named]:
    """Equal versions in traffic that makes them look different."""

    def named(name: str, into: Traffic, what: str, *, sticky: bool = False) -> Named:
        candidates = _arms(options, 0, arms, stable)
        return Named(Scenario(name, candidates, stable=stable, traffic=into), what, sticky=sticky)

    for condition in bunched(traffic):
        yield named(condition.name, condition.traffic, condition.what)
    for condition in by_users(traffic):
        yield named(condition.name, condition.traffic, condition.what, sticky=True)
    yield named("silent", replace(traffic, silent=True), "no metric of a candidate ever arrives")
    if not isinstance(options, Interleave):
        for share in (0.6, 0.53):
            split = replace(traffic, split=share)
            what = f"no difference, candidates get {100 * share:g} to {100 - 100 * share:g} of equal shares"
            yield named(f"split-{100 * share:g}", split, what)


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
    gain = gain_of(options, stable, candidate)
    return None if gain == 0 else STABLE + (gain > 0)


def gain_of(options: Options, stable: Behaviour, candidate: Behaviour) -> float:
    """How much better a candidate is in the experiment's metric."""
    if isinstance(options, Interleave):
        return candidate.preferred - (1 - candidate.preferred)
    if isinstance(options, AbTest) and options.metric == "accuracy":
        return stable.wrong - candidate.wrong
    return candidate.reward - stable.reward


def better(options: Options, gain: float, stable: Behaviour) -> Behaviour:
    """A version that is better than the stable one by ``gain`` in the experiment's metric."""
    if isinstance(options, Interleave):
        return replace(stable, preferred=stable.preferred + gain)
    if isinstance(options, AbTest) and options.metric == "accuracy":
        return replace(stable, wrong=max(stable.wrong - gain, 0.0))
    return replace(stable, reward=max(stable.reward + gain, 0.0))


def _arms(
    options: Options, gain: float, arms: int, stable: Behaviour, errors: float | None = None
) -> tuple[Behaviour, ...]:
    first = better(options, gain, stable)
    first = first if errors is None else replace(first, errors=errors)
    return (first, *(stable for _ in range(arms - 2)))
