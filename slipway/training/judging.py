"""Judges a retrained package on the newest slice of its data, against the version that serves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.config import GatesConfig, QualityGate
from slipway.config.training import TrainingGates
from slipway.errors import InputError
from slipway.models.gates.checking import median_latencies
from slipway.models.gates.labelled import LABEL, Labelled, read_labelled
from slipway.models.gates.measure import agreement, size_of
from slipway.models.gates.quality import quality
from slipway.models.gates.rules import Check, CheckedData, Figure, Measured, judge_package
from slipway.models.manifest import Form, Manifest, Outputs, Record
from slipway.models.measurements.golden import prove
from slipway.models.package import Package, require_fitting_baseline
from slipway.models.prediction.answers import is_judged
from slipway.models.prediction.labels import Truth
from slipway.models.prediction.predictor import Predictor
from slipway.training.dataset import MOST_RECORDS, WEIGHT, DataSet, thinned
from slipway.training.label_checks import label_checks

_SECONDS = 1.0  # of measuring latency
_RETRAINED = "the retrained package"


@dataclass(frozen=True)
class Slice:
    """Labelled records: rows with every input by name, the true answers, and what each row counts."""

    name: str
    records: Sequence[Record]
    truth: Sequence[Truth]
    weights: NDArray[np.float64]


def judge_draft(
    package: Package,
    serving: Package | None,
    data: DataSet,
    *,
    gates: TrainingGates,
    own: GatesConfig,
    trusted: Path | None = None,
    task_modules: Sequence[str] = (),
) -> Check:
    """Judge a package by `training.gates`, and by the model's ``own`` limits of size, latency and golden records.

    ``trusted`` is a file of labels from elsewhere, on which the package may not be worse, either.

    Raises:
        InputError: ``trusted`` is not a file of this package's records, or the data lack one of its inputs.
        GoldenError: it does not give the answers that its golden records expect.
        PackageError, PredictionError: a package cannot be opened, or fails on a record.
    """
    require_fitting_baseline(package)
    asks = _with_inputs_of(package.manifest, serving.manifest if serving else None)
    newest = newest_slice(data, asks)
    slices = [newest, *([_trusted_slice(trusted, asks)] if trusted else [])]
    candidate = _Answering(package, _RETRAINED, slices, task_modules)
    before = _Answering(serving, f"version {serving.manifest.version}", slices, task_modules) if serving else None
    measured, earlier = _measured(candidate, before, gates, own)
    asked = _asked(gates, own, [*_drops(gates.max_drop, candidate, before)])
    results = [*judge_package(asked, measured, earlier)]
    if before is not None:
        outputs, answers = before.package.manifest.outputs, before.answers[0]
        results += label_checks(outputs, answers, newest.truth, newest.weights, max_shift=gates.max_label_shift)
    checked = CheckedData(newest.name, len(newest.records), data.sha256)
    return Check(tuple(results), before.label if before else None, checked)


def newest_slice(data: DataSet, manifest: Manifest) -> Slice:
    """The newest slice as whole records of a package, at most `MOST_RECORDS` of them, evenly chosen.

    Raises InputError if the data lack an input.
    """
    table = thinned(data.validation(), MOST_RECORDS)
    names = [field.name for field in manifest.inputs]
    if absent := [name for name in names if name not in table.column_names]:
        raise InputError.of("data", f"has no column {', '.join(absent)}, which the package takes")
    columns = [table[name].to_pylist() for name in names]
    records = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    name = data.slice_name if len(records) == data.validation_rows else f"{len(records)} of the {data.slice_name}"
    return Slice(name, records, truth_of(table, manifest.outputs), table[WEIGHT].to_numpy())


def _with_inputs_of(manifest: Manifest, other: Manifest | None) -> Manifest:
    """The manifest of a package with the inputs that only the other package takes, so that both answer its records."""
    names = {field.name for field in manifest.inputs}
    more = (field for field in (other.inputs if other else ()) if field.name not in names)
    return manifest.model_copy(update={"inputs": (*manifest.inputs, *more)})


def truth_of(table: Any, outputs: Outputs) -> list[Truth]:
    """The true answers of a data set's rows."""
    match outputs.form:
        case Form.VALUES:
            targets = [table[name].to_pylist() for name in outputs.target_names]
            return list(zip(*targets, strict=True))
        case Form.LABELS:
            return [tuple(labels) for labels in table[LABEL].to_pylist()]
        case _:
            found: list[Truth] = table[LABEL].to_pylist()
            return found


