"""Run a job on this machine: one process for each worker, each with a session of its own."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from slipway.batch.folders import InputFolder, OutputFolder
from slipway.batch.job import Extras, Job, Summary
from slipway.batch.listeners.listening import Listeners
from slipway.batch.parts import OutputFormat
from slipway.batch.scoring import Scorer
from slipway.batch.shards import Shard
from slipway.batch.steps import Needed, begin, finish, is_done, plan, score
from slipway.batch.stores import Stores
from slipway.models.measurements.golden import prove
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor

_SLOW_ROWS = 10_000
"""The rows of a shard if each may take milliseconds: few, so that every worker has some."""


@dataclass(frozen=True, slots=True)
class LocalJob:
    """What is scored by which package, on this machine, and how."""

    package: Path
    source: Path
    output: Path
    format: OutputFormat = OutputFormat.PARQUET
    batch_size: int | None = None
    task_modules: tuple[str, ...] = ()
    workers: int = 1
    most_rejected: float = 0.01
    extras: Extras = field(default_factory=Extras)
    stores: Stores = field(default_factory=Stores)

    def needed(self, package: Package) -> Needed:
        """The columns that the job needs of each file."""
        owners = {name: group.entity for name, group in self.stores.groups.items()}
        return Needed.of(self.extras, package.manifest, owners)


@dataclass(slots=True)
class Progress:
    """The rows of a job, those that an earlier run has done, and those that this one has."""

    rows: int
    earlier: int
    done: int = field(default=0)


def run(asked: LocalJob, watch: Callable[[Progress], None] = lambda _: None, *, now: datetime | None = None) -> Summary:
    """Score what has not been scored yet, and finish the job.

    Raises:
        CheckFailedError, ConflictError, InputError: as the steps do.
        PackageError: the package cannot be loaded.
        GoldenError: the version does not give the answers that its golden records expect.
    """
    package = load_package(asked.package)
    inputs, outputs = InputFolder(asked.source), OutputFolder(asked.output)
    inputs.files()
    outputs.clear_unfinished()
    begun = Job.of(package, asked.format, asked.batch_size, now or datetime.now(UTC), asked.extras)
    needed, scorer = asked.needed(package), _scorer(asked, begun, package)
    listeners = asked.stores.listeners(begun, package)
    job = begin(begun, outputs)
    most_rows = None if package.manifest.task.startswith("tabular-") else _SLOW_ROWS
    shards = plan(inputs, outputs, package.manifest, needed, most_rows=most_rows)
    missing = [shard for shard in shards if not is_done(job, shard, outputs)]
    rows = sum(shard.rows for shard in shards)
    progress = Progress(rows, rows - sum(shard.rows for shard in missing))
    watch(progress)
    for scored in _scored(asked, job, missing, scorer, listeners):
        progress.done += scored
        watch(progress)
    return finish(job, shards, outputs, most_rejected=asked.most_rejected)


def _scorer(asked: LocalJob, job: Job, package: Package) -> Scorer:
    predictor = Predictor(package, task_modules=asked.task_modules)
    prove(predictor)
    return asked.stores.scorer(job, predictor)


def _scored(asked: LocalJob, job: Job, shards: Sequence[Shard], scorer: Scorer, listeners: Listeners) -> Iterator[int]:
    """Score the shards, and yield the rows of each."""
    if asked.workers == 1 or len(shards) < 2:
        inputs, outputs = InputFolder(asked.source), OutputFolder(asked.output)
        for shard in shards:
            outcome = score(job, shard, inputs, outputs, scorer, listeners=listeners)
            yield outcome.scored + outcome.rejected
        return
    # A forked process would share the session's threads, which are not there.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.workers, context, _start, (asked, job)) as pool:
        try:
            for done in as_completed([pool.submit(_work, job, shard) for shard in shards]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_WORKER: list[tuple[InputFolder, OutputFolder, Scorer, Listeners]] = []
"""What a worker process has opened when it began."""


def _start(asked: LocalJob, job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    package = load_package(asked.package)
    scorer, listeners = _scorer(asked, job, package), asked.stores.listeners(job, package)
    _WORKER[:] = [(InputFolder(asked.source), OutputFolder(asked.output), scorer, listeners)]


def _work(job: Job, shard: Shard) -> int:
    inputs, outputs, scorer, listeners = _WORKER[0]
    outcome = score(job, shard, inputs, outputs, scorer, listeners=listeners)
    return outcome.scored + outcome.rejected
