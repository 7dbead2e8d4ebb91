"""Measure a package: latency, throughput, memory, quality and agreement."""

import json
import math
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
from numpy.typing import NDArray

from slipway.errors import InputError, PackageError
from slipway.models.manifest import Manifest, Record
from slipway.models.package import Package, load_package
from slipway.models.predictor import Predictor

_WARM_UP = 20
_LEAST = 100
_ROUNDS = 5
# Scores are rounded to six digits, so a score of zero may be a probability of up to half the last digit.
_LEAST_SCORE = 5e-7


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


def quality(
    manifest: Manifest, outputs: Sequence[Mapping[str, Any]], labels: Sequence[str | float]
) -> dict[str, float]:
    """The quality of ``outputs`` of `Predictor.predict` against the true labels or values.

    Classifiers: ``macro_recall`` (mean over the labels that occur), ``accuracy`` and ``log_loss`` (natural logarithm).
    Regressions: ``mae``, ``rmse`` and ``r2`` (absent if all true values are equal).

    Raises:
        InputError: there are no outputs, the numbers of outputs and labels differ, or a label is not in the manifest.
    """
    if not outputs or len(outputs) != len(labels):
        raise InputError.of("labels", f"{len(labels)} labels for {len(outputs)} outputs; one for each is needed")
    names = manifest.outputs.labels
    if names is None:
        return _regression_quality(np.array([output["value"] for output in outputs]), _as_numbers(labels))
    truth = [str(label) for label in labels]
    if unknown := sorted(set(truth) - set(names)):
        raise InputError.of("labels", f"{', '.join(unknown)} are not among {', '.join(names)}")
    return _classification_quality(names, outputs, truth)


def _as_numbers(labels: Sequence[str | float]) -> NDArray[np.float64]:
    try:
        return np.array([float(label) for label in labels])
    except ValueError as error:
        raise InputError.of("labels", f"a regression needs numbers: {error}") from error


def _classification_quality(
    names: Sequence[str], outputs: Sequence[Mapping[str, Any]], truth: Sequence[str]
) -> dict[str, float]:
    true = np.array([names.index(label) for label in truth])
    right = np.array([output["label"] == label for output, label in zip(outputs, truth, strict=True)])
    recalls = [right[true == index].mean() for index in np.unique(true)]
    found = {"macro_recall": float(np.mean(recalls)), "accuracy": float(right.mean())}
    if all("scores" in output for output in outputs):
        scores = np.array([[output["scores"][name] for name in names] for output in outputs])
        given = scores[np.arange(len(true)), true] / scores.sum(axis=1)
        found["log_loss"] = float(-np.log(given.clip(_LEAST_SCORE, 1)).mean())
    return found


def _regression_quality(values: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    errors = values - truth
    found = {"mae": float(np.abs(errors).mean()), "rmse": math.sqrt(float((errors**2).mean()))}
    spread = float(((truth - truth.mean()) ** 2).sum())
    if spread > 0:
        found["r2"] = 1 - float((errors**2).sum()) / spread
    return found


def agreement(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]], *, tolerance: float = 0.01
) -> float:
    """The share, 0 to 1, of outputs that agree: equal labels, or values within ``tolerance`` times the larger one.

    Raises:
        InputError: there are no outputs, or the two numbers differ.
    """
    if not first or len(first) != len(second):
        raise InputError.of("outputs", f"{len(first)} against {len(second)}; the numbers must be equal and not zero")
    return sum(_agree(one, other, tolerance) for one, other in zip(first, second, strict=True)) / len(first)


def _agree(one: Mapping[str, Any], other: Mapping[str, Any], tolerance: float) -> bool:
    if "label" in one or "label" in other:
        return bool(one.get("label") == other.get("label"))
    if "value" in one and "value" in other:
        return math.isclose(one["value"], other["value"], rel_tol=tolerance, abs_tol=1e-9)
    return bool(one == other)


if __name__ == "__main__":
    _child()