def _trusted_slice(path: Path, manifest: Manifest) -> Slice:
    found: Labelled = read_labelled(path, manifest)
    return Slice(found.name, found.records, found.labels, np.ones(len(found.records)))


class _Answering:
    """A package, and its answers to each of some slices, each record alone."""

    def __init__(self, package: Package, label: str, slices: Sequence[Slice], task_modules: Sequence[str]) -> None:
        self.package = package
        self.label = label
        self.predictor = Predictor(package, threads=1, task_modules=task_modules)
        self.slices = slices
        self.answers = [[self.predictor.predict([record])[0] for record in each.records] for each in slices]

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """The quality on each slice; none of a user's own task, whose answers have another form."""
        return tuple(
            Figure(metric, value, each.name)
            for each, answers in zip(self.slices, self.answers, strict=True)
            for metric, value in self._quality(each, answers).items()
        )

    def _quality(self, each: Slice, answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        manifest = self.package.manifest
        if not all(is_judged(manifest.outputs, answer) for answer in answers):
            return {}
        return quality(manifest, answers, each.truth, each.weights)


def _measured(
    candidate: _Answering, before: _Answering | None, gates: GatesConfig, own: GatesConfig
) -> tuple[Measured, Measured | None]:
    proof = prove(candidate.predictor)
    newest = candidate.slices[0]
    measured = replace(_plain(candidate), golden=proof.records if proof else 0)
    earlier = _plain(before) if before else None
    if before is not None:
        measured = replace(measured, agreement=agreement(before.answers[0], candidate.answers[0]))
    if any(each.max_latency_ms is not None or each.max_latency_ratio is not None for each in (gates, own)):
        both = [(each.predictor, newest.records) for each in (candidate, before) if each is not None]
        latencies = median_latencies(both, _SECONDS)
        measured = replace(measured, latency_ms=latencies[0])
        earlier = replace(earlier, latency_ms=latencies[1]) if earlier else None
    return measured, earlier


def _plain(answering: _Answering) -> Measured:
    newest = answering.slices[0]
    return Measured(answering.label, answering.figures, size_of(answering.package), labelled=newest.name)


def _asked(gates: TrainingGates, own: GatesConfig, drops: Sequence[QualityGate]) -> GatesConfig:
    """The gates of a retrained package.

    The model's own gates on quality are left out: their figures are of fixed data, on which a run does not measure.
    """
    limits = ("max_package_bytes", "max_latency_ratio", "max_latency_ms")
    chosen = {name: getattr(gates, name) if getattr(gates, name) is not None else getattr(own, name) for name in limits}
    return GatesConfig(
        quality=(*gates.quality, *drops),
        min_agreement=gates.min_agreement,
        golden="required" if gates.requires_golden or own.requires_golden else "warn",
        **chosen,
    )


def _drops(share: float | None, candidate: _Answering, before: _Answering | None) -> Iterator[QualityGate]:
    """The gates that compare with the version before on each slice, by a ``share`` of its figure."""
    if share is None:
        return
    figures = {(figure.metric, figure.data): figure.value for figure in before.figures} if before else {}
    for each in candidate.slices:
        for metric in _compared(candidate, each.name):
            allowed = share * abs(figures.get((metric, each.name), 0.0))
            yield QualityGate(metric=metric, data=each.name, max_drop=allowed)


def _compared(candidate: _Answering, data: str) -> list[str]:
    """The metrics in which a package is compared with the one before: log loss, or each root mean square error."""
    there = [figure.metric for figure in candidate.figures if figure.data == data]
    if candidate.package.manifest.outputs.form in (Form.VALUE, Form.VALUES):
        return [metric for metric in there if metric.startswith("rmse")] or ["rmse"]
    return ["log_loss"] if "log_loss" in there else ["accuracy"]
