"""The reference for a compressed version: the original's outputs and quality on the given records."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slipway.errors import CheckFailedError
from slipway.models.gates.labelled import Labelled
from slipway.models.gates.measure import agreement
from slipway.models.gates.quality import quality
from slipway.models.manifest import Manifest, Record
from slipway.models.package import Package
from slipway.models.prediction.answers import difference, is_judged
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Output
from slipway.wording import counted

_BATCH = 32
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a package on the bench.

    ``drop`` is compared with the budget. It is the loss of macro recall or macro F1; for a regression, of r2 (or the
    relative rise of rmse); without labels, the share of records on which the two packages disagree.
    """

    outputs: list[Output]
    quality: dict[str, float]
    agreement: float
    drop: float


class Bench:
    """The original's outputs for the records, each predicted alone because a batch may change an output."""

    def __init__(self, original: Package, data: Labelled, task_modules: Sequence[str] = ()) -> None:
        self.original = original
        self.data = data
        self.task_modules = tuple(task_modules)
        self.outputs = self.answers(original, data.records)
        self.quality = self._quality(original.manifest, self.outputs)

    @property
    def label(self) -> str:
        """The name of the records in manifests and tables."""
        return f"{self.data.name}, {counted(len(self.data.records), 'record')}"

    def answers(self, package: Package, records: Sequence[Record]) -> list[Output]:
        """The outputs of the records, each predicted alone."""
        predictor = Predictor(package, threads=1, task_modules=self.task_modules)
        return [output for record in records for output in predictor.predict([record])]

    def judge(self, package: Package) -> Verdict:
        """Predict the records with ``package`` and compare its outputs with the original's and the labels."""
        outputs = self.answers(package, self.data.records)
        found = self._quality(package.manifest, outputs)
        agreed = agreement(self.outputs, outputs)
        return Verdict(outputs, found, agreed, _drop(self.quality, found, agreed))

    def divergence(self, package: Package, count: int) -> float:
        """The mean difference from the original over ``count`` records; finer-grained than quality or agreement."""
        outputs = self.answers(package, self.data.records[:count])
        return float(np.mean([difference(a, b) for a, b in zip(self.outputs, outputs, strict=False)]))

    def batch_difference(self, package: Package, alone: Sequence[Output]) -> float | None:
        """The largest difference between outputs ``alone`` and in batches of 32; None for a single record."""
        records = self.data.records
        if len(records) < 2:
            return None
        predictor = Predictor(package, threads=1, task_modules=self.task_modules)
        starts = range(0, len(records), _BATCH)
        together = [output for start in starts for output in predictor.predict(records[start : start + _BATCH])]
        return max(difference(one, other) for one, other in zip(alone, together, strict=True))

    def _quality(self, manifest: Manifest, outputs: Sequence[Output]) -> dict[str, float]:
        judged = all(is_judged(manifest.outputs, output) for output in outputs)  # not a user's own task
        return quality(manifest, outputs, self.data.labels) if self.data.labels and judged else {}


def refuse_drop(verdict: Verdict, max_drop: float, label: str) -> None:
    """Raise CheckFailedError if the drop exceeds the budget."""
    if within(verdict, max_drop):
        return
    what = "quality" if verdict.quality else "agreement with the original"
    raise CheckFailedError(
        f"{what} drops by {verdict.drop:.4f} on {label}, but --max-drop is {max_drop:g}; nothing was written"
    )


def within(verdict: Verdict, max_drop: float) -> bool:
    """Whether the drop is within the budget."""
    return verdict.drop <= max_drop + _ROUNDING


def _drop(before: Mapping[str, float], after: Mapping[str, float], agreed: float) -> float:
    for metric in ("macro_recall", "macro_f1", "r2"):
        if metric in before and metric in after:
            return before[metric] - after[metric]
    if "rmse" in before and "rmse" in after:
        return (after["rmse"] - before["rmse"]) / before["rmse"] if before["rmse"] else math.inf * after["rmse"]
    return 1 - agreed
