"""Measure a package for advice: every figure that the advice takes from this machine."""

from collections.abc import Sequence
from time import perf_counter

import onnxruntime as ort

from slipway.models.advice.operations import multiply_adds
from slipway.models.advice.terms import Profile
from slipway.models.gates.measure import measure_latency, measure_memory, measure_throughput, size_of
from slipway.models.manifest import Record
from slipway.models.measurements.golden import prove
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

_CUDA = "CUDAExecutionProvider"


def profile_package(
    package: Package,
    records: Sequence[Record],
    *,
    batch: int = 32,
    seconds: float = 2.0,
    task_modules: Sequence[str] = (),
) -> Profile:
    """Measure with one thread, cycling through ``records``, for about ``seconds`` per figure.

    Raises:
        InputError: there are no records.
        PackageError, PredictionError: the package cannot be opened, does not prove itself, or fails on a record.
    """
    predictor = Predictor(package, threads=1, task_modules=task_modules)
    prove(predictor)
    latency = measure_latency(predictor, records, seconds=seconds)
    quantization = package.manifest.quantization
    several = [records[index % len(records)] for index in range(batch)]
    return Profile(
        mean_ms=latency.mean_ms,
        median_ms=latency.median_ms,
        p99_ms=latency.p99_ms,
        cv2=latency.cv2,
        edge_ms=min(_encoding_ms(predictor, records, seconds=seconds / 4), latency.mean_ms),
        batch=batch,
        batch_per_second=measure_throughput(predictor, records, batch=batch, seconds=seconds / 2),
        memory_mb=measure_memory(package.folder, records, task_modules=task_modules),
        size_bytes=size_of(package),
        multiply_adds=multiply_adds(predictor, several),
        gpu_per_second=_on_gpu(package, records, batch, seconds, task_modules),
        on_processors=quantization is not None and quantization.on_processors,
    )


def _encoding_ms(predictor: Predictor, records: Sequence[Record], *, seconds: float) -> float:
    """The mean encoding time per record, which stays on the CPU when the graph runs on a GPU.

    Decoding three scores takes less than a hundredth of a millisecond and is left out.
    """
    done = 0
    started = perf_counter()
    while (elapsed := perf_counter() - started) < seconds or not done:
        predictor.task.encode([records[done % len(records)]])
        done += 1
    return elapsed / done * 1000


def _on_gpu(
    package: Package, records: Sequence[Record], batch: int, seconds: float, task_modules: Sequence[str]
) -> float | None:
    if _CUDA not in ort.get_available_providers():
        return None
    predictor = Predictor(package, task_modules=task_modules, providers=(_CUDA, "CPUExecutionProvider"))
    return measure_throughput(predictor, records, batch=batch, seconds=seconds)
