"""Measures how best to run a graph on this machine, within the limits that slipway.yaml sets.

Many single-threaded sessions, one session with many threads, or large batches: which has the highest throughput depends
on the graph and the machine. On two processors, int8 MiniLM is 1.5 times as fast in two sessions without batching as in
one session with batches of 32; in float32 on a GPU, batches of 32 are 17 times as fast as single records.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from math import ceil, inf
from threading import Event
from time import monotonic
from typing import Generic, TypeVar

from slipway.config.heavy import HeavyConfig
from slipway.errors import OverloadedError
from slipway.models.manifest import Record
from slipway.models.measurements.batching import may_batch
from slipway.models.package import Package
from slipway.models.prediction.answers import difference, is_batch_independent
from slipway.models.prediction.tasks import Output
from slipway.serving.batching.executor import Executor, Plan, PredictsBatch
from slipway.serving.batching.waiting import Ticket

_BATCHES = (1, 8, 32)
_ROUNDS = 2
_LEAST_GAIN = 1.1  # smaller gains are noise, or are paid for by the threads of a run, which spin between runs
_LEAST_QUEUE = 64
_QUEUED_SECONDS = 0.1
_DEADLINE_SHARE = 0.5
_LONGEST_BATCH_SECONDS = 0.5
_COMPARED = 16
_LOG = logging.getLogger("slipway.tuning")

P = TypeVar("P", bound=PredictsBatch)


@dataclass(frozen=True)
class Tuned(Generic[P]):
    """The result of tuning: the predictor, the plan, and its measured records per second."""

    predictor: P
    plan: Plan
    records_per_second: float


def tune(
    config: HeavyConfig,
    package: Package,
    open_graph: Callable[[int], P],
    records: Sequence[Record],
    *,
    processors: int,
    seconds: float = 0.8,
) -> Tuned[P]:
    """Measure the plans that ``config`` allows, for about ``seconds`` once the graphs are open.

    Args:
        config: the fixed settings; those that are None are measured.
        package: says whether its graph may run in batches.
        open_graph: opens the graph with the given number of threads per run. Graphs that lose are dropped.
        records: typical records.
        processors: the number of processors of this process.
        seconds: how long to measure.

    Raises:
        PackageError: ``golden.json`` is malformed.
        PredictionError: the graph fails on the records.
    """
    opened: dict[int, P] = {}

    def predictor(threads: int) -> P:
        if threads not in opened:
            opened[threads] = open_graph(threads)
            opened[threads].predict_batch(records[:1])
        return opened[threads]

    batching, manifest = may_batch(package), package.manifest
    plans = list(candidates(config, processors, batching=batching))
    if batching and not _is_independent(predictor(plans[0].threads), records):
        _LOG.warning("%s %s answers differently in batches: it runs one by one", manifest.name, manifest.version)
        plans = list(candidates(config, processors, batching=False))
    rates = _measured(plans, predictor, records, seconds)
    chosen = _first_of_the_best(rates)
    rate, run = rates[chosen], predictor(chosen.threads)
    wait = chosen.max_wait_ms if config.max_wait_ms is not None else _wait(chosen, run, records, seconds)
    plan = replace(chosen, max_wait_ms=wait, queue=config.queue or _queue(rate, config.timeout_seconds))
    _LOG.info("chose %s at %.0f records a second, of %s", plan, rate, _described(rates))
    return Tuned(run, plan, rate)


def candidates(config: HeavyConfig, processors: int, *, batching: bool) -> Iterator[Plan]:
    """Yield the plans to measure, simplest first. On a GPU, sessions share the device and threads only feed it."""
    on_gpu = config.compute == "gpu"
    shapes = [(1, 1), (2, 1)] if on_gpu else _shapes(processors)
    shapes = _fixed(shapes, config, processors)
    limit = config.max_batch or (max(_BATCHES) * 4 if on_gpu else max(_BATCHES))
    sizes = _sizes(limit, fixed=config.max_batch is not None) if batching else [1]
    wait = config.max_wait_ms or 0.0
    for size in sizes:
        for sessions, threads in shapes:
            yield Plan(sessions, threads, size, wait if size > 1 else 0.0, queue=_LEAST_QUEUE)


def _shapes(processors: int) -> list[tuple[int, int]]:
    """Return the (sessions, threads) that keep every processor busy, from one thread each to one session with all."""
    threads = sorted({1, 2, 4, processors} & set(range(1, processors + 1)))
    return [(max(1, processors // each), each) for each in threads]


def _fixed(shapes: list[tuple[int, int]], config: HeavyConfig, processors: int) -> list[tuple[int, int]]:
    sessions, threads = config.sessions, config.threads
    if sessions and threads:
        return [(sessions, threads)]
    if sessions:
        return [(sessions, max(1, processors // sessions))]
    if threads:
        return [(max(1, ceil(processors / threads)), threads)]
    return shapes


def _sizes(limit: int, *, fixed: bool) -> list[int]:
    """Return the batch sizes to try, up to and including the limit; a fixed size is the only one."""
    return [limit] if fixed else sorted({*(size for size in _BATCHES if size <= limit), limit})


def _measured(
    plans: Sequence[Plan], predictor: Callable[[int], PredictsBatch], records: Sequence[Record], seconds: float
) -> dict[Plan, float]:
    """Return each plan's records per second, the better of two rounds because other load only lowers it."""
    for plan in plans:
        predictor(plan.threads)
    rates = dict.fromkeys(plans, 0.0)
    if len(plans) == 1:
        return {plans[0]: carried(plans[0], predictor(plans[0].threads), records, seconds / 4)}
    for _ in range(_ROUNDS):
        for plan in plans:
            # Sizes ascend: skip one whose batch would take too long at the best rate so far.
            if plan.max_batch <= max(1.0, _LONGEST_BATCH_SECONDS * max(rates.values())):
                share = seconds / _ROUNDS / len(plans)
                rates[plan] = max(rates[plan], carried(plan, predictor(plan.threads), records, share))
    return rates


