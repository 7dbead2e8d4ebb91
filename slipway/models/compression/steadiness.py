"""How far a graph's answers depend on the batch, and on the processor that runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.models.compression.bench import Bench
from slipway.models.measurements.golden import distances
from slipway.models.package import Package
from slipway.models.prediction.answers import is_batch_independent
from slipway.models.prediction.tasks import Output
from slipway.models.processors import answers_of

# An emulated processor takes some 30 ms for a text.
_RECORDS_ELSEWHERE = 128


@dataclass(frozen=True, slots=True)
class Steadiness:
    """The largest differences from answers given alone on this processor.

    ``batch`` is that in batches of 32, or None for a single record; ``processors`` has that on each other processor.
    """

    batch: float | None
    processors: Mapping[str, float]

    @property
    def largest(self) -> float:
        """The largest of all that was measured."""
        return max(self.batch or 0.0, *self.processors.values(), 0.0)

    @property
    def sentence(self) -> str:
        """What was measured, for a manifest."""
        if self.batch is None:
            words = "batches were not measured"
        elif is_batch_independent(self.batch):
            words = f"no output was observed to depend on its batch (largest difference {self.batch:.1g})"
        else:
            words = f"outputs in a batch of 32 differ from those alone by up to {self.batch:.2g}"
        elsewhere = "".join(f"; those on {name} by up to {value:.2g}" for name, value in self.processors.items())
        return f"{words}{elsewhere}."


def measure_steadiness(
    bench: Bench, package: Package, alone: Sequence[Output], processors: Sequence[Path]
) -> Steadiness:
    """Compare the outputs ``alone`` with those in batches, and on ``processors``, which are Pythons that run there.

    Raises:
        InputError, PackageError: a processor's Python cannot be run, or fails.
    """
    records = bench.data.records[:_RECORDS_ELSEWHERE]
    found: dict[str, float] = {}
    for python in processors:
        there = answers_of(python, package, records, 1, task_modules=bench.task_modules)
        found[there.processor] = max(distances(alone[: len(records)], there.answers))
    return Steadiness(bench.batch_difference(package, alone), found)
