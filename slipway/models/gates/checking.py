"""Measure a package and the version before it for the gates, and judge it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from slipway.config import GatesConfig
from slipway.errors import InputError
from slipway.models.gates.labelled import Labelled, read_labelled
from slipway.models.gates.measure import agreement, measure_latency, size_of
from slipway.models.gates.quality import quality
from slipway.models.gates.rules import Check, CheckedData, Figure, Measured, judge_package
from slipway.models.manifest import Record
from slipway.models.measurements.golden import prove
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package, require_fitting_baseline
from slipway.models.prediction.answers import is_judged
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Output

_ROUNDS = 3


def check_package(
    package: Package,
    gates: GatesConfig,
    *,
    previous: Package | None = None,
    labelled: Path | None = None,
    seconds: float = 1.0,
    task_modules: Sequence[str] = (),
) -> Check:
    """Have the package prove itself, measure the figures that ``gates`` need, and judge them.

    Its manifest must fit its baseline, and its answers its golden records.

    Quality is measured on the file ``labelled`` by predicting each of its records alone; without it, the manifests'
    figures are used. Latency is measured for ``seconds`` per package, alternating between packages.

    Raises:
        InputError: ``labelled`` is not a file of this package's records.
        GoldenError: it does not give the answers that its golden records expect.
        PackageError, PredictionError: the manifest contradicts the baseline, a package cannot be opened or fails.
    """
    require_fitting_baseline(package)
    candidate = _Subject(package, labelled, task_modules)
    proof = prove(candidate.predictor)
    measured = replace(candidate.measured(), golden=proof.records if proof else 0)
    before = earlier = None
    if previous is not None:
        earlier = _Subject(previous, labelled, task_modules, optional=True)
        before = earlier.measured()
        if candidate.outputs and len(candidate.outputs) == len(earlier.outputs):
            measured = replace(measured, agreement=agreement(earlier.outputs, candidate.outputs))
    if gates.max_latency_ms is not None or gates.max_latency_ratio is not None:
        subjects = [(each.predictor, each.records) for each in (candidate, earlier) if each is not None]
        latencies = median_latencies(subjects, seconds)
        measured = replace(measured, latency_ms=latencies[0])
        before = replace(before, latency_ms=latencies[1]) if before else None
    results = tuple(judge_package(gates, measured, before))
    return Check(results, before.label if before else None, candidate.checked_data)


class _Subject:
    """A package under measurement, with its outputs for the labelled records.

    With ``optional``, records that do not fit its inputs are skipped, since an earlier version may have had others.
    """

    def __init__(
        self, package: Package, labelled: Path | None, task_modules: Sequence[str], *, optional: bool = False
    ) -> None:
        self.package = package
        self.predictor = Predictor(package, threads=1, task_modules=task_modules)
        self.labelled = _read(labelled, package, optional=optional)
        records = self.labelled.records if self.labelled else []
        self.outputs: list[Output] = [output for record in records for output in self.predictor.predict([record])]

    @property
    def records(self) -> Sequence[Record]:
        return self.labelled.records if self.labelled else sample_records(self.package)

    @property
    def checked_data(self) -> CheckedData | None:
        data = self.labelled
        return CheckedData(data.name, len(data.records), data.sha256) if data else None

    def measured(self) -> Measured:
        manifest = self.package.manifest
        figures = [Figure(item.metric, item.value, item.data) for item in manifest.quality]
        if self.labelled:
            name = self.labelled.name
            judged = all(is_judged(manifest.outputs, output) for output in self.outputs)  # not a user's own task
            found = quality(manifest, self.outputs, self.labelled.labels) if judged else {}
            figures = [figure for figure in figures if figure.data != name]
            figures += [Figure(metric, value, name) for metric, value in found.items()]
        return Measured(
            label=f"version {manifest.version}",
            figures=tuple(figures),
            size_bytes=size_of(self.package),
            labelled=self.labelled.name if self.labelled else None,
        )


def _read(labelled: Path | None, package: Package, *, optional: bool) -> Labelled | None:
    if labelled is None:
        return None
    try:
        return read_labelled(labelled, package.manifest)
    except InputError:
        if not optional:
            raise
        return None


def median_latencies(subjects: Sequence[tuple[Predictor, Sequence[Record]]], seconds: float) -> list[float]:
    """The lowest median of each package; rounds alternate, so that other load on the machine affects all alike."""
    rounds = [
        [measure_latency(predictor, records, seconds=seconds / _ROUNDS).median_ms for predictor, records in subjects]
        for _ in range(_ROUNDS)
    ]
    return [min(medians) for medians in zip(*rounds, strict=True)]
