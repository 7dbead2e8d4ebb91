"""Seconds from a batch job's start to its first output in the embedded AWS: the first job, and those after it.

    python -m benchmarks.batch_first [--rows 10000] [--jobs 4]

It starts an embedded AWS of its own with the project of this checkout, as `make run` does, and scores ``--rows``
flights in functions, one job after the other. The first job starts the processes of `plan` and `score`, which the later
ones find. The target is 5 seconds. In an account Step Functions and Lambda have times of their own.
"""

import argparse
import tempfile
import time
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.batch import write_rows
from benchmarks.bundles import REPOSITORY, machine
from benchmarks.load.embedding import embedded
from benchmarks.load.requests import FLIGHTS
from slipway.batch.account.places import Place
from slipway.batch.account.runs import Run
from slipway.cli.batch.starting import begin_job
from slipway.cli.batch.target import BatchTarget, find_jobs
from slipway.models.package import load_package

_VERSION = 2
_POLL_SECONDS = 0.05
_MOST_SECONDS = 120.0


def main() -> None:
    """Print a line for each job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=4)
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="slipway-first-") as name:
        source = Path(name) / "flights.parquet"
        write_rows(source, load_package(REPOSITORY / "models" / FLIGHTS / str(_VERSION)), given.rows)
        with embedded(Path(name)), chdir(name):
            target = find_jobs(REPOSITORY / "slipway.yaml")
            for number in range(given.jobs):
                first, ended = _timed(target, source)
                print(f"job {number + 1}: first output after {first:.1f} s, ended after {ended:.1f} s", flush=True)
    print(machine())


def _timed(target: BatchTarget, source: Path) -> tuple[float, float]:
    """Seconds until the job's first part, and until its end."""
    begun = time.monotonic()
    job = begin_job(target, Run(model=FLIGHTS, source=str(source), version=_VERSION), datetime.now(UTC))
    output = Place.parse(target.jobs.output(job), field="output")
    client: Any = target.objects()
    first = None
    while time.monotonic() - begun < _MOST_SECONDS:
        names = client.list_objects_v2(Bucket=output.bucket, Prefix=output.folder).get("Contents", ())
        keys = [each["Key"].removeprefix(output.folder) for each in names]
        if first is None and any(key.startswith("part-") for key in keys):
            first = time.monotonic() - begun
        if first is not None and "_SUCCESS" in keys:
            return first, time.monotonic() - begun
        time.sleep(_POLL_SECONDS)
    raise SystemExit(f"the job {job.execution.name} has not ended in {_MOST_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
