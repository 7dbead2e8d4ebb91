"""Profiles: seconds and memory for a wide Parquet file and for an hour of captures, and what monitoring costs.

``python -m benchmarks.profiles`` (``--rows``, ``--columns``, ``--captures``, ``--json``). Each figure is of a process
of its own: seconds of counting by the wall and of processors, and the peak resident set above that of the imports. A
file is counted twice, with half of the rows and with all of them: memory must not grow with them.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from slipway.models.manifest import Manifest
from slipway.models.measurements.baseline import measure_baseline
from slipway.models.package import Package, load_package

HOUR = datetime(2026, 11, 21, 12, tzinfo=UTC)
CAPTURED = Path("models/flight-delay/2")
_BATCH = 100_000
_FILES_AN_HOUR = 3600
"""Assumed: at 100 captures a second, the function `capture` stores a file each second."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--captures", type=int, default=360_000, help="of an hour: 1,000 requests/s, 10 %% captured")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("WHAT", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child[0]](Path(options.child[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measured(Path(folder), options))
    if options.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(
            f"{row['what']:<44} {row['seconds']:6.2f} s, {row['cpu_seconds']:6.2f} s of processors, {row['mb']:5.0f} MB"
        )
    for line in bill(rows[-1]["cpu_seconds"] / options.captures):
        print(line)


def measured(folder: Path, options: argparse.Namespace) -> Any:
    """Each case, made and measured."""
    for rows in (options.rows // 2, options.rows):
        path = folder / f"{rows}.parquet"
        write_table(path, rows, options.columns)
        yield {"what": f"Parquet, {rows:,} rows × {options.columns} floats", **child("file", path)}
        path.unlink()
    write_captures(folder / "bucket", options.captures)
    yield {"what": f"an hour of {options.captures:,} captures", **child("hour", folder / "bucket")}


def write_table(path: Path, rows: int, columns: int) -> None:
    """Normally distributed floats, in row groups of a million rows."""
    random = np.random.default_rng(0)
    schema = pa.schema([(f"x{number}", pa.float64()) for number in range(columns)])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, _BATCH):
            count = min(_BATCH, rows - start)
            writer.write_table(pa.table({name: random.normal(size=count) for name in schema.names}))


def write_captures(folder: Path, count: int) -> None:
    """Files of an hour of captures of `CAPTURED`, as the function `capture` stores them."""
    from slipway.monitoring.captures.parsing import Capture

    package = load_package(CAPTURED)
    examples = [{"departure": 600 + number, "arrival": 700 + number} for number in range(60)]
    known: dict[str, Any] = {
        field.name: field.allowed[0] if field.allowed else 1.0 for field in package.manifest.inputs
    }
    known |= {"carrier": "UA", "destination": "IAH"}
    name, version = package.manifest.name, package.manifest.version
    a_file = -(-count // _FILES_AN_HOUR)
    for file, start in enumerate(range(0, count, a_file)):
        at = HOUR + timedelta(seconds=file)
        lines = [
            Capture(
                id=f"{name}.{version}.{int(at.timestamp()):08x}{number:016x}",
                model=name,
                version=version,
                time=int(at.timestamp() * 1000),
                request="1-67891233-abcdef012345678912345678",
                inputs={**known, **examples[number % 60]},
                outputs={"label": "late", "score": 0.7, "scores": {"late": 0.7, "on time": 0.3}},
            ).model_dump_json(exclude={"kept"})
            for number in range(start, min(start + a_file, count))
        ]
        place = folder / f"captures/model={name}/date=2026-11-21/hour=12"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{file:032x}.jsonl.gz").write_bytes(gzip.compress("".join(f"{x}\n" for x in lines).encode()))


def child(what: str, path: Path) -> dict[str, float]:
    """Run a measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.profiles", "--child", what, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def count_file(path: Path) -> dict[str, float]:
    """Count a file into bins that a baseline of 2,000 rows has."""
    from slipway.monitoring.profiles.tables import profile_file

    names = pq.read_schema(path).names
    package = wide_package(names)
    return timed(lambda: profile_file(path, package).profile.records)


def wide_package(names: list[str]) -> Package:
    """A regression of floats, of which only the manifest and the baseline are there."""
    files = ("model.onnx", "baseline.json", "README.md")
    manifest = Manifest.model_validate(
        {
            "format": 1,
            "name": "wide",
            "version": 1,
            "task": "tabular-regression",
            "description": "A benchmark.",
            "inputs": [{"name": name, "type": "float"} for name in names],
            "outputs": {},
            "graph": {"file": "model.onnx", "inputs": ["x"], "outputs": ["y"]},
            "files": [{"path": path, "bytes": 0, "sha256": "0" * 64} for path in files],
            "training": {"command": "benchmarks.profiles"},
            "quality": [{"metric": "r2", "value": 0.0, "data": "none"}],
        }
    )
    random = np.random.default_rng(1)
    records = [dict(zip(names, map(float, row), strict=True)) for row in random.normal(size=(2000, len(names)))]
    package = Package(Path(), manifest)
    package.__dict__["baseline"] = measure_baseline(manifest, records, [{"value": 1.0}] * len(records))
    return package


def count_hour(folder: Path) -> dict[str, float]:
    """Bring the profiles of an hour up to date, with a folder in place of the bucket."""
    from benchmarks.folder_bucket import FolderBucket
    from slipway.monitoring.captures.reading import CaptureReader
    from slipway.monitoring.monitor import no_sums
    from slipway.monitoring.profiles.hours import HourMaker
    from slipway.monitoring.profiles.ledger import LedgerStore

    package = load_package(CAPTURED)
    bucket = FolderBucket(folder)
    reader = CaptureReader(bucket)
    maker = HourMaker(reader, LedgerStore(bucket), lambda _model, _version: package, minutes=60, sums=no_sums)
    name = package.manifest.name

    def run() -> int:
        update = maker.update(name, HOUR, reader.files(name, HOUR), closed=HOUR, has_time=lambda: True)
        return sum(profile.records for profile in update.profiles)

    return timed(run)


CHILDREN: dict[str, Callable[[Path], dict[str, float]]] = {"file": count_file, "hour": count_hour}


def timed(run: Callable[[], int]) -> dict[str, float]:
    """Seconds, and megabytes above those of the process before."""
    before, wall, cpu = _peak(), time.perf_counter(), time.process_time()
    records = run()
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    return {"records": records, "seconds": seconds, "cpu_seconds": cpu_seconds, "mb": _peak() - before}


def _peak() -> float:
    """Linux's own figure, since `getrusage` begins with that of the process that started this one."""
    (line,) = [line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1000


def bill(seconds_a_capture: float, *, a_second: float = 100.0) -> list[str]:
    """What a month of hourly monitoring of one model costs in us-east-1, at a rate of captures."""
    hours, late_runs = 730, 24
    captures, files = a_second * 3600 * hours, _FILES_AN_HOUR * hours
    lists = hours * late_runs * _FILES_AN_HOUR / 1000  # each run lists a day, a thousand keys at a time
    parts = {
        "function, by captures": captures * seconds_a_capture * 1.769 * 0.0000133334,
        "function, by runs": hours * 2.0 * 1.769 * 0.0000133334,
        "reading files": files * 0.0000004,
        "listing files": lists * 0.000005,
        "profiles, ledgers and state": hours * 6 * 0.000005,
        "metrics": 2 * 0.30,
        "alarm": 0.10,
    }
    lines = [f"  {name:<30} ${dollars:6.2f}" for name, dollars in parts.items()]
    return [f"a month at {a_second:g} captures/s:", *lines, f"  {'in all':<30} ${sum(parts.values()):6.2f}"]


if __name__ == "__main__":
    main()
