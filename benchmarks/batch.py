"""Score a large file by `slipway batch run`, beside the raw loop over ONNX sessions on the same processors.

``python -m benchmarks.batch`` repeats the flights of ``examples/`` with made-up weather until there are ``--rows``, and
compares wall and processor time of the job, reading and writing included, with those of sessions that get their tensors
ready made. It prints the largest memory of a worker after each tenth of the rows: it must not grow with them.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from slipway.batch.columns import checked_columns
from slipway.batch.local import LocalJob, Progress, run
from slipway.batch.scoring import TABLE_BATCH
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor

FLIGHTS = Path("examples/flights/flights.parquet")
GROUP_ROWS = 250_000
SEED = 2026


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of the processors."""

    wall: float
    processor: float


def main() -> None:
    """Write the rows, score them both ways, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, default=Path("models/flight-delay/2"))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    package = load_package(options.package)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.parquet"
        write_rows(source, package, options.rows)
        print(f"{options.rows:,} rows, {source.stat().st_size / 1e6:.0f} MB of Parquet, {options.workers} workers")
        loop = raw_loop(package, source, options.rows, options.workers)
        peaks = Peaks(options.rows)
        job = spent(
            lambda: run(LocalJob(options.package, source, Path(folder) / "out", workers=options.workers), peaks.watch)
        )
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    report("raw session loop", loop, options.rows)
    report("slipway batch run", job, options.rows)
    print(
        f"of the loop's speed: {loop.wall / job.wall:.2f}; of its processor time: {loop.processor / job.processor:.2f}"
    )
    print(f"largest worker: {memory:.0f} MiB at the end; after each tenth: {peaks.text()}")


class Peaks:
    """The memory of the largest worker after each tenth of the rows."""

    def __init__(self, rows: int) -> None:
        self._step = rows / 10
        self._found: list[float] = []

    def watch(self, progress: Progress) -> None:
        if progress.done >= self._step * (len(self._found) + 1):
            self._found.append(_largest_child())

    def text(self) -> str:
        """The figures in MiB."""
        return ", ".join(f"{each:.0f}" for each in self._found)


def _largest_child() -> float:
    sizes = [0.0]
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            status = Path(f"/proc/{child}/status")
            if status.exists():
                found = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
                sizes += [float(each) / 1024 for each in found]
    return max(sizes)


def write_rows(path: Path, package: Package, rows: int) -> None:
    """Write flights with weather, in row groups as other tools write them."""
    flights, chance = pq.read_table(FLIGHTS).drop_columns(["time"]), np.random.default_rng(SEED)
    writer = None
    for first in range(0, rows, GROUP_ROWS):
        chosen = flights.take(pa.array(chance.integers(0, len(flights), min(GROUP_ROWS, rows - first))))
        for field in package.manifest.inputs:
            if field.name not in chosen.schema.names:
                values = np.round(chance.uniform(field.min or 0, field.max or 1, len(chosen)), 2)
                values[chance.random(len(chosen)) < 0.05] = np.nan
                chosen = chosen.append_column(field.name, pa.array(values, from_pandas=True))
        writer = writer or pq.ParquetWriter(path, chosen.schema)
        writer.write_table(chosen, row_group_size=GROUP_ROWS)
    if writer is not None:
        writer.close()


def raw_loop(package: Package, source: Path, rows: int, workers: int) -> Spent:
    """Run one session for each worker on tensors of one row group, over and over, as often as there are rows."""
    predictors = [Predictor(package) for _ in range(workers)]
    [batch] = pq.ParquetFile(source).read_row_group(0).combine_chunks().to_batches()
    checked = checked_columns(package.manifest, batch)
    assert checked is not None
    task = predictors[0].task
    tensors = [
        task.encode_columns(checked.rows(slice(first, first + TABLE_BATCH)))  # type: ignore[attr-defined]
        for first in range(0, batch.num_rows, TABLE_BATCH)
    ]
    turns = max(1, round(rows / workers / batch.num_rows))

    def loop(predictor: Predictor) -> None:
        for _ in range(turns):
            for each in tensors:
                predictor.session.run(None, each)

    def all_of_them() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(loop, predictors))

    found = spent(all_of_them)
    share = rows / (turns * workers * batch.num_rows)
    return Spent(found.wall * share, found.processor * share)


def spent(work: Callable[[], object]) -> Spent:
    """What some work takes, its processes included."""
    wall, before = time.perf_counter(), sum(_processor())
    work()
    return Spent(time.perf_counter() - wall, sum(_processor()) - before)


def _processor() -> Iterator[float]:
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        yield used.ru_utime + used.ru_stime


def report(name: str, found: Spent, rows: int) -> None:
    """Print rows a second, and the processor time of a row."""
    print(f"{name}: {rows / found.wall:,.0f} rows/s, {found.processor / rows * 1e6:.2f} us of processor a row")


if __name__ == "__main__":
    main()
