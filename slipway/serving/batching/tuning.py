"""Finding how to run a graph on this machine, by measuring, within what slipway.yaml fixes.

Which of many sessions of one thread, one session of many threads, and large batches carries the most differs between
graphs and machines: on two processors, int8 MiniLM does half as much again in two sessions one record at a time as in
one session in batches of 32, and on a GPU it is the other way round.
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
from slipway.models.answers import difference, is_batch_independent
from slipway.models.manifest import Manifest, Record
from slipway.models.tasks import Output
from slipway.serving.batching.executor import Executor, Plan, PredictsBatch
from slipway.serving.batching.waiting import Ticket

_BATCHES = (1, 8, 32)
_ROUNDS = 2
_LEAST_GAIN = 1.03  # less is this machine's noise, and the plans are tried simplest first
_LEAST_QUEUE = 64
_QUEUED_SECONDS = 0.1
_DEADLINE_SHARE = 0.5
_LONGEST_BATCH_SECONDS = 0.5
_COMPARED = 16
_LOG = logging.getLogger("slipway.tuning")

P = TypeVar("P", bound=PredictsBatch)


@dataclass(frozen=True)
class Tuned(Generic[P]):
    """What was found: the predictor to run, the plan, and how many records a second it carried here."""

    predictor: P
    plan: Plan
    records_per_second: float


def may_batch(manifest: Manifest) -> bool:
    """Whether the manifest allows batches at all.

    Dynamic quantization takes its scales from the whole batch, so that a record's answer depends on its company. A
    quantized graph is run in batches only where it was measured that its answers do not.
    """
    return manifest.quantization is None or manifest.quantization.batch_independent is True


def tune(
    config: HeavyConfig,
    manifest: Manifest,
    open_graph: Callable[[int], P],
    records: Sequence[Record],
    *,
    processors: int,
    seconds: float = 0.8,
) -> Tuned[P]:
    """Measure the plans that ``config`` leaves open, for about ``seconds`` after the graphs were opened.

    Args:
        config: what is fixed; None is found.
        manifest: says whether the graph may run in batches.
        open_graph: opens the graph with so many threads for one run. Those not chosen are dropped.
        records: typical ones.
        processors: how many this process has.
        seconds: how long to measure.

    Raises:
        PredictionError: the graph fails on the records.
    """
    opened: dict[int, P] = {}

    def predictor(threads: int) -> P:
        if threads not in opened:
            opened[threads] = open_graph(threads)
            opened[threads].predict_batch(records[:1])
        return opened[threads]

    batching = may_batch(manifest)
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
    """The plans to measure, simplest first. On a GPU, sessions share the one device, and threads only feed it."""
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
    """Sessions and threads that together have each processor busy: from one thread each to one session with all."""
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
    """Sizes to try: those up to the limit, and the limit; with a fixed one, whether batches pay is not asked."""
    return [limit] if fixed else sorted({*(size for size in _BATCHES if size <= limit), limit})


def _measured(
    plans: Sequence[Plan], predictor: Callable[[int], PredictsBatch], records: Sequence[Record], seconds: float
) -> dict[Plan, float]:
    """Records a second under each plan: the better of two rounds, since other work here only slows it down."""
    for plan in plans:
        predictor(plan.threads)
    rates = dict.fromkeys(plans, 0.0)
    if len(plans) == 1:
        return {plans[0]: carried(plans[0], predictor(plans[0].threads), records, seconds / 4)}
    for _ in range(_ROUNDS):
        for plan in plans:
            # Sizes come in order: a batch that would take too long by what single records take is not tried.
            if plan.max_batch <= max(1.0, _LONGEST_BATCH_SECONDS * max(rates.values())):
                share = seconds / _ROUNDS / len(plans)
                rates[plan] = max(rates[plan], carried(plan, predictor(plan.threads), records, share))
    return rates


def _wait(plan: Plan, predictor: PredictsBatch, records: Sequence[Record], seconds: float) -> float:
    """Milliseconds to wait for a batch to fill, tried with just enough records in flight to fill one a session.

    Waiting must earn its latency: under full load batches fill without it.
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
    """Records a second that a plan carries with so many records in flight: by default, the next batches' full too.

    Raises:
        PredictionError: the graph fails on a record.
    """
    in_flight = in_flight or 2 * plan.sessions * plan.max_batch
    executor = Executor("tuning", predictor, replace(plan, queue=in_flight))
    numbers, finished, failed = count(), count(), []
    ended = Event()
    end = monotonic() + seconds

    def put() -> None:
        with suppress(OverloadedError):  # of an executor that is being closed
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
    """As many records as a tenth of a second takes, at least 64, and none that would wait for half its deadline."""
    wanted = max(_LEAST_QUEUE, ceil(rate * _QUEUED_SECONDS))
    return max(1, min(wanted, int(rate * timeout * _DEADLINE_SHARE)))


def _is_independent(predictor: PredictsBatch, records: Sequence[Record]) -> bool:
    """Whether some records are answered alone as they are together."""
    some = records[:_COMPARED]
    together, _ = predictor.predict_batch(some)
    alone: list[Output] = [predictor.predict_batch([record])[0][0] for record in some]
    return is_batch_independent(max(difference(one, other) for one, other in zip(alone, together, strict=True)))


def _described(rates: dict[Plan, float]) -> str:
    return ", ".join(f"{p.sessions}×{p.threads}×{p.max_batch}: {rate:.0f}" for p, rate in rates.items())
