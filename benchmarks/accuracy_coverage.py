"""How often the intervals of accuracy cover, in simulations: the part `coverage` of benchmarks/accuracy.py."""

import argparse

import numpy as np

from slipway.models.measurements.calibration import Array
from slipway.monitoring.accuracy.correction import Drawn, Population, corrected_accuracy
from slipway.monitoring.accuracy.drawing import weight_of
from slipway.statistics.intervals import clustered_interval, share_interval


def coverage(given: argparse.Namespace) -> None:
    """How often the 95 % intervals cover, with labels that are bunched, clustered and selectively late."""
    rng = np.random.default_rng(given.seed)
    print("| interval | labels | covered |")
    print("| --- | --- | --- |")
    for name, sd in (("hours alike", 0.0), ("hours that differ by 0.1", 0.1)):
        for any_time in (False, True):
            found = np.mean([_covers_hours(rng, sd, any_time=any_time) for _ in range(given.runs)])
            print(f"| by hours, {'any time' if any_time else 'one look'} | {name}, bunched | {found:.1%} |")
    alone = np.mean([_covers_records(rng, 0.1) for _ in range(given.runs)])
    print(f"| by records, any time | hours that differ by 0.1, bunched | {alone:.1%} |")
    for shift in (0.0, 0.15):
        found = np.mean([_covers_drawn(rng, shift) for _ in range(given.runs)], axis=0)
        print(f"| corrected, one look | 100 drawn; scores {shift:.2f} too high | {found[0]:.1%} |")
        print(f"| corrected, any time | the same, looked at ten times | {found[1]:.1%} |")
    late = np.mean([_covers_late(rng) for _ in range(given.runs)], axis=0)
    print(f"| corrected, one look | wrong answers complained of early, 100 drawn later | {late[0]:.1%} |")
    print(f"| by records, any time, of the complaints themselves | the same | {late[1]:.1%} |")


def _hours(rng: np.random.Generator, sd: float, hours: int = 60) -> tuple[Array, Array]:
    """Right answers and labels by hour; a few hours have most labels."""
    counts = np.maximum(rng.geometric(0.02, hours), 1).astype(float)
    rates = np.clip(0.8 + sd * rng.standard_normal(hours), 0, 1)
    return rng.binomial(counts.astype(int), rates).astype(float), counts


def _covers_hours(rng: np.random.Generator, sd: float, *, any_time: bool) -> bool:
    totals, counts = _hours(rng, sd)
    truth = (
        0.8 if sd == 0 else float(np.clip(0.8 + sd * np.random.default_rng(9).standard_normal(100_000), 0, 1).mean())
    )
    looks = range(10, 61, 5) if any_time else (60,)
    found = (clustered_interval(totals[:n], counts[:n], 0.05, any_time=any_time) for n in looks)
    return all(each.low <= truth <= each.high for each in found)


def _covers_records(rng: np.random.Generator, sd: float) -> bool:
    totals, counts = _hours(rng, sd)
    found = share_interval(float(totals.sum()), float(counts.sum()), 0.05)
    return found.low <= 0.8 <= found.high


def _covers_drawn(rng: np.random.Generator, shift: float, n: int = 4000) -> tuple[bool, bool]:
    p = rng.beta(6, 2, n)
    right = (rng.random(n) < np.clip(p - shift, 0, 1)).astype(float)
    drawn, population, truth = _draw(rng, p, right, 100), Population(n, p.mean(), p.var()), right.mean()
    once = corrected_accuracy(drawn, population).once
    looks = [Drawn(drawn.right[:at], drawn.expected[:at], drawn.probability[:at]) for at in range(10, 101, 10)]
    any_time = [corrected_accuracy(each, population).any_time for each in looks]
    return once.low <= truth <= once.high, all(each.low <= truth <= each.high for each in any_time)


def _covers_late(rng: np.random.Generator, n: int = 4000) -> tuple[bool, bool]:
    """Half of the wrong answers are complained of at once; drawn labels come later, and count alone."""
    p = rng.beta(6, 2, n)
    right = (rng.random(n) < p).astype(float)
    drawn = corrected_accuracy(_draw(rng, p, right, 100), Population(n, p.mean(), p.var())).once
    told = (right == 0) & (rng.random(n) < 0.5) | (rng.random(n) < 0.05)
    naive = share_interval(float(right[told].sum()), float(told.sum()), 0.05)
    truth = right.mean()
    return drawn.low <= truth <= drawn.high, naive.low <= truth <= naive.high


def _draw(rng: np.random.Generator, p: Array, right: Array, number: int) -> Drawn:
    weights = np.array([weight_of(each) for each in p])
    places = rng.random(len(p)) / weights
    order = np.argsort(places)
    limit, kept = places[order[number]], order[:number]
    rng.shuffle(kept)
    return Drawn(right[kept], p[kept], np.minimum(1, weights[kept] * limit))
