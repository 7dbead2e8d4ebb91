"""Decisions of the judge on simulated traffic beside the targets, and the tables of docs/judge.md.

The figures depend only on the seed and the number of runs, which every line names.

    python -m benchmarks.releases [--only bursts@100,errors] [--runs 200] [--seed 0]
    python -m benchmarks.releases --quick
    python -m benchmarks.releases --tables [--only errors,broken]

``--only`` takes names or their beginnings. ``--quick`` only shows that all of it runs: 5 runs of half an hour at most.
"""

import argparse
import time
from collections.abc import Sequence

from benchmarks.binomial import share_interval
from benchmarks.release_targets import RATES, Target, targets
from slipway.cli.release.simulation_report import figure_cells
from slipway.config.releases.options import ReleaseConfig
from slipway.releases.simulation.catalogue import find_scenarios
from slipway.releases.simulation.figures import figures_of
from slipway.releases.simulation.runs import Setting, simulate
from slipway.releases.simulation.scenarios import longest_hours
from slipway.releases.simulation.traffic.pattern import Traffic

QUICK_RUNS, QUICK_HOURS = 5, 0.5
_TOO_BUSY = tuple(f"@{rps}" for rps in RATES[2:])


def main() -> None:
    """Print the targets with their figures, or the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names or beginnings of names, separated by commas")
    parser.add_argument("--quick", action="store_true", help="few short runs")
    parser.add_argument("--tables", action="store_true", help="the tables of docs/judge.md instead")
    arguments = parser.parse_args()
    only = tuple(name for name in arguments.only.split(",") if name)
    if arguments.tables:
        _tables(only, arguments.runs, arguments.seed)
        return
    chosen = [each for each in targets() if not only or _is_meant(each.name, only)]
    if arguments.quick:
        chosen = [each for each in chosen if not each.name.endswith(_TOO_BUSY)]
    print("| target | limit | figure | met | runs | seed | seconds | command |\n|" + " --- |" * 8)
    for target in chosen:
        runs = QUICK_RUNS if arguments.quick else arguments.runs
        print(_line(target, runs, arguments.seed, QUICK_HOURS if arguments.quick else None), flush=True)


def _is_meant(name: str, only: Sequence[str]) -> bool:
    """Whether a target is named, or its name begins as asked where no target has that name."""
    known = {each.name for each in targets()}
    return any(name == asked or (asked not in known and name.startswith(asked)) for asked in only)


def _line(target: Target, runs: int, seed: int, hours: float | None) -> str:
    started = time.monotonic()
    figure = target.figure(runs, seed, hours=hours)
    limit = f"{'at least' if target.least else 'at most'} {target.limit:g} {target.unit}".rstrip()
    met = "yes" if target.met(figure) else "**no**"
    command = f"`python -m benchmarks.releases --only {target.name} --runs {runs} --seed {seed}`"
    cells = (target.claim, limit, _shown(target, figure, runs), met, f"{runs:,}", str(seed))
    return f"| {' | '.join(cells)} | {time.monotonic() - started:.0f} | {command} |"


def _shown(target: Target, figure: float, runs: int) -> str:
    """The figure; a share of the runs has its interval of 95 % behind it."""
    shown = f"{figure:.3g} {target.unit}".rstrip()
    if target.unit != "%":
        return shown
    low, high = share_interval(round(figure / 100 * runs), runs)
    return f"{shown} ({100 * low:.2g} to {100 * high:.3g})"


def _tables(only: Sequence[str], runs: int, seed: int) -> None:
    """Print the tables of every strategy."""
    for strategy in ("canary", "shadow", "ab", "bandit", "interleave"):
        release = ReleaseConfig()
        options = release.options(strategy)
        experiment = strategy not in ("canary", "shadow")
        traffic = Traffic(rps=5.0 if experiment else 100.0)
        count = runs // 5 or 1 if strategy != "canary" else runs
        hours = longest_hours(options)
        print(f"\n{strategy}, {traffic.rps:g} requests a second, {count:,} runs of up to {hours:g} hours, seed {seed}")
        for named in find_scenarios([], options, traffic):
            if only and named.scenario.name not in only:
                continue
            chosen, judge = named.setting(options, release.judge)
            setting = Setting(chosen, judge, runs=count, hours=hours, seed=seed)
            found = figures_of(named, simulate(named.scenario, setting), chosen)
            print(f"| {found.name}: {found.what} | {' | '.join(figure_cells(found))} |", flush=True)


if __name__ == "__main__":
    main()
