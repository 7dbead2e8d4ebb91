"""Compare the cost and quality of a compressed package with those of the original."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway.models.compression.bench import Bench, Verdict
from slipway.models.gates.measure import Latency, measure_latency, measure_memory, size_of
from slipway.models.manifest import Record
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

# Enough for a p99, and few enough to predict them all in the fresh process that measures memory.
_TIMED_RECORDS = 128
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Side:
    """One package, measured with one thread and one record at a time; ``memory_mb`` is of a fresh process."""

    model: str
    version: int
    size_bytes: int
    graph_bytes: int
    latency_median_ms: float
    latency_p99_ms: float
    memory_mb: float
    quality: dict[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """The report of `slipway model quantize`, `prune` and `distill`; ``agreement`` is with the original."""

    before: Side
    after: Side
    agreement: float
    data: str

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)


def compare(bench: Bench, package: Package, verdict: Verdict, *, seconds: float) -> Report:
    """Measure both packages for ``seconds`` each; ``verdict`` is the bench's result for ``package``."""
    records = bench.data.records[:_TIMED_RECORDS]
    latencies = _latencies(bench, [bench.original, package], records, seconds)
    before, after = (
        _side(bench, one, records, latency, quality)
        for one, latency, quality in zip(
            (bench.original, package), latencies, (bench.quality, verdict.quality), strict=True
        )
    )
    return Report(before, after, verdict.agreement, bench.label)


def _latencies(bench: Bench, packages: Sequence[Package], records: Sequence[Record], seconds: float) -> list[Latency]:
    """The fastest round of each package; rounds alternate, so that other load on the machine affects all alike."""
    predictors = [Predictor(package, threads=1, task_modules=bench.task_modules) for package in packages]
    rounds = [[measure_latency(one, records, seconds=seconds / _ROUNDS) for one in predictors] for _ in range(_ROUNDS)]
    return [min(found, key=lambda latency: latency.mean_ms) for found in zip(*rounds, strict=True)]


def _side(
    bench: Bench, package: Package, records: Sequence[Record], latency: Latency, quality: dict[str, float]
) -> Side:
    manifest = package.manifest
    return Side(
        model=manifest.name,
        version=manifest.version,
        size_bytes=size_of(package),
        graph_bytes=package.path(manifest.graph.file).stat().st_size,
        latency_median_ms=latency.median_ms,
        latency_p99_ms=latency.p99_ms,
        memory_mb=measure_memory(package.folder, records, task_modules=bench.task_modules),
        quality=quality,
    )
