"""How well the judge must do, as simulations with a limit each."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from slipway.config.releases.options import AbTest, Bandit, BlueGreen, Canary, Interleave, JudgeConfig, Options
from slipway.releases.record.phases import Phase
from slipway.releases.simulation.catalogue import find_scenarios
from slipway.releases.simulation.figures import AnyFigures, ExperimentFigures, figures_of
from slipway.releases.simulation.runs import Run, Setting, simulate
from slipway.releases.simulation.scenarios import Named, Scenario
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Traffic

Measure = Callable[[Named, Sequence[Run], Options], float]

RATES = (1, 10, 100, 1000)
INDEPENDENT = ("identical", "daily-cycle")
BUNCHED = ("bursts", "dispersed", "dispersed-mild", "latency-noise", "cold-start")
BY_USERS = ("client", "zipf", "failing-user")
# Cold for five minutes, which a warm-up of as many hides.
COLD = JudgeConfig(warmup_minutes=5)
_ANY = 1e12
# A window is seen a minute after it is over, so the first evidence exists two minutes after the first request.
_EVIDENCE = 2
# The medians of the first test, which bet on independent outcomes.
_BEFORE = {"errors": 2, "broken": 2, "slow": 2, "slow-tail": 3, "one-label": 2, "one-value": 2, "shifted": 2}
# Users with tastes can need more than a day, so the test ends after four hours, with an interval.
_USERS = AbTest(sticky="user", max_minutes=240)
# So small an effect that guards are looked at all day; users are assigned as a whole, or each record by itself.
_GUARDS, _RECORDS = AbTest(effect=0.0005, sticky="user"), AbTest(effect=0.0005)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of simulated runs with a limit, which the figure may reach but not pass.

    The judge looks every ``look`` minutes.
    """

    name: str
    claim: str
    options: Options
    find: Callable[[Options], Named]
    measure: Measure
    limit: float
    least: bool = False
    unit: str = "%"
    hours: float = 24
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    look: float = 1.0

    def figure(self, runs: int, seed: int, *, hours: float | None = None) -> float:
        """Simulate, and return the figure."""
        named = self.find(self.options)
        options, judge = named.setting(self.options, self.judge)
        hours = min(self.hours, hours or self.hours)
        setting = Setting(
            options, judge, runs=runs, seed=seed, hours=hours, look_minutes=self.look, lag_minutes=self.look
        )
        return self.measure(named, _simulated(named.scenario, setting), options)

    def met(self, figure: float) -> bool:
        """Whether the figure is within the limit."""
        return figure >= self.limit if self.least else figure <= self.limit


# The runs of the last figure, since several figures are of the same runs.
_last: dict[str, Sequence[Run]] = {}


def _simulated(scenario: Scenario, setting: Setting) -> Sequence[Run]:
    key = repr((scenario, setting))
    if key not in _last:
        _last.clear()
        _last[key] = simulate(scenario, setting)
    return _last[key]


def targets() -> tuple[Target, ...]:
    """All targets."""
    return (*_false_rollbacks(), *_detection(), *_low(), *_experiments(), *_splits())


def _named(scenario: str, rps: float, options: Options) -> Named:
    return find_scenarios([scenario], options, Traffic(rps=rps))[0]


