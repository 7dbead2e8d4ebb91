"""The floor of a server: tokenizer and ONNX Runtime called directly on the same records, on all processors."""

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from slipway.models.manifest import Record
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.serving.batching.processors import available_processors

_WARM_UP = 20


@dataclass(frozen=True)
class Floor:
    """Records per second of each configuration, and the median milliseconds of one record alone."""

    per_second: dict[str, float]
    median_ms: float

    @property
    def best_per_second(self) -> float:
        return max(self.per_second.values())


def measure_floor(package: Package, records: Sequence[Record], seconds: float) -> Floor:
    """Measure parallel one-thread sessions, and one session with all threads, at batch sizes 1 and 32."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    processors = available_processors()
    ways: dict[str, tuple[Predictor, int, int]] = {}
    single, wide = Predictor(package), Predictor(package, threads=processors)
    for batch in (1, 32):
        ways[f"{processors} sessions, batch {batch}"] = (single, processors, batch)
        ways[f"1 session of {processors} threads, batch {batch}"] = (wide, 1, batch)
    rates = {
        name: _rate(_runner(predictor), records, n, batch, seconds / 2) for name, (predictor, n, batch) in ways.items()
    }
    return Floor(rates, _median_ms(_runner(single), records, seconds / 2))


Run = Callable[[Sequence[Record]], object]


def _runner(predictor: Predictor) -> Run:
    """Run only tokenizer and session, without decoding."""
    session, task = predictor.session, predictor.task
    return lambda records: session.run(None, task.encode(records))


def _rate(run: Run, records: Sequence[Record], sessions: int, batch: int, seconds: float) -> float:
    done = [0] * sessions
    starts = count(0, batch)
    run(records[:batch])
    started = time.perf_counter()

    def work(number: int) -> None:
        while time.perf_counter() - started < seconds:
            start = next(starts) % len(records)
            run([records[(start + offset) % len(records)] for offset in range(batch)])
            done[number] += batch

    workers = [threading.Thread(target=work, args=(number,)) for number in range(sessions)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - started)


def _median_ms(run: Run, records: Sequence[Record], seconds: float) -> float:
    times: list[float] = []
    ended = time.perf_counter() + seconds
    for number in count():
        started = time.perf_counter()
        run([records[number % len(records)]])
        if number >= _WARM_UP:
            times.append(1000 * (time.perf_counter() - started))
        if started > ended and times:
            return statistics.median(times)
    raise AssertionError
