"""Summary figures of a scenario's runs; the strategy determines which ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from slipway.config.releases.options import AbTest, Bandit, Interleave, Options, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.phases import Phase
from slipway.releases.simulation.experiment_scenarios import gain_of
from slipway.releases.simulation.runs import Run
from slipway.releases.simulation.scenarios import STABLE, Named
from slipway.releases.statistics.judge import Outcome
from slipway.releases.strategies.ab_results import ab_results


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one scenario's runs. Times are minutes from the candidate's first traffic to the rollback.

    ``harmed_per_1000`` is the number of requests that the candidate failed per thousand requests to the model, from the
    candidate's first traffic to the end of the run.
    """

    name: str
    what: str
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


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """The results of shadow runs, as shares of all runs.

    ``undecided`` is neither worse nor within the margins, and ``unfinished`` has no report yet. Times are minutes until
    the candidate was first found worse in any metric. ``disagreement`` is the median over the runs.
    """

    name: str
    what: str
    runs: int
    worse: float
    within: float
    undecided: float
    unfinished: float
    median_minutes: float | None
    p99_minutes: float | None
    disagreement: float | None

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ExperimentFigures:
    """The results of an experiment's runs, as shares of all runs.

    ``right`` named the better version, ``wrong`` any other. Times are minutes from the first traffic to the end.
    ``outcomes`` is the median over the runs: per arm of an A/B test, over all arms of a bandit, and the impressions of
    an interleaving. ``lost_per_1000`` is the number of rewards that a bandit lost per thousand requests by not sending
    all of them to the best version, and ``lost_equal_per_1000`` the loss under equal shares. ``covered`` is the
    share of the runs of an A/B test that ended with intervals in which each holds the true difference.
    """

    name: str
    what: str
    runs: int
    right: float
    wrong: float
    no_winner: float
    rolled_back: float
    unfinished: float
    median_minutes: float | None
    p99_minutes: float | None
    outcomes: float
    lost_per_1000: float | None = None
    lost_equal_per_1000: float | None = None
    has_intervals: bool = False
    covered: float | None = None

    def document(self) -> dict[str, object]:
        """As plain JSON values."""
        return asdict(self)


AnyFigures = Figures | ShadowFigures | ExperimentFigures


def release_figures(named: Named, runs: Sequence[Run]) -> Figures:
    """Summarize the runs. A candidate that gets all traffic counts as promoted, since only the bake follows."""
    ends = Counter(map(_end, runs))
    median, p99 = _times([run.minutes for run in runs if _end(run) == "rolled_back"])
    total = sum(run.total for run in runs)
    return Figures(
        name=named.scenario.name,
        what=named.what,
        runs=len(runs),
        median_minutes=median,
        p99_minutes=p99,
        harmed_per_1000=1000 * sum(run.harmed for run in runs) / total if total else 0.0,
        served_median=_median([run.served for run in runs]),
        **{end: ends[end] / len(runs) for end in ("rolled_back", "promoted", "inconclusive", "unfinished")},
    )


def shadow_figures(named: Named, runs: Sequence[Run]) -> ShadowFigures:
    """Summarize the reports."""
    said = Counter(map(_report, runs))
    median, p99 = _times([run.suspected for run in runs if run.suspected is not None])
    differ = [
        finding.candidate_mean
        for run in runs
        if run.verdict
        for finding in run.verdict.findings
        if finding.row.metric == keys.AGREEMENT and finding.candidate_n
    ]
    return ShadowFigures(
        name=named.scenario.name,
        what=named.what,
        runs=len(runs),
        median_minutes=median,
        p99_minutes=p99,
        disagreement=_median(differ) if differ else None,
        **{each: said[each] / len(runs) for each in ("worse", "within", "undecided", "unfinished")},
    )