def _wait(plan: Plan, predictor: PredictsBatch, records: Sequence[Record], seconds: float) -> float:
    """Return the milliseconds to wait for a batch to fill, measured with one batch of records in flight per session.

    Waiting must pay for its latency: under full load, batches fill without it.
    """
    if plan.max_batch == 1:
        return 0.0
    started = monotonic()
    predictor.predict_batch(records[:1])
    alone = round((monotonic() - started) * 1000 / 2, 3)
    plans = [replace(plan, max_wait_ms=wait) for wait in (0.0, alone)]
    in_flight = plan.sessions * plan.max_batch
    rates = {each: carried(each, predictor, records, seconds / 8, in_flight=in_flight) for each in plans}
    return _first_of_the_best(rates).max_wait_ms


def carried(
    plan: Plan, predictor: PredictsBatch, records: Sequence[Record], seconds: float, *, in_flight: int | None = None
) -> float:
    """Measure a plan's records per second with ``in_flight`` records, by default two full batches per session.

    Raises:
        PredictionError: the graph fails on a record.
    """
    in_flight = in_flight or 2 * plan.sessions * plan.max_batch
    executor = Executor("tuning", predictor, replace(plan, queue=in_flight))
    numbers, finished, failed = count(), count(), []
    ended = Event()
    end = monotonic() + seconds

    def put() -> None:
        with suppress(OverloadedError):  # the executor is closing
            executor.submit([records[next(numbers) % len(records)]], inf, settle)

    def settle(_: Ticket, error: BaseException | None) -> None:
        if error is not None:
            failed.append(error)
        next(finished)
        if error is not None or monotonic() >= end:
            ended.set()
        elif not ended.is_set():
            put()

    started = monotonic()
    for _ in range(in_flight):
        put()
    ended.wait()
    done, taken = next(finished), monotonic() - started
    executor.close(drop=True)
    if failed:
        raise failed[0]
    return done / taken


def _first_of_the_best(rates: dict[Plan, float]) -> Plan:
    best = max(rates.values())
    return next(plan for plan, rate in rates.items() if rate * _LEAST_GAIN >= best)


def _queue(rate: float, timeout: float) -> int:
    """Return the queue's size: a tenth of a second of work, at least 64, but never half a deadline of waiting."""
    wanted = max(_LEAST_QUEUE, ceil(rate * _QUEUED_SECONDS))
    return max(1, min(wanted, int(rate * timeout * _DEADLINE_SHARE)))


def _is_independent(predictor: PredictsBatch, records: Sequence[Record]) -> bool:
    """Whether sample records get the same answers alone as in a batch."""
    some = records[:_COMPARED]
    together, _ = predictor.predict_batch(some)
    alone: list[Output] = [predictor.predict_batch([record])[0][0] for record in some]
    return is_batch_independent(max(difference(one, other) for one, other in zip(alone, together, strict=True)))


def _described(rates: dict[Plan, float]) -> str:
    return ", ".join(f"{p.sessions}×{p.threads}×{p.max_batch}: {rate:.0f}" for p, rate in rates.items())
