"""The scenarios that `slipway release simulate` knows by name, and what came of their runs in figures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from slipway.errors import NotFoundError
from slipway.release_options import Canary, JudgeConfig, Options
from slipway.releases.judge import Outcome
from slipway.releases.phases import Phase
from slipway.releases.simulation import Run, Scenario
from slipway.releases.traffic import Behaviour, Traffic

_ALL_POSITIVE = {"negative": 0.0, "neutral": 0.0, "positive": 1.0}
_DAY = 1440.0


@dataclass(frozen=True, slots=True)
class Named:
    """A scenario with a sentence; ``all_day``: the candidate keeps its share for the day, to be looked at all along."""

    scenario: Scenario
    what: str
    all_day: bool = False

    def setting(self, options: Options, judge: JudgeConfig) -> tuple[Options, JudgeConfig]:
        """The options and the judge that the scenario runs with."""
        if not self.all_day or not isinstance(options, Canary):
            return options, judge
        longer = judge.model_copy(update={"deadline_minutes": 2 * _DAY})
        return options.model_copy(update={"bake_minutes": _DAY}), longer


def scenarios(traffic: Traffic) -> dict[str, Named]:
    """Every known scenario, in the given traffic."""
    same = Behaviour()
    known = (
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
        _bad("one-label", replace(same, labels=_ALL_POSITIVE), traffic, "answers everything with one label"),
        _bad(
            "wrong",
            replace(same, wrong=0.35),
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
    return {named.scenario.name: named for named in known}


def find_scenarios(names: Sequence[str], traffic: Traffic) -> list[Named]:
    """The named scenarios, all of them by default; raises NotFoundError."""
    known = scenarios(traffic)
    for name in names:
        if name not in known:
            raise NotFoundError("scenario", name, known)
    return [known[name] for name in names] if names else list(known.values())


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the runs of one scenario. Times are in minutes from the candidate's first traffic to the decision.

    ``harmed_per_1000`` counts the requests that the candidate failed in a thousand requests to the model, from the
    candidate's first traffic to the end of the run.
    """

    name: str
    what: str
    harmful: bool
    runs: int
    rolled_back: float
    promoted: float
    inconclusive: float
    unfinished: float
    median_minutes: float | None
    p99_minutes: float | None
    harmed_per_1000: float
    served_median: float

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        return asdict(self)


def figures(named: Named, runs: Sequence[Run]) -> Figures:
    """Sum the runs up. Reaching everything counts as promoted, since what follows is the bake."""
    ends = Counter(map(_end, runs))
    decided = sorted(run.minutes for run in runs if _end(run) == "rolled_back")
    total = sum(run.total for run in runs)
    served = sorted(run.served for run in runs)
    shares = {end: ends[end] / len(runs) for end in ("rolled_back", "promoted", "inconclusive", "unfinished")}
    return Figures(
        name=named.scenario.name,
        what=named.what,
        harmful=named.scenario.harmful,
        runs=len(runs),
        median_minutes=decided[len(decided) // 2] if decided else None,
        p99_minutes=decided[min(len(decided) - 1, int(0.99 * len(decided)))] if decided else None,
        harmed_per_1000=1000 * sum(run.harmed for run in runs) / total if total else 0.0,
        served_median=served[len(served) // 2],
        **shares,
    )


def _end(run: Run) -> str:
    if run.outcome is Outcome.INCONCLUSIVE:
        return "inconclusive"
    if run.record.phase in {Phase.BAKING, Phase.PROMOTED}:
        return "promoted"
    return "rolled_back" if run.record.phase is Phase.ROLLED_BACK else "unfinished"


def _bad(name: str, candidate: Behaviour, traffic: Traffic, what: str, *, day: bool = False) -> Named:
    return Named(Scenario(name, (candidate,), traffic=traffic, harmful=True), what, all_day=day)