def experiment_figures(named: Named, runs: Sequence[Run], options: Options) -> ExperimentFigures:
    """Summarize the winners."""
    ends = Counter(_won(run, named.best) for run in runs)
    median, p99 = _times([run.minutes for run in runs if _won(run, named.best) != "unfinished"])
    lost = equal = None
    if isinstance(options, Bandit):
        lost, equal = _lost(named, runs)
    return ExperimentFigures(
        name=named.scenario.name,
        what=named.what,
        runs=len(runs),
        median_minutes=median,
        p99_minutes=p99,
        outcomes=_median([_outcomes(run, options) for run in runs]),
        lost_per_1000=lost,
        lost_equal_per_1000=equal,
        has_intervals=isinstance(options, AbTest),
        covered=_covered(named, runs, options) if isinstance(options, AbTest) else None,
        **{each: ends[each] / len(runs) for each in ("right", "wrong", "no_winner", "rolled_back", "unfinished")},
    )


def figures_of(named: Named, runs: Sequence[Run], options: Options) -> AnyFigures:
    """The figures for the strategy."""
    if isinstance(options, Shadow):
        return shadow_figures(named, runs)
    if hasattr(options, "promote_winner"):
        return experiment_figures(named, runs, options)
    return release_figures(named, runs)


def _end(run: Run) -> str:
    if run.outcome is Outcome.INCONCLUSIVE:
        return "inconclusive"
    if run.record.phase in {Phase.BAKING, Phase.PROMOTED}:
        return "promoted"
    return "rolled_back" if run.record.phase is Phase.ROLLED_BACK else "unfinished"


def _report(run: Run) -> str:
    if run.verdict is None:
        return "unfinished"
    if any(finding.worse for finding in run.verdict.findings):
        return "worse"
    proven = [finding.fine for finding in run.verdict.findings if finding.row.proven]
    return "within" if proven and all(proven) else "undecided"


def _won(run: Run, best: int | None) -> str:
    record = run.record
    if record.winner is not None:
        return "right" if record.winner == best else "wrong"
    return {Phase.ROLLED_BACK: "rolled_back", Phase.FINISHED: "no_winner"}.get(record.phase, "unfinished")


def _outcomes(run: Run, options: Options) -> float:
    record = run.record
    if isinstance(options, Interleave):
        return sum(record.total(version, key).n for version in record.candidates for key in (keys.PREFERRED, keys.TIES))
    if isinstance(options, Bandit):
        return sum(record.total(version, keys.REWARD).n for version in (record.stable, *record.candidates))
    return record.total(record.stable, getattr(options, "metric", keys.REWARD)).n


def _lost(named: Named, runs: Sequence[Run]) -> tuple[float, float]:
    scenario = named.scenario
    means = {STABLE: scenario.stable.reward}
    means |= {version: each.reward for version, each in zip(scenario.versions, scenario.candidates, strict=True)}
    best, total = max(means.values()), sum(run.total for run in runs) or 1.0
    lost = sum((best - means[version]) * n for run in runs for version, n in run.requests.items())
    return 1000 * lost / total, 1000 * (best - sum(means.values()) / len(means))


def _covered(named: Named, runs: Sequence[Run], options: AbTest) -> float | None:
    scenario = named.scenario
    truth = {
        version: gain_of(options, scenario.stable, does)
        for version, does in zip(scenario.versions, scenario.candidates, strict=True)
    }
    hits = []
    for run in runs:
        if run.record.phase is Phase.FINISHED:
            over = run.minutes >= options.max_minutes
            found = ab_results(run.record, options, run.record.candidates, over=over).arms
            known = [(each.interval, truth[each.version]) for each in found if each.interval is not None]
            hits += [all(interval.low <= true <= interval.high for interval, true in known)] if known else []
    return sum(hits) / len(hits) if hits else None


def _times(minutes: Sequence[float]) -> tuple[float | None, float | None]:
    """The median and the 99th percentile."""
    if not minutes:
        return None, None
    ordered = sorted(minutes)
    return ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
