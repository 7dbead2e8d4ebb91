"""Drift of a Parquet file of 100 columns and a million rows: seconds and memory, with Evidently beside it.

Evidently and nannyml need pandas below 3, so they run in an environment of their own, which this makes with uv. They
are also referees: where they compute the same, effect sizes must be equal to 1e-6.

    python -m benchmarks.drift_speed [--rows 1000000] [--columns 100] [--evidently-columns 5] [--folder /tmp/drift]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from slipway.config import FeatureType
from slipway.models.manifest import InputField
from slipway.models.measurements.baseline import Baseline, Numbers, OutputSummary, numbers
from slipway.models.package import Package, load_package
from slipway.monitoring.drift.effects import js_distance, stability_index
from slipway.monitoring.drift.findings import compare_counts
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.tables import profile_file

REFEREES = Path(__file__).with_name("drift_referees.py")
NEEDED = ("evidently==0.7.23", "nannyml==0.13.1", "pandas<3", "pyarrow")
BASELINE = 20_000
BATCH = 100_000
CORES = 2


def main() -> None:
    """Print the table, and whether the referees agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--evidently-columns", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "slipway-drift")
    parser.add_argument("--measure", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if given.measure is not None:
        print(json.dumps(measured(given.measure, given.columns)))
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    python = environment(given.folder / "venv")
    print("| | columns × rows | seconds | processor seconds | memory, MB |\n| --- | --- | --- | --- | --- |")
    for rows in (given.rows // 4, given.rows):
        path = write(given.folder / f"{rows}.parquet", rows, given.columns)
        show("slipway", given.columns, rows, ours(path, given.columns))
    reference = write(given.folder / "reference.parquet", BASELINE, given.columns)
    shown = given.evidently_columns
    show("Evidently 0.7.23", shown, given.rows, run(python, "speed", str(reference), str(path), str(shown)))
    print()
    agree(python, given.folder)


def write(path: Path, rows: int, columns: int) -> Path:
    """Write a file of normal deviates, the same for the same name."""
    rng, names = np.random.default_rng(rows), [f"c{number}" for number in range(columns)]
    if path.exists():
        return path
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in names])) as writer:
        for start in range(0, rows, BATCH):
            size = min(BATCH, rows - start)
            writer.write_table(pa.table({name: rng.normal(0.1, 1, size) for name in names}))
    return path


def ours(path: Path, columns: int) -> dict[str, float]:
    """Measure in a process of its own, whose memory is only this."""
    command = [sys.executable, "-m", "benchmarks.drift_speed", "--measure", str(path), "--columns", str(columns)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(path: Path, columns: int) -> dict[str, float]:
    """The time and memory of the profile of a file and its effect sizes."""
    package = wide_package(columns)
    started, used = time.perf_counter(), time.process_time()
    profile = profile_file(path, package).profile
    found = compare_counts(bins_of(package.manifest, package.baseline), profile.counts)
    assert len(found) == columns
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - used,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def wide_package(columns: int) -> Package:
    """A shipped package with other inputs and a baseline of normal deviates."""
    package, rng = load_package(Path("models/breast-cancer/1")), np.random.default_rng(0)
    names = [f"c{number}" for number in range(columns)]
    summary: Numbers = numbers(rng.normal(size=BASELINE).tolist())
    inputs = tuple(InputField(name=name, type=FeatureType.FLOAT) for name in names)
    made = Package(package.folder, package.manifest.model_copy(update={"inputs": inputs}))
    baseline = Baseline(records=BASELINE, inputs=dict.fromkeys(names, summary), outputs=OutputSummary())
    made.__dict__["baseline"] = baseline  # it is read once and kept there
    return made


def environment(folder: Path) -> Path:
    """The interpreter of an environment with the referees."""
    python = folder / "bin" / "python"
    if not python.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--python", "3.11", str(folder)], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", str(python), *NEEDED], check=True)
    return python


def run(python: Path, *words: str) -> dict[str, float]:
    """What the referees' script prints."""
    done = subprocess.run([str(python), str(REFEREES), *words], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(name: str, columns: int, rows: int, found: dict[str, float]) -> None:
    """Print a row."""
    figures = f"{found['seconds']:.1f} | {found['cpu']:.1f} | {found['mb']:,.0f}"
    print(f"| {name} | {columns} × {rows:,} | {figures} |", flush=True)


def agree(python: Path, folder: Path) -> None:
    """Compare effect sizes of categories with those of the referees, and raise AssertionError if they differ."""
    from scipy.spatial.distance import jensenshannon

    rng, path = np.random.default_rng(0), folder / "categories.json"
    before, now = (rng.choice(list("abcdef"), p=shares, size=5000).tolist() for shares in _SHARES)
    path.write_text(json.dumps({"before": before, "now": now}), encoding="utf-8")
    theirs = run(python, "effects", str(path))
    counts = [np.array([values.count(name) for name in "abcdef"], dtype=float) for values in (before, now)]
    distance, index = float(js_distance(counts[1], counts[0])), float(stability_index(counts[1], counts[0]))
    print("| effect size | ours | referee | theirs |\n| --- | --- | --- | --- |")
    referees = (
        ("Jensen–Shannon distance", distance, "scipy", float(jensenshannon(counts[1], counts[0], base=2))),
        ("Jensen–Shannon distance", distance, "nannyml", theirs["nannyml"]),
        # Evidently takes the natural logarithm.
        ("the same, to base e", distance * np.log(2) ** 0.5, "Evidently", theirs["evidently_js"]),
        ("population stability index", index, "Evidently", theirs["evidently_psi"]),
    )
    for name, mine, referee, other in referees:
        print(f"| {name} | {mine:.9f} | {referee} | {other:.9f} |")
        assert abs(mine - other) < 1e-6, (name, referee)


_SHARES = ((0.3, 0.25, 0.2, 0.15, 0.1, 0.0), (0.2, 0.25, 0.25, 0.1, 0.0, 0.2))
"""One category goes, and another one comes."""

if __name__ == "__main__":
    main()
