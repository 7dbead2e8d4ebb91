"""Point-in-time joins of ten million rows: `slipway features history` beside pyarrow's `join_asof` and DuckDB's ASOF.

Each runs in a process of its own, reads the same Parquet files and writes Parquet. Seconds are processor time, since
machines are shared, with wall time beside. DuckDB needs an environment that has it: `--duckdb PYTHON`.

    python -m benchmarks.history [--rows 10000000] [--changes 10000000] [--entities 1000000] [--duckdb PYTHON]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.arrow import FEATURES, history_schema
from slipway.features.history.files import HistoryFolder
from slipway.features.history.output import open_output
from slipway.features.history.training import Joined, Wanted, join_features

BEGIN = 1_700_000_000_000
SPAN = 400 * 86_400_000
FLOATS = ("clicks", "spend", "visits")
CONFIG = FeatureGroupConfig(entity="user", features={name: FeatureConfig(type=FeatureType.FLOAT) for name in FLOATS})
DUCKDB = """
import duckdb
duckdb.sql("SET memory_limit='6GB'; SET preserve_insertion_order=false")
duckdb.sql('''COPY (
  SELECT p.*, h.features.clicks, h.features.spend, h.features.visits
  FROM 'points.parquet' p ASOF LEFT JOIN 'history/group=g/parquet/*/*.parquet' h
  ON p.user = h.id AND p.time >= make_timestamptz(h.written_at * 1000)
) TO 'duckdb.parquet' (FORMAT PARQUET)''')
"""


def ids_of(numbers: np.ndarray, entities: int) -> pa.Array:
    names = pa.array([f"u{number}" for number in range(entities)])
    return names.take(pa.array(numbers))


def make_files(folder: Path, rows: int, changes: int, entities: int) -> None:
    """A history in ten files, and the points at which features are wanted."""
    draw = np.random.default_rng(1)
    schema = history_schema(CONFIG.features)
    for day in range(10):
        count = changes // 10
        written = BEGIN + draw.integers(0, SPAN, count)
        values = pa.StructArray.from_arrays([pa.array(draw.random(count)) for _ in FLOATS], names=list(FLOATS))
        table = pa.table(
            {
                "entity": pa.array(["user"]).take(pa.array(np.zeros(count, int))),
                "id": ids_of(draw.integers(0, entities, count), entities),
                "change": pa.array(["write"]).take(pa.array(np.zeros(count, int))),
                "sequence": pa.array([f"{number:040}" for number in range(day * count, (day + 1) * count)]),
                "written_at": written,
                "event_time": written - 100,
                "expires_at": pa.nulls(count, pa.int64()),
                FEATURES: values,
            }
        ).select(schema.names)
        file = folder / f"history/group=g/parquet/date=2026-01-{day + 10}/rows.parquet"
        file.parent.mkdir(parents=True)
        parquet.write_table(table, file, compression="zstd")
    times = pa.array(BEGIN + draw.integers(0, SPAN, rows)).cast(pa.timestamp("ms", "UTC"))
    points = pa.table({"user": ids_of(draw.integers(0, entities, rows), entities), "time": times})
    parquet.write_table(points, folder / "points.parquet")


def join_own(folder: Path) -> None:
    definitions, files = FeatureDefinitions({"g": CONFIG}), HistoryFolder(folder)
    with open_output(folder / "slipway.parquet") as output:
        for table in join_features(folder / "points.parquet", files, definitions, Wanted(("g",)), Joined()):
            output.write(table)


def join_by_pyarrow(folder: Path) -> None:
    points = parquet.read_table(folder / "points.parquet")
    points = points.append_column("row", pa.array(np.arange(points.num_rows)))
    history = parquet.read_table(folder / "history", partitioning=None).flatten()
    history = history.rename_columns([name.removeprefix("features.") for name in history.column_names])
    right = history.select(["id", "written_at", *FLOATS]).sort_by("written_at")
    left = points.set_column(1, "time", points["time"].cast(pa.int64())).sort_by("time")
    found = left.join_asof(right, "time", "user", -SPAN, right_on="written_at", right_by="id")
    parquet.write_table(found.sort_by("row"), folder / "pyarrow.parquet")


def measured(command: list[str], folder: Path) -> dict[str, float]:
    """Seconds and the peak memory of a process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{' '.join(command[:3])}: {status}")
    seconds = usage.ru_utime + usage.ru_stime
    return {"cpu": seconds, "wall": time.perf_counter() - begun, "gb": usage.ru_maxrss / 1e6}


def same(folder: Path, other: str) -> float:
    """The share of rows for which two results agree."""
    tables = [parquet.read_table(folder / f"{name}.parquet") for name in ("slipway", other)]
    if other == "duckdb":
        tables = [table.sort_by([("user", "ascending"), ("time", "ascending")]) for table in tables]
    one, two = (np.nan_to_num(table["clicks"].to_numpy(), nan=-1.0) for table in tables)
    return float(np.mean(one == two))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, default in (("rows", 10**7), ("changes", 10**7), ("entities", 10**6)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--duckdb", help="the Python of an environment with duckdb")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        {"slipway": join_own, "pyarrow": join_by_pyarrow}[given.only](Path.cwd())
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_files(folder, given.rows, given.changes, given.entities)
        size = f"{given.rows:,} rows, {given.changes:,} changes of {given.entities:,} entities"
        print(f"{size}; load average {os.getloadavg()[0]:.1f}")
        commands = {
            name: [sys.executable, "-m", "benchmarks.history", "--only", name] for name in ("slipway", "pyarrow")
        }
        if given.duckdb:
            commands["duckdb"] = [given.duckdb, "-c", DUCKDB]
        for name, command in commands.items():
            figures = measured(command, folder)
            agreed = "" if name == "slipway" else f", {same(folder, name):.4%} of the rows as slipway's"
            used = f"{figures['cpu']:6.1f} s of processors, {figures['wall']:6.1f} s, {figures['gb']:.2f} GB"
            print(f"{name:8} {used}{agreed}", flush=True)


if __name__ == "__main__":
    main()
