"""Before and after: what a compressed package costs and is worth, beside the package that it was made from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway.models.compression.bench import Bench, Verdict
from slipway.models.measure import measure
from slipway.models.package import Package

# Enough for a p99, and little enough to predict all of them in the fresh process that memory is measured in.
_TIMED_RECORDS = 128


@dataclass(frozen=True, slots=True)
class Side:
    """One package as measured here, with one thread and one record at a time; ``memory_mb`` is of a fresh process."""

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
    """The table of `slipway model quantize`, `prune` and `distill`; ``agreement`` is with the package before."""

    before: Side
    after: Side
    agreement: float
    data: str

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)


def compare(bench: Bench, package: Package, verdict: Verdict, *, seconds: float) -> Report:
    """Measure both packages for ``seconds`` each; ``verdict`` is the bench's on ``package``."""
    return Report(
        before=_side(bench, bench.original, bench.quality, seconds),
        after=_side(bench, package, verdict.quality, seconds),
        agreement=verdict.agreement,
        data=bench.label,
    )


def _side(bench: Bench, package: Package, quality: dict[str, float], seconds: float) -> Side:
    records: Sequence[Any] = bench.data.records[:_TIMED_RECORDS]
    found = measure(package, records, seconds=seconds, task_modules=bench.task_modules)
    return Side(
        model=package.manifest.name,
        version=package.manifest.version,
        size_bytes=found.size_bytes,
        graph_bytes=package.path(package.manifest.graph.file).stat().st_size,
        latency_median_ms=found.latency.median_ms,
        latency_p99_ms=found.latency.p99_ms,
        memory_mb=found.memory_mb,
        quality=quality,
    )