def _false_rollbacks() -> Iterator[Target]:
    for scenario in (*INDEPENDENT, *BUNCHED, *BY_USERS):
        for rps in RATES:
            limit = 1 if scenario in INDEPENDENT else 5
            claim = f"{scenario}: rolled back in 24 hours at {rps:,} requests/s"
            yield Target(f"{scenario}@{rps}", claim, Canary(), partial(_named, scenario, rps), _rolled_back, limit)
    for rps in RATES:
        claim = f"cold-five, `warmup_minutes: 5`: rolled back in 24 hours at {rps:,} requests/s"
        find = partial(_named, "cold-five", rps)
        yield Target(f"cold-five@{rps}", claim, Canary(), find, _rolled_back, 5, judge=COLD)
    claim = "cold-start, `warmup_minutes: 0`: rolled back within an hour, so that the scenario is one"
    find, bare = partial(_named, "cold-start", 100), JudgeConfig(warmup_minutes=0)
    yield Target("cold-unskipped", claim, Canary(), find, _rolled_back, 50, least=True, hours=1, judge=bare)
    for scenario in BY_USERS:
        for rps in (1, 10, 100):
            claim = f"{scenario}, sticky: rolled back in an A/B test of 24 hours at {rps:,} requests/s"
            name = f"{scenario}-sticky@{rps}"
            yield Target(name, claim, _GUARDS, partial(_named, scenario, rps), _rolled_back, 5)


def _detection() -> Iterator[Target]:
    claim = "errors: 5 % at 5 % of 100 requests/s gone within 3 minutes of the evidence"
    within = partial(_within, minutes=_EVIDENCE + 3)
    yield Target("errors", claim, Canary(), partial(_named, "errors", 100), within, 99, least=True, hours=1)
    for scenario, before in _BEFORE.items():
        claim = f"{scenario}: median minutes, at most 1.5 times those of independent outcomes ({before})"
        find = partial(_named, scenario, 100)
        yield Target(f"{scenario}-median", claim, Canary(), find, _median_minutes, 1.5 * before, unit="min", hours=1)
    claim = "overloaded: requests of 1,000 harmed if all fail above a quarter of the traffic"
    yield Target("overloaded", claim, Canary(), partial(_named, "overloaded", 100), _harmed, 60, unit="", hours=2)


def _low() -> Iterator[Target]:
    for scenario in ("low-broken", "alternating"):
        claim = f"{scenario}: failures of 60 requests an hour until it is gone, 99th percentile"
        yield Target(scenario, claim, Canary(), partial(_named, scenario, 100), _failures, 8, unit="", hours=48)
    claim = "broken: failures at 360 requests an hour until it is gone, 99th percentile"
    yield Target("broken@0.1", claim, Canary(), partial(_named, "broken", 0.1), _failures, 8, unit="")
    for rps in (0.1, 1):
        claim = f"one-label at {rps:g} requests/s: promoted in 24 hours"
        yield Target(f"one-label@{rps:g}", claim, Canary(), partial(_named, "one-label", rps), _promoted, 5)
    claim = "blue/green at 60 requests an hour: promoted although it fails 15 %"
    yield Target("blue-green", claim, BlueGreen(), _failing, _promoted, 5, hours=12)
    claim = "silent: promoted without any metric of the candidate"
    yield Target("silent", claim, Canary(), partial(_named, "silent", 10), _promoted, 0)
    claim = "silent: median minutes until it is rolled back"
    yield Target("silent-minutes", claim, Canary(), partial(_named, "silent", 10), _median_minutes, 60, unit="min")


def _failing(options: Options) -> Named:
    failing = Scenario("failing", (replace(Behaviour(), errors=0.15),), traffic=Traffic(rps=60 / 3600))
    del options
    return Named(failing, "fails 15 %")


def _experiments() -> Iterator[Target]:
    for scenario in ("identical", "better", "worse", "zipf", "client", "failing-user", "reward-cycle"):
        find = partial(_named, scenario, 5)
        claim = f"A/B, {scenario}: runs whose interval holds the true difference"
        yield Target(f"ab-{scenario}-coverage", claim, _USERS, find, _covered, 93, least=True)
        claim = f"A/B, {scenario}: wrong winners"
        yield Target(f"ab-{scenario}-winners", claim, _USERS, find, _wrong, 5)
    claim = "A/B, better: the effect is found (a power of 80 % is planned)"
    yield Target("ab-power", claim, AbTest(), partial(_named, "better", 5), _right, 75, least=True)
    for scenario in ("client", "zipf"):
        claim = f"A/B, {scenario}-better: the effect is found in four hours (a power of 80 % is planned)"
        find = partial(_named, f"{scenario}-better", 5)
        yield Target(f"ab-{scenario}-power", claim, _USERS, find, _right, 75, least=True)
    for scenario in ("identical", "zipf", "client"):
        claim = f"interleaving, {scenario}: wrong winners"
        yield Target(f"interleave-{scenario}", claim, Interleave(), partial(_named, scenario, 5), _wrong, 5)
    for scenario in ("reward-cycle", "client-better", "zipf-better"):
        claim = f"bandit, {scenario}: wrong winners in three days, of looks every five minutes"
        find = partial(_named, scenario, 5)
        yield Target(f"bandit-{scenario}", claim, Bandit(), find, _wrong, 5, hours=72, look=5)


