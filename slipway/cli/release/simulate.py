"""`slipway release simulate`: how often, how soon and at what cost releases are decided on simulated traffic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.options import AsJson, Changes, ConfigFile, named_changes, print_json
from slipway.cli.project import load_project
from slipway.cli.release.simulation_report import figures_report
from slipway.config.releases.options import AbTest, Bandit, Interleave, JudgeConfig, Options, ReleaseConfig, Shadow
from slipway.errors import InputError, NotFoundError
from slipway.models.advice.plot import check_format
from slipway.releases.record.request import chosen_of
from slipway.releases.simulation.catalogue import find_scenarios
from slipway.releases.simulation.experiment_scenarios import best_of, stable_of
from slipway.releases.simulation.figures import figures_of
from slipway.releases.simulation.plot import plot_decisions
from slipway.releases.simulation.runs import Run, Setting
from slipway.releases.simulation.runs import simulate as simulate_runs
from slipway.releases.simulation.scenarios import Named, Scenario, longest_hours
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Traffic

_MANY_RUNS, _SOME_RUNS = 1000, 200
_BUSY, _QUIET = 100.0, 5.0


def simulate(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="Names of scenarios; an unknown name lists them. Default: all.")
    ] = None,
    *,
    model: Annotated[
        str | None, typer.Option(help="Model whose `release` options to use. Default: the built-in defaults.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="Strategy. Default: the model's, else canary.")] = None,
    option: Changes = None,
    arms: Annotated[int, typer.Option(help="Number of versions in an A/B test or a bandit.", min=2, max=10)] = 2,
    rps: Annotated[
        float | None, typer.Option(help="Requests per second. Default: 100; 5 for experiments.", min=0.001, max=100_000)
    ] = None,
    daily: Annotated[float, typer.Option(help="Daily swing of the traffic, 0 to 1.", min=0, max=1)] = 0.0,
    errors: Annotated[
        float | None, typer.Option(help="Simulate a candidate that fails this share of requests.", min=0, max=1)
    ] = None,
    slower: Annotated[
        float | None, typer.Option(help="Simulate a candidate that takes this many times as long.", min=0.01)
    ] = None,
    wrong: Annotated[
        float | None, typer.Option(help="Simulate a candidate that is wrong in this share of records.", min=0, max=1)
    ] = None,
    stable_errors: Annotated[
        float | None,
        typer.Option(help="Share of requests that the stable version fails. Default: 0.001.", min=0, max=1),
    ] = None,
    stable_p50: Annotated[
        float | None, typer.Option(help="Median latency of the stable version in ms. Default: 20.", min=0.001)
    ] = None,
    stable_p99: Annotated[
        float | None, typer.Option(help="99th percentile of its latencies in ms. Default: 60.", min=0.001)
    ] = None,
    stable_wrong: Annotated[
        float | None, typer.Option(help="Share of records in which it is wrong. Default: 0.25.", min=0, max=1)
    ] = None,
    stable_reward: Annotated[float | None, typer.Option(help="Its mean reward. Default: 0.1.", min=0, max=1)] = None,
    reward: Annotated[
        float | None, typer.Option(help="Simulate a candidate with this mean reward.", min=0, max=1)
    ] = None,
    preferred: Annotated[
        float | None,
        typer.Option(help="Simulate a candidate that wins this share of untied impressions.", min=0, max=1),
    ] = None,
    late: Annotated[
        float | None, typer.Option(help="Mean delay of labels and rewards in minutes.", min=0, max=100_000)
    ] = None,
    runs: Annotated[
        int | None, typer.Option(help="Runs of each scenario. Default: 1000; 200 for experiments.", min=1, max=100_000)
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            help="Maximum length of a run in hours. Default: 24; for a bandit, after its cycle.", min=0.1, max=1000
        ),
    ] = None,
    lag: Annotated[float, typer.Option(help="Delay of metrics in minutes.", min=0, max=60)] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed; equal seeds give equal figures.", min=0)] = 0,
    plot: Annotated[Path | None, typer.Option(help="Write decisions over time to this PNG, SVG or PDF.")] = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Simulate releases of good and bad candidates, with the decision logic of real releases."""
    if plot is not None:
        check_format(plot)
    options, asked = chosen_of(_release(model, config), strategy, named_changes(option))
    judge = _without_proof_of_own(asked)
    experiment = isinstance(options, AbTest | Bandit | Interleave)
    traffic = _traffic(rps or (_QUIET if experiment else _BUSY), daily, late)
    described = {"errors": errors, "slower": slower, "wrong": wrong, "reward": reward, "preferred": preferred}
    own = {name: value for name, value in described.items() if value is not None}
    _check(options, own, scenario or [], arms)
    stable = _stable(
        options, errors=stable_errors, p50=stable_p50, p99=stable_p99, wrong=stable_wrong, reward=stable_reward
    )
    if own:
        named = [_own(own, options, traffic, stable, arms)]
    else:
        named = find_scenarios(scenario or [], options, traffic, stable=stable, arms=arms)
    count = runs or (_SOME_RUNS if experiment else _MANY_RUNS)
    hours = hours or longest_hours(options)
    results = _run(named, Setting(options, judge, runs=count, hours=hours, lag_minutes=lag, seed=seed))
    title = f"{options.strategy}, {traffic.rps:g} requests a second, {count:,} runs of up to {hours:g} h, seed {seed}"
    if plot is not None:
        plot_decisions(results, options, plot, title=title)
    found = [figures_of(each, results[each.scenario.name], options) for each in named]
    if as_json:
        print_json([{**each.document(), "seed": seed} for each in found])
    else:
        Console(highlight=False).print(figures_report(found, options, title=title, arms=arms))


