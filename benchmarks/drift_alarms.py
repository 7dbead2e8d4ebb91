"""False alarms of drift in a year of traffic that does not drift, and the time until shifts are found.

Every run has a baseline of its own, and is looked at after every hour. Everything depends only on the seed and the
number of runs. The tables are in the form of docs/drift.md.

    python -m benchmarks.drift_alarms [--runs 200] [--seed 0] [--days 365] [--only quiet,power]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from slipway.config.drift import DriftConfig
from slipway.monitoring.drift.alarms import OF_BASELINE, column_weights, found_by_either, least_evidence
from slipway.monitoring.drift.effects import js_distance
from slipway.monitoring.drift.evidence import Evidence, Lines, start_weight
from slipway.monitoring.drift.lines import groups_of, lines_of
from slipway.statistics.betting import Array, upper_bound

CONFIG = DriftConfig()
COLUMNS = ("inputs.a", "inputs.b", "inputs.c", "inputs.d", "outputs.score", "outputs.label")
BINS, CELLS = 10, 13
BASELINE = 5000
HOURS = 24
CEILING = 12.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic that does not drift: `records` an hour on average, of columns that share a factor.

    ``client`` is the share of a client of whom all records of an hour are equal, and others in the next hour (or after
    ``client_hours``). ``cycle`` is how far the day moves all values, in standard deviations, ``day`` how far it moves
    the volume, and ``bursts`` the standard deviation of the logarithm of an hour's volume.
    """

    name: str
    records: float = 40
    client: float = 0.0
    client_hours: int = 1
    cycle: float = 0.0
    day: float = 0.0
    bursts: float = 0.0
    factor: float = 0.7

    def volume(self, rng: np.random.Generator, hour: int, runs: int) -> NDArray[np.int64]:
        """The number of records of an hour in each run."""
        mean = self.records * self._of_day(hour) * np.exp(rng.normal(-(self.bursts**2) / 2, self.bursts, runs))
        return rng.poisson(mean)

    def values(self, rng: np.random.Generator, moved: Array, clients: Array | None = None) -> Array:
        """Values of shape [records, 5]. ``clients`` has those of the client for each record, or there is no client."""
        common = self.factor * rng.normal(size=(len(moved), 1))
        found = common + np.sqrt(1 - self.factor**2) * rng.normal(size=(len(moved), len(COLUMNS) - 1))
        found += moved[:, None]
        if self.client and clients is not None:
            ours = rng.random(len(moved)) < self.client
            found[ours] = clients[ours]
        return found

    def moved(self, hour: Array | int) -> Array:
        """How far the hour of the day moves the values."""
        moved: Array = self.cycle * np.sin(2 * np.pi * np.asarray(hour, dtype=float) / HOURS)
        return moved

    def hours(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """The hours of the day of records that are drawn from the whole day."""
        chances = np.array([self._of_day(hour) for hour in range(HOURS)])
        return rng.choice(HOURS, size=size, p=chances / chances.sum())

    def _of_day(self, hour: int) -> float:
        return 1 + self.day * float(np.sin(2 * np.pi * (hour - 3) / HOURS))


QUIET = (
    Traffic("independent records"),
    Traffic("one record an hour", records=1),
    Traffic("a client of 30 %, another every hour", client=0.3),
    Traffic("daily cycle of values and volume", cycle=0.5, day=0.8),
    Traffic("bursts", bursts=1.5),
    Traffic("client, cycle and bursts", client=0.3, cycle=0.5, day=0.8, bursts=1.0),
    Traffic("the same, 400 an hour", records=400, client=0.3, cycle=0.5, day=0.8, bursts=1.0),
)


@dataclass(frozen=True, slots=True)
class Baselines:
    """The runs' baselines: edges of shape [runs, 5, bins - 1], and shares of shape [runs, cells] by column."""

    edges: Array
    shares: tuple[Array, ...]
    threshold: Array


def baselines(rng: np.random.Generator, traffic: Traffic, runs: int) -> Baselines:
    """Measure a baseline for each run, on independent records of the whole day."""
    edges, shares, threshold = np.zeros((runs, 5, BINS - 1)), np.zeros((runs, len(COLUMNS), CELLS)), np.zeros(runs)
    for run in range(runs):
        moved = traffic.moved(traffic.hours(rng, BASELINE))
        values = traffic.values(rng, moved, traffic.values(rng, traffic.moved(traffic.hours(rng, BASELINE))))
        edges[run] = np.quantile(values, np.arange(1, BINS) / BINS, axis=0).T
        threshold[run] = np.quantile(values[:, 0] + values[:, 1], 0.8)
        counted = _counts(np.zeros(BASELINE, dtype=int), values, edges[run : run + 1], threshold[run : run + 1], 1)
        for column, counts in enumerate(counted):
            shares[run, column] = counts[0] / BASELINE
    return Baselines(edges, tuple(shares[:, column] for column in range(len(COLUMNS))), threshold)


def _counts(run: NDArray[np.int64], values: Array, edges: Array, threshold: Array, runs: int) -> Iterator[Array]:
    """The counts of each column, of shape [runs, cells]."""
    for column in range(5):
        cells = 1 + (values[:, column, None] > edges[run, column]).sum(axis=1)
        yield np.bincount(run * CELLS + cells, minlength=runs * CELLS).reshape(runs, CELLS).astype(float)
    label = (values[:, 0] + values[:, 1] > threshold[run]).astype(int)
    yield np.bincount(run * CELLS + label, minlength=runs * CELLS).reshape(runs, CELLS).astype(float)


def asked(expected: tuple[Array, ...]) -> list[Lines]:
    """The lines of each column, by each run's baseline."""
    kinds = ["numbers"] * 5 + ["categories"]
    groups = [groups_of(kind, each[0]) for kind, each in zip(kinds, expected, strict=True)]
    error = OF_BASELINE * CONFIG.false_alarms / sum(len(each.weights) for each in groups)
    count = np.array(BASELINE)
    return [
        lines_of(each, shares, count, margin=CONFIG.margin, error=error)
        for each, shares in zip(groups, expected, strict=True)
    ]


@dataclass(slots=True)
class Found:
    """The hour of each run's first discovery by the test, and of its first alarm; infinite if there was none."""

    discovery: Array
    alarm: Array


def look(
    rng: np.random.Generator, traffic: Traffic, runs: int, *, days: int, shift: float = 0.0, since: int = 0
) -> Found:
    """Look at every hour of some days. From the hour ``since`` on, all values are higher by ``shift``."""
    base = baselines(rng, traffic, runs)
    lines, weights = asked(base.shares), column_weights(COLUMNS)
    evidence = [Evidence.of(each, (runs,)) for each in lines]
    alpha = (1 - OF_BASELINE) * CONFIG.false_alarms
    ceilings = least_evidence(weights, alpha) + CEILING
    window = np.zeros((HOURS, len(COLUMNS), runs, CELLS))
    found = Found(np.full(runs, np.inf), np.full(runs, np.inf))
    clients = np.zeros((runs, 5))
    for hour in range(days * HOURS):
        volume = traffic.volume(rng, hour, runs)
        run = np.repeat(np.arange(runs), volume)
        if hour % traffic.client_hours == 0:
            clients = traffic.values(rng, traffic.moved(traffic.hours(rng, runs)))
        moved = np.full(len(run), float(traffic.moved(hour)))
        values = traffic.values(rng, moved, clients[run]) + (shift if hour >= since else 0.0)
        for column, counts in enumerate(_counts(run, values, base.edges, base.threshold, runs)):
            window[hour % HOURS, column] = counts
            evidence[column] = evidence[column].after(counts, lines[column], start=start_weight(hour + 1, 365 * HOURS))
            if hour % HOURS == HOURS - 1:
                day = start_weight(hour // HOURS + 1, 365)
                evidence[column] = evidence[column].closed(lines[column], start=day, ceiling=float(ceilings[column]))
        values = np.stack([each.values(of) for each, of in zip(evidence, lines, strict=True)], axis=-2)
        drifted = found_by_either(values, weights, alpha)
        if drifted.any():
            effect = np.stack(
                [js_distance(counts, of) for counts, of in zip(window.sum(axis=0), base.shares, strict=True)], axis=-1
            )
            _note(found.alarm, (drifted & (effect >= CONFIG.effect)).any(axis=-1), hour + 1)
            _note(found.discovery, drifted.any(axis=-1), hour + 1)
    return found


def _note(first: Array, happens: NDArray[np.bool_], hour: int) -> None:
    first[happens & np.isinf(first)] = hour


def quiet(runs: int, seed: int, days: int) -> None:
    """Traffic that does not drift."""
    print(f"| {days} days of | runs | found by the test | alarms | at most, 95 % |\n| --- | --- | --- | --- | --- |")
    for traffic in QUIET:
        found = look(np.random.default_rng(seed), traffic, runs, days=days)
        alarms, tests = int(np.isfinite(found.alarm).sum()), int(np.isfinite(found.discovery).sum())
        most = float(upper_bound(np.array([float(runs)]), np.array([float(alarms)]), 0.05)[0])
        print(f"| {traffic.name} | {runs} | {tests} | {alarms} | {most:.2%} |", flush=True)


def power(runs: int, seed: int, days: int) -> None:
    """Shifts of all columns, from the first hour on and after the days."""
    print("| shift | traffic | from the start: days until an alarm, median / 90 % | after a while, median / 90 % |")
    print("| --- | --- | --- | --- |")
    for traffic in (QUIET[0], replace(QUIET[5], bursts=0.5)):
        for shift in (0.1, 0.2, 0.3, 0.5, 1.0, 2.0):
            at_start = look(np.random.default_rng(seed), traffic, runs, days=28, shift=shift)
            later = look(np.random.default_rng(seed), traffic, runs, days=days + 28, shift=shift, since=days * HOURS)
            print(
                f"| {shift:g} sd | {traffic.name} | {_days(at_start.alarm)} | {_days(later.alarm, days)} |", flush=True
            )


def _days(hours: Array, since: int = 0) -> str:
    """The median and the ninetieth hundredth, in days since the shift."""
    found = [float(np.quantile(hours, share, method="higher")) / HOURS - since for share in (0.5, 0.9)]
    return " / ".join(f"{each:.1f}" if np.isfinite(each) else "> 28" for each in found)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--only", default="quiet,power", help="names of tables, separated by commas")
    given = parser.parse_args()
    print(f"seed {given.seed}\n")
    if "quiet" in given.only:
        quiet(given.runs, given.seed, given.days)
        print()
    if "power" in given.only:
        power(given.runs // 4, given.seed, min(given.days, 60))


if __name__ == "__main__":
    main()
