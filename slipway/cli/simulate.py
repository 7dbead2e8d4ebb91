"""`slipway release simulate`: how often, how soon and at what cost the judge decides, on simulated traffic."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from slipway.cli.options import AsJson, ConfigFile
from slipway.config import load_config
from slipway.errors import InputError, NotFoundError
from slipway.models.advice.plot import check_format
from slipway.release_options import AllAtOnce, BlueGreen, Canary, Linear, ReleaseConfig, Strategy
from slipway.releases.plot import plot_rollbacks
from slipway.releases.scenarios import Figures, Named, figures, find_scenarios
from slipway.releases.simulation import Run, Scenario, Setting
from slipway.releases.simulation import simulate as simulate_runs
from slipway.releases.traffic import Behaviour, Traffic

_SIMULATED = (AllAtOnce, BlueGreen, Canary, Linear)


def simulate(
    scenario: Annotated[list[str] | None, typer.Argument(help="Scenarios by name. Default: all.")] = None,
    *,
    model: Annotated[str | None, typer.Option(help="Take `release` of this model. Default: the defaults.")] = None,
    strategy: Annotated[str, typer.Option(help="all-at-once, blue-green, canary or linear.")] = "canary",
    rps: Annotated[float, typer.Option(help="Requests a second to the model.", min=0.001, max=100_000)] = 100.0,
    daily: Annotated[float, typer.Option(help="Swing of the traffic over the day, 0 to 1.", min=0, max=1)] = 0.0,
    errors: Annotated[float | None, typer.Option(help="A candidate that fails this share.", min=0, max=1)] = None,
    slower: Annotated[
        float | None, typer.Option(help="A candidate that takes so many times as long.", min=0.01)
    ] = None,
    wrong: Annotated[float | None, typer.Option(help="A candidate that is wrong in this share.", min=0, max=1)] = None,
    runs: Annotated[int, typer.Option(help="Runs of each scenario.", min=1, max=100_000)] = 1000,
    hours: Annotated[float, typer.Option(help="The longest a run lasts.", min=0.1, max=168)] = 24.0,
    lag: Annotated[float, typer.Option(help="Minutes until a window's metrics can be read.", min=0, max=60)] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.", min=0)] = 0,
    plot: Annotated[Path | None, typer.Option(help="Write rollbacks over time to this PNG, SVG or PDF.")] = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Release good and bad candidates into simulated traffic, by the very decisions that real releases go by."""
    if plot is not None:
        check_format(plot)
    release = _release(model, config)
    options = release.options(_strategy(strategy))
    traffic = Traffic(rps=rps, daily=daily)
    named = _own(traffic, errors, slower, wrong) or find_scenarios(scenario or (), traffic)
    results: dict[str, Sequence[Run]] = {}
    found: list[Figures] = []
    for each in named:
        taken, judge = each.setting(options, release.judge)
        setting = Setting(taken, judge, runs=runs, hours=hours, lag_minutes=lag, seed=seed)
        results[each.scenario.name] = simulate_runs(each.scenario, setting)
        found.append(figures(each, results[each.scenario.name]))
    if plot is not None:
        plot_rollbacks(results, plot, title=f"{strategy}, {rps:g} requests a second, {runs:,} runs each")
    if as_json:
        typer.echo(json.dumps([each.document() for each in found]))
    else:
        Console().print(_table(found, f"{strategy}, {rps:g} requests a second, {runs:,} runs each, seed {seed}"))


def _release(model: str | None, config: Path) -> ReleaseConfig:
    if model is None:
        return ReleaseConfig()
    models = load_config(config).models
    if model not in models:
        raise NotFoundError("model", model, models)
    return models[model].release


def _strategy(name: str) -> Strategy:
    known: dict[str, Strategy] = {each().strategy: each().strategy for each in _SIMULATED}
    if name not in known:
        raise InputError.of("--strategy", f"{name!r} is none of {', '.join(known)}")
    return known[name]


def _own(traffic: Traffic, errors: float | None, slower: float | None, wrong: float | None) -> list[Named]:
    """The candidate that the options describe, if they describe one."""
    if errors is None and slower is None and wrong is None:
        return []
    same = Behaviour().slower(slower or 1.0)
    changed = replace(
        same, errors=same.errors if errors is None else errors, wrong=same.wrong if wrong is None else wrong
    )
    said = {"fails": errors, "times slower": slower, "wrong": wrong}
    what = ", ".join(f"{name} {value:g}" for name, value in said.items() if value is not None)
    return [Named(Scenario("yours", (changed,), traffic=traffic, harmful=True), what)]


def _table(found: Sequence[Figures], title: str) -> Table:
    table = Table("candidate", title=title, title_justify="left", caption_justify="left")
    for column in ("rolled back", "promoted", "inconclusive", "open", "minutes, median", "p99", "harmed of 1,000"):
        table.add_column(column, justify="right")
    table.caption = (
        "minutes: from the candidate's first traffic to the rollback; harmed: failed by the candidate, in 1,000 "
        "requests to the model"
    )
    for each in found:
        shares = (each.rolled_back, each.promoted, each.inconclusive, each.unfinished)
        minutes = ("" if value is None else f"{value:,.0f}" for value in (each.median_minutes, each.p99_minutes))
        cells = (*(f"{100 * share:.1f} %" for share in shares), *minutes, f"{each.harmed_per_1000:.2f}")
        table.add_row(f"{each.name}: {each.what}", *cells)
    return table
