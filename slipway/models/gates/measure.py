"""Measure a package: latency, throughput, memory, quality and agreement."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from slipway.errors import InputError, PackageError
from slipway.models.manifest import Record
from slipway.models.package import Package, load_package
from slipway.models.prediction.answers import agree
from slipway.models.prediction.predictor import Predictor

_WARM_UP = 20
_LEAST = 100
_ROUNDS = 5
# Values that differ by less are equal, whatever their size.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds for one call of `Predictor.predict`: encode, run and decode.

    ``cv2`` is (deviation / mean)² of the times up to the p99; the slowest are due to other load on the machine and
    would dominate it.
    """

    calls: int
    mean_ms: float
    median_ms: float
    p99_ms: float
    cv2: float


@dataclass(frozen=True, slots=True)
class Measurements:
    """The cost of one package on this machine, with one thread and one record at a time.

    ``memory_mb`` is the largest resident set, in 10⁶ bytes, of a fresh process that loads the package and predicts;
    it includes Python, numpy and ONNX Runtime. ``size_bytes`` is the sum over the package's files.
    """

    latency: Latency
    memory_mb: float
    size_bytes: int


def measure(
    package: Package, records: Sequence[Record], *, seconds: float = 2.0, task_modules: Sequence[str] = ()
) -> Measurements:
    """Measure latency here and memory in a fresh process, with one thread, cycling through ``records``.

    Raises:
        InputError: there are no records.
        PackageError, PredictionError: the package cannot be opened, or its graph fails on a record.
    """
    predictor = Predictor(package, threads=1, task_modules=task_modules)
    return Measurements(
        latency=measure_latency(predictor, records, seconds=seconds),
        memory_mb=measure_memory(package.folder, records, task_modules=task_modules),
        size_bytes=size_of(package),
    )


def size_of(package: Package) -> int:
    """The size in bytes of all files of the package, including its manifest."""
    return sum(entry.bytes for entry in package.manifest.files) + package.path("model.yaml").stat().st_size


def measure_latency(predictor: Predictor, records: Sequence[Record], *, seconds: float = 2.0) -> Latency:
    """Time single records after a warm-up, in five rounds that take about ``seconds`` in total.

    The round with the lowest mean counts, to limit the effect of other load on the machine. A round has at least 100
    calls.

    Raises:
        InputError: there are no records.
    """
    batches = _in_turn(records, 1)
    for _ in range(_WARM_UP):
        predictor.predict(next(batches))
    rounds = (_round(predictor, batches, seconds / _ROUNDS) for _ in range(_ROUNDS))
    return min((_summary(times) for times in rounds), key=lambda latency: latency.mean_ms)


def _round(predictor: Predictor, batches: Iterator[list[Record]], seconds: float) -> list[float]:
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < _LEAST or perf_counter() < end:
        batch = next(batches)
        started = perf_counter()
        predictor.predict(batch)
        times.append((perf_counter() - started) * 1000)
    return times


def _summary(times: Sequence[float]) -> Latency:
    values = np.asarray(times)
    mean = float(values.mean())
    median, p99 = (float(value) for value in np.percentile(values, [50, 99]))
    usual = values[values <= p99]
    return Latency(len(times), mean, median, p99, float(usual.var() / usual.mean() ** 2))


def measure_throughput(
    predictor: Predictor, records: Sequence[Record], *, batch: int = 32, seconds: float = 2.0
) -> float:
    """Records per second in batches of ``batch``, with the predictor's own number of threads."""
    batches = _in_turn(records, batch)
    predictor.predict(next(batches))
    done = 0
    started = perf_counter()
    while (elapsed := perf_counter() - started) < seconds or not done:
        done += len(predictor.predict(next(batches)))
    return done / elapsed


def _in_turn(records: Sequence[Record], batch: int) -> Iterator[list[Record]]:
    """Yield batches, cycling through the records endlessly."""
    if not records:
        raise InputError.of("records", "at least one record is needed to measure with")
    endless = cycle(records)
    while True:
        yield [next(endless) for _ in range(batch)]


def measure_memory(folder: Path, records: Sequence[Record], *, task_modules: Sequence[str] = ()) -> float:
    """The peak memory in MB (10⁶ bytes) of a fresh process that loads the package and predicts each record once.

    Raises:
        PackageError: the process failed; the message ends with its last line of output.
    """
    document = {
        "folder": str(folder.resolve()),
        "records": [dict(record) for record in records],
        "task_modules": list(task_modules),
        "path": sys.path,
    }
    command = [sys.executable, "-m", "slipway.models.gates.measure"]
    done = subprocess.run(command, input=json.dumps(document), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise PackageError(folder, f"cannot be measured in a separate process: {last}")
    return float(done.stdout) / 1e6


def _peak_bytes() -> int:
    """The peak resident set; on Linux, getrusage would include the parent's from before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _child() -> None:
    document = json.load(sys.stdin)
    sys.path[:] = document["path"]
    predictor = Predictor(load_package(Path(document["folder"])), task_modules=document["task_modules"])
    for record in document["records"]:
        predictor.predict([record])
    sys.stdout.write(f"{_peak_bytes()}\n")


def agreement(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]], *, tolerance: float = 0.01
) -> float:
    """The share, 0 to 1, of outputs that agree: equal labels, or values within ``tolerance`` times the larger one.

    Raises:
        InputError: there are no outputs, or the two numbers differ.
    """
    if not first or len(first) != len(second):
        raise InputError.of("outputs", f"{len(first)} against {len(second)}; the numbers must be equal and not zero")
    agreed = sum(agree(one, other, tolerance, least=_EQUAL) for one, other in zip(first, second, strict=True))
    return agreed / len(first)


if __name__ == "__main__":
    _child()