def _without_proof_of_own(judge: JudgeConfig) -> JudgeConfig:
    """The judge with the user's own metrics unproven, since simulated traffic does not have them."""
    unproven = {name: metric.model_copy(update={"proven": False}) for name, metric in judge.metrics.items()}
    return judge.model_copy(update={"metrics": unproven})


def _check(options: Options, own: Mapping[str, float], scenarios: Sequence[str], arms: int) -> None:
    """Raise InputError for options that would have no effect."""
    if arms > 2 and not isinstance(options, AbTest | Bandit):
        raise InputError.of("--arms", f"{options.strategy} has one candidate; only A/B tests and bandits take more")
    if "preferred" in own and not isinstance(options, Interleave):
        raise InputError.of("--preferred", f"{options.strategy} has no impressions; use it with interleave")
    unseen = [name for name in ("wrong", "reward") if name in own]
    if unseen and isinstance(options, Shadow):
        raise InputError.of(
            f"--{unseen[0]}", "a shadow's answers are not shown to users, so they get no labels or rewards"
        )
    if own and scenarios:
        raise InputError.of("scenario", f"{scenarios[0]} and --{next(iter(own))} cannot be combined")


def _run(named: Sequence[Named], setting: Setting) -> dict[str, Sequence[Run]]:
    """Run each scenario and show the progress."""
    results: dict[str, Sequence[Run]] = {}
    with Console(stderr=True).status("") as status:
        for number, each in enumerate(named, start=1):
            status.update(f"{each.scenario.name}, scenario {number} of {len(named)}")
            options, judge = each.setting(setting.options, setting.judge)
            results[each.scenario.name] = simulate_runs(each.scenario, replace(setting, options=options, judge=judge))
    return results


def _release(model: str | None, config: Path) -> ReleaseConfig:
    if model is None:
        return ReleaseConfig()
    models = load_project(config).models
    if model not in models:
        raise NotFoundError("model", model, models)
    return models[model].release


def _traffic(rps: float, daily: float, late: float | None) -> Traffic:
    traffic = Traffic(rps=rps, daily=daily)
    return traffic if late is None else replace(traffic, feedback_minutes=late, reward_minutes=late)


def _stable(
    options: Options,
    *,
    errors: float | None,
    p50: float | None,
    p99: float | None,
    wrong: float | None,
    reward: float | None,
) -> Behaviour:
    """The stable version that the command line describes.

    Raises:
        InputError: the 99th percentile is below the median, or an A/B test's options say the mean already.
    """
    does = stable_of(options)
    twice = {"accuracy": wrong, "reward": reward}.get(options.metric) if isinstance(options, AbTest) else None
    if twice is not None:
        raise InputError.of("baseline", "an A/B test's baseline is the stable version's mean: use -o baseline=…")
    if p50 is not None:
        does = does.slower(p50 / does.p50_ms)
    found = replace(
        does,
        errors=does.errors if errors is None else errors,
        p99_ms=does.p99_ms if p99 is None else p99,
        wrong=does.wrong if wrong is None else wrong,
        reward=does.reward if reward is None else reward,
    )
    if found.p99_ms < found.p50_ms:
        raise InputError.of("--stable-p99", f"{found.p99_ms:g} ms is less than the median, {found.p50_ms:g} ms")
    return found


def _own(own: Mapping[str, float], options: Options, traffic: Traffic, stable: Behaviour, arms: int) -> Named:
    """The scenario of the candidate that the command line describes."""
    changed = replace(
        stable.slower(own.get("slower", 1.0)),
        errors=own.get("errors", stable.errors),
        wrong=own.get("wrong", stable.wrong),
        reward=own.get("reward", stable.reward),
        preferred=own.get("preferred", stable.preferred),
    )
    candidates = (changed, *(stable for _ in range(arms - 2)))
    what = ", ".join(f"{name} {value:g}" for name, value in own.items())
    scenario = Scenario("yours", candidates, stable=stable, traffic=traffic)
    return Named(scenario, what, best=best_of(options, stable, changed))
