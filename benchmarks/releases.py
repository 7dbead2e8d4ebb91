"""Decisions of the judge on good and bad candidates beside the targets, results of experiments, cost of assignment.

The simulated figures depend only on the seed and the options; the time of an assignment depends on the machine. The
table is in the form of docs/judge.md.

    python -m benchmarks.releases [--runs 1000] [--seed 0] [--only errors,broken]
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b

import numpy as np

from slipway.cli.release.simulation_report import figure_cells
from slipway.config import parse_config
from slipway.config.releases import ReleaseConfig
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.release import Candidate, Release
from slipway.releases.routing.serving import Serving
from slipway.releases.simulation.catalogue import find_scenarios
from slipway.releases.simulation.figures import Figures, figures_of, release_figures
from slipway.releases.simulation.runs import Run, Setting, simulate
from slipway.releases.simulation.traffic.pattern import Traffic
from slipway.serving.prediction.live_releases import FRESH_SECONDS, LiveReleases
from tests.fakes.releases import MemoryReleaseStore

ROUNDS = 600
KEYS = 200


def main() -> None:
    """Print the tables, each figure with its target, and the cost of following a release while serving."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names of scenarios, separated by commas")
    arguments = parser.parse_args()
    release = ReleaseConfig()
    named = find_scenarios([name for name in arguments.only.split(",") if name], release.options(), Traffic())
    columns = ("rolled back", "promoted", "inconclusive", "open", "minutes, median / p99", "harmed of 1,000")
    print(f"| candidate | {' | '.join(columns)} |")
    print("| --- |" + " ---: |" * len(columns))
    runs: dict[str, list[Run]] = {}
    for each in named:
        options, judge = each.setting(release.options(), release.judge)
        runs[each.scenario.name] = simulate(
            each.scenario, Setting(options, judge, runs=arguments.runs, seed=arguments.seed)
        )
        print(_row(release_figures(each, runs[each.scenario.name])), flush=True)
    print()
    for line in _targets(runs):
        print(line)
    if not arguments.only:
        _experiments(arguments.runs // 5, arguments.seed)
        print()
    for line in _assignment():
        print(line)
    print(_reads())


def _row(found: Figures) -> str:
    shares = (found.rolled_back, found.promoted, found.inconclusive, found.unfinished)
    minutes = "–" if found.median_minutes is None else f"{found.median_minutes:,.0f} / {found.p99_minutes:,.0f}"
    cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
    return f"| {found.name}: {found.what} | {cells} | {minutes} | {found.harmed_per_1000:.2f} |"


def _targets(runs: dict[str, list[Run]]) -> list[str]:
    """The figures that have targets."""
    lines = []
    for name in ("identical", "daily-cycle"):
        if name in runs:
            share = np.mean([run.record.phase == "rolled-back" for run in runs[name]])
            lines.append(f"{name}: {100 * share:.2f} % rolled back in 24 hours (at most 1 %)")
    if "errors" in runs:
        # Evidence exists once the first window is over and its metrics have settled.
        within = np.mean([run.minutes - 2 <= 2 for run in runs["errors"]])
        shares = [run.harmed / run.total for run in runs["errors"]]
        mean = sum(run.harmed for run in runs["errors"]) / sum(run.total for run in runs["errors"])
        lines.append(f"errors: {100 * within:.1f} % rolled back within 2 minutes of the first evidence (99 %)")
        lines.append(
            f"errors: {100 * mean:.3f} % of all requests harmed until the rollback (under 0.3 %); p99 of the runs "
            f"{100 * np.quantile(shares, 0.99):.3f} %, the worst {100 * max(shares):.3f} %"
        )
    if "broken" in runs:
        first = np.mean([run.minutes <= 2 for run in runs["broken"]])
        harmed = max(1000 * run.harmed / run.total for run in runs["broken"])
        lines.append(f"broken: {100 * first:.1f} % rolled back at the first look (all)")
        lines.append(f"broken: {harmed:.1f} of 1,000 requests to the model harmed, the worst run (under 60)")
    return lines


def _experiments(runs: int, seed: int) -> None:
    """Print the experiments' tables."""
    for strategy in ("ab", "bandit", "interleave", "shadow"):
        options = ReleaseConfig().options(strategy)
        traffic = Traffic(rps=100.0 if strategy == "shadow" else 5.0)
        print(f"\n{strategy}, {traffic.rps:g} requests a second, {runs:,} runs of up to 24 hours")
        for each in find_scenarios([], options, traffic):
            found = figures_of(each, simulate(each.scenario, Setting(options, runs=runs, seed=seed)), options)
            print(f"| {found.name}: {found.what} | {' | '.join(figure_cells(found))} |", flush=True)


def _assignment() -> Iterator[str]:
    """Medians over short rounds in which all cases take turns, so that few rounds are interrupted by other work."""
    keys = [f"user-{number}" for number in range(KEYS)]
    salt = "model.1-2.20260101T000000"
    measured: dict[str, Callable[[str], object]] = {
        "the hash of a key alone": lambda key: blake2b(key.encode(), digest_size=8, key=salt.encode()).digest()
    }
    for versions in ((2,), (2, 3, 4, 5), (20, 40, 60, 80)):
        release = Release("m", 1, tuple(Candidate(version, 0.1) for version in versions), salt=salt)
        measured[f"assignment, version 1 and {', '.join(map(str, versions))}"] = partial(assign, release)
    rounds = [{name: _timed(once, keys) for name, once in measured.items()} for _ in range(ROUNDS)]
    taken = {name: statistics.median(each[name] for each in rounds) for name in measured}
    floor, *others = taken.items()
    yield f"{floor[0]}: {floor[1]:.2f} µs"
    for name, time_taken in others:
        yield f"{name}: {time_taken:.2f} µs a record, {time_taken / floor[1]:.1f} times that (under 5 µs)"
    yield f"{platform.machine()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _timed(once: Callable[[str], object], keys: Sequence[str]) -> float:
    """Microseconds per key."""
    started = time.perf_counter()
    for key in keys:
        once(key)
    return (time.perf_counter() - started) / len(keys) * 1e6


class _Counting(MemoryReleaseStore):
    """A release store that counts its reads."""

    reads = 0

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:
        self.reads += 1
        return super().serving(models, consistent=consistent)


def _reads() -> str:
    """How often serving reads the table during a minute of 100 requests per second."""
    store, now = _Counting(), [0.0]
    config = parse_config("models: {m: {versions: [1, 2], stable: 1}}")
    releases = LiveReleases(config, store, clock=lambda: now[0])
    for number in range(6000):
        now[0] = number / 100
        releases.of("m")
    return (
        f"reads of the table in a minute of 6,000 requests to one process: {store.reads}, and none while the copy is "
        f"younger than {FRESH_SECONDS:g} s (a rollback within 15 s)"
    )


if __name__ == "__main__":
    main()