def _splits() -> Iterator[Target]:
    for scenario in ("split-53", "split-60"):
        claim = f"A/B, {scenario}: mismatch found within 10,000 requests"
        find, measure = partial(_named, scenario, 5), partial(_mismatch, requests=10_000)
        yield Target(scenario, claim, _RECORDS, find, measure, 99, least=True, hours=1)
    claim = "A/B, identical: mismatch found where there is none, in 24 hours"
    find, measure = partial(_named, "identical", 50), partial(_mismatch, requests=_ANY)
    yield Target("split-50", claim, _RECORDS, find, measure, 1)


def _rolled_back(named: Named, runs: Sequence[Run], options: Options) -> float:
    del named, options
    return _percent([run.record.phase is Phase.ROLLED_BACK for run in runs])


def _within(named: Named, runs: Sequence[Run], options: Options, *, minutes: float) -> float:
    del named, options
    return _percent([run.record.phase is Phase.ROLLED_BACK and run.minutes <= minutes for run in runs])


def _median_minutes(named: Named, runs: Sequence[Run], options: Options) -> float:
    found = _figures(named, runs, options).median_minutes
    return math.inf if found is None else found


def _harmed(named: Named, runs: Sequence[Run], options: Options) -> float:
    del named, options
    return 1000 * sum(run.harmed for run in runs) / sum(run.total for run in runs)


def _failures(named: Named, runs: Sequence[Run], options: Options) -> float:
    del named, options
    return float(np.quantile([run.harmed for run in runs], 0.99, method="inverted_cdf"))


def _promoted(named: Named, runs: Sequence[Run], options: Options) -> float:
    del named, options
    return _percent([run.record.phase is Phase.PROMOTED for run in runs])


def _covered(named: Named, runs: Sequence[Run], options: Options) -> float:
    covered = _experiment(named, runs, options).covered
    return 0.0 if covered is None else 100 * covered


def _wrong(named: Named, runs: Sequence[Run], options: Options) -> float:
    return 100 * _experiment(named, runs, options).wrong


def _right(named: Named, runs: Sequence[Run], options: Options) -> float:
    return 100 * _experiment(named, runs, options).right


def _mismatch(named: Named, runs: Sequence[Run], options: Options, *, requests: float) -> float:
    del named, options
    return _percent([_mismatch_after(run) <= requests for run in runs])


def _mismatch_after(run: Run) -> float:
    """The requests that were counted when the mismatch was found; infinite if it was not."""
    traffic = run.record.traffic
    if traffic is None or run.verdict is None or "not shared as intended" not in run.verdict.sentence:
        return math.inf
    return float(traffic.share_counts.seen.sum())


def _figures(named: Named, runs: Sequence[Run], options: Options) -> AnyFigures:
    return figures_of(named, runs, options)


def _experiment(named: Named, runs: Sequence[Run], options: Options) -> ExperimentFigures:
    found = figures_of(named, runs, options)
    if not isinstance(found, ExperimentFigures):
        raise TypeError(f"{options.strategy} is no experiment")
    return found


def _percent(flags: Sequence[bool]) -> float:
    return 100 * float(np.mean(flags))
