"""Score large files by `slipway batch run`, beside the raw loop over ONNX sessions on the same processors.

``python -m benchmarks.batch --rows 1000000 10000000`` repeats the flights of ``examples/`` with made-up weather, or the
texts of a package's golden records, until there are as many rows. It compares the job's wall and processor time,
reading and writing included, with those of sessions that get their tensors ready made. Each job has its own process,
so its largest memory and that of its workers can be compared between the sizes: it must not grow with the rows. Last
it prints what a million rows cost in an account; `benchmarks.batch_cost` says what is assumed.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.batch_cost import Work, in_functions, in_tasks
from slipway.batch.columns import checked_columns
from slipway.batch.folders import OutputFolder
from slipway.batch.job import MANIFEST
from slipway.batch.local import LocalJob, Progress, run
from slipway.batch.scoring import Scorer
from slipway.config.heavy import HeavyConfig
from slipway.cost.prices import load_prices
from slipway.models.measurements.golden import GOLDEN, read_golden
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


@dataclass(frozen=True)
class Done:
    """What a job took, its shards, and the largest memory of its process and of its largest worker in MiB."""

    spent: Spent
    shards: int
    planner: float
    worker: float


def main() -> None:
    """Write the rows, score them both ways, and print what both take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, default=Path("models/flight-delay/2"))
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--group", type=int, default=GROUP_ROWS, help="rows of a row group, which is not cut")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--region", default="us-east-1", help="whose prices are taken")
    options = parser.parse_args()
    package = load_package(options.package)
    print(f"{package.manifest.name} {package.manifest.version}, {options.workers} workers")
    jobs = {rows: measured(options, package, rows).processor for rows in options.rows}
    few, many = min(jobs), max(jobs)
    if few < many:
        more = (jobs[many] - jobs[few]) / (many - few)
        print(f"each further row, without the start of workers: {more * 1e6:.2f} us of processor")


def measured(options: argparse.Namespace, package: Package, rows: int) -> Spent:
    """Score some rows both ways, print what they take, and return what the job did."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows.parquet"
        write_rows(source, package, rows, options.group)
        print(f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB of Parquet")
        loop = raw_loop(package, source, rows, options.workers)
        done = in_own_process(LocalJob(options.package, source, Path(folder) / "out", workers=options.workers))
    report("raw session loop", loop, rows)
    report("slipway batch run", done.spent, rows)
    wall, processor = loop.wall / done.spent.wall, loop.processor / done.spent.processor
    print(f"  {wall:.2f} of the loop's speed, {processor:.2f} by processor time")
    print(f"  at most {done.planner:.0f} MiB in the process that plans, {done.worker:.0f} MiB in a worker")
    report_cost(Work(rows, done.shards, done.spent.processor), options.region)
    return done.spent


def in_own_process(job: LocalJob) -> Done:
    """Run a job in a process that has done nothing before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_done, job).result()


def _done(job: LocalJob) -> Done:
    workers = [0.0]

    def watch(_: Progress) -> None:
        workers.append(_largest_child())

    took = spent(lambda: run(job, watch))
    shards = (OutputFolder(job.output).read(MANIFEST) or "").splitlines()
    return Done(took, len(shards), _most_memory("self"), max(workers))


def _largest_child() -> float:
    sizes = [0.0]
    for children in Path("/proc/self/task").glob("*/children"):
        sizes += [_most_memory(child) for child in children.read_text().split()]
    return max(sizes)


def _most_memory(process: str) -> float:
    """The largest memory of a process in MiB; what `getrusage` says begins with that of its parent."""
    status = Path(f"/proc/{process}/status")
    found = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return sum(float(each) for each in found) / 1024


def write_rows(path: Path, package: Package, rows: int, group: int = GROUP_ROWS) -> None:
    """Write flights with weather, or texts, in row groups as other tools write them."""
    chance = np.random.default_rng(SEED)
    is_text = package.manifest.task == "text-classification"
    known = _texts(package) if is_text else pq.read_table(FLIGHTS).drop_columns(["time"])
    writer = None
    for first in range(0, rows, group):
        chosen = known.take(pa.array(chance.integers(0, len(known), min(group, rows - first))))
        for field in package.manifest.inputs:
            if field.name not in chosen.schema.names:
                values = np.round(chance.uniform(field.min or 0, field.max or 1, len(chosen)), 2)
                values[chance.random(len(chosen)) < 0.05] = np.nan
                chosen = chosen.append_column(field.name, pa.array(values, from_pandas=True))
        writer = writer or pq.ParquetWriter(path, chosen.schema)
        writer.write_table(chosen, row_group_size=group)
    if writer is not None:
        writer.close()


def _texts(package: Package) -> pa.Table:
    return pa.Table.from_pylist([dict(each.record) for each in read_golden(package.path(GOLDEN)).records])


def raw_loop(package: Package, source: Path, rows: int, workers: int) -> Spent:
    """Run one session for each worker on tensors of one row group, over and over, as often as there are rows."""
    predictors = [Predictor(package) for _ in range(workers)]
    [batch] = pq.ParquetFile(source).read_row_group(0).combine_chunks().to_batches()
    checked = checked_columns(package.manifest, batch)
    assert checked is not None
    task, size = predictors[0].task, Scorer(predictors[0]).batch_size
    tensors = [
        task.encode_columns(checked.rows(slice(first, first + size)))  # type: ignore[attr-defined]
        for first in range(0, batch.num_rows, size)
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
    print(f"  {name}: {rows / found.wall:,.0f} rows/s, {found.processor / rows * 1e6:.2f} us of processor a row")


def report_cost(work: Work, region: str) -> None:
    """Print what a million rows cost in an account, by the list prices of a region."""
    prices, size = load_prices(region), HeavyConfig()
    print(f"  a million rows, {work.shards / work.rows * 1e6:.1f} shards, at prices of {region} of {prices.as_of}:")
    print(f"    in functions: ${in_functions(work, prices):.4f}")
    print(f"    in tasks of {size.cpu:g} vCPU and {size.memory_mb} MB: ${in_tasks(work, prices, size):.4f}")


if __name__ == "__main__":
    main()
