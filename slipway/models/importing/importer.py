"""Turn a model of another framework into a sealed package, checked against the original."""

import gc
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import CheckFailedError, InputError, PredictionError
from slipway.models.extras import need
from slipway.models.gates.labelled import read_given
from slipway.models.gates.quality import quality
from slipway.models.importing.card import model_card
from slipway.models.importing.decisions import (
    Decision,
    Numbers,
    activate,
    answer_names,
    answer_questions,
    decide,
    first_questions,
    largest_difference,
    output_questions,
    task_of,
    with_names_of,
)
from slipway.models.importing.fields import field_name, infer_inputs, read_inputs, sample_records, settle
from slipway.models.importing.graphs import finish, write_graph
from slipway.models.importing.missing import find_missing, mark_nullable, require_values
from slipway.models.importing.packaging import (
    CARD,
    GRAPH,
    TOKENIZER,
    Checked,
    draft_beside,
    draft_manifest,
    manifest_document,
    place,
    put_in_place,
    read_about,
)
from slipway.models.importing.request import Ask, ImportRequest, ask_for, open_source, refuse_to_ask
from slipway.models.importing.samples import Samples, read_samples
from slipway.models.importing.source import Exported, Fields, Source, Traits
from slipway.models.importing.truth import true_answers
from slipway.models.manifest import Record
from slipway.models.measurements.renewal import ValidationRun, write_measurements
from slipway.models.measurements.trained_pieces import read_trained_pieces
from slipway.models.package import Package, load_package, seal_package
from slipway.models.prediction.answers import width
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Output
from slipway.records.files import ENDINGS

_BATCH = 8
_LONG_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class Imported:
    """The imported package, and its largest difference from the original over ``records`` records."""

    package: Package
    difference: float
    records: int


def import_model(request: ImportRequest, ask: Ask = refuse_to_ask) -> Imported:
    """Import a model: infer its schema, export it, compare it with the original, measure it, and write the package.

    ``ask`` is called for what cannot be inferred. If anything fails, nothing is left behind.

    Raises:
        InputError: an option is missing or wrong, or the model cannot be imported; each problem names the option.
        PackageError: a file is invalid, or ONNX Runtime cannot open the export.
        ConflictError: another import took the same version in the meantime.
        CheckFailedError: the export differs from the original by more than the tolerance.
        MissingExtraError: the framework is not installed.
    """
    checked, exported = _run_original(request, ask)
    folder, number = place(checked.request)
    with draft_beside(folder) as draft:
        package = _write(draft, checked, exported, number)
        # Free the original's weights before the checker and ONNX Runtime make their own copies.
        del exported
        gc.collect()
        need("onnx.checker", "import").check_model(str(package.path(GRAPH)))
        package = _without_wrong_nulls(package, checked)
        outputs = _predict(package, checked)
        difference = _compare(checked, outputs)
        _complete(package, checked, outputs, difference)
        put_in_place(draft, folder)
    return Imported(load_package(folder), difference, len(checked.check))


def _run_original(request: ImportRequest, ask: Ask) -> tuple[Checked, Exported]:
    """Do everything that needs the original in memory; it is freed when this returns."""
    source = open_source(request)
    stated = read_inputs(request.inputs) if request.inputs else {}
    request, samples, traits = _settle_samples(request, source, stated, ask)
    columns = traits.columns or ()
    inputs = infer_inputs(columns, samples, stated, ranges=request.ranges, renamed=request.rename)
    fields = settle(columns, inputs)
    records = sample_records(columns, fields, samples)
    probes = find_missing(source, columns, fields, inputs, records)
    mark_nullable(inputs, {probe.name for probe in probes})
    require_values(inputs, records, columns)
    check = _with_a_long_text(records, traits, fields)
    raw = np.asarray(source.answers(check, fields), dtype=np.float64)
    request, decision = _settle_outputs(request, traits, samples, raw, ask)
    checked = Checked(
        request=request,
        kind=source.kind,
        frameworks=source.frameworks,
        samples=samples,
        decision=decision,
        inputs=inputs,
        records=records,
        check=check,
        reference=activate(raw, decision.activation),
        probes=[replace(probe, answer=activate(probe.answer[None, :], decision.activation)) for probe in probes],
        truth=true_answers(decision, traits, samples),
    )
    return checked, source.export(fields)


def _settle_samples(
    request: ImportRequest, source: Source, stated: Mapping[str, Any], ask: Ask
) -> tuple[ImportRequest, Samples, Traits]:
    request, samples = _with_samples(request, source, stated)
    suggestion = field_name(Path(request.origin.rpartition(":")[2]).stem).replace("_", "-")
    questions = first_questions(request, source.traits(samples), samples, suggestion)
    request = ask_for(request, questions, ask)
    # The answers may have named the file, or columns in it that are not inputs.
    request, samples = _with_samples(request, source, stated)
    if samples is None:
        raise InputError.of("--records", f"is required: a file that ends in {ENDINGS}")
    return request, samples, source.traits(samples)


def _with_samples(
    request: ImportRequest, source: Source, stated: Mapping[str, Any]
) -> tuple[ImportRequest, Samples | None]:
    """The sample records, if any, and the request with the names that their columns of true answers have."""
    traits = source.traits(None)
    if request.records is None:
        samples = source.examples(list(stated))
    else:
        samples = read_samples(request.records, request.label_column, answer_names(request, traits))
    return with_names_of(request, traits, samples), samples


def _settle_outputs(
    request: ImportRequest, traits: Traits, samples: Samples, raw: Numbers, ask: Ask
) -> tuple[ImportRequest, Decision]:
    request = ask_for(request, output_questions(request, traits, raw.shape[1], samples), ask)
    task = task_of(request, traits, raw.shape[1], samples) or ""
    request = ask_for(request, output_questions(request, traits, raw.shape[1], samples), ask)
    request = ask_for(request, answer_questions(task, request, traits, raw), ask)
    return request, decide(request, traits, samples, raw)


def _with_a_long_text(records: Sequence[Record], traits: Traits, fields: Fields) -> list[Record]:
    """Append a text longer than any model takes, to check that the tokenizer truncates it."""
    if traits.task != "text-classification":
        return list(records)
    texts = " ".join(str(record[fields.names[0]]) for record in records) + " "
    long = (texts * (_LONG_TEXT // len(texts) + 1))[:_LONG_TEXT]
    return [*records, {fields.names[0]: long}]


def _write(draft: Path, checked: Checked, exported: Exported, number: int) -> Package:
    """Write the graph; the package is not sealed yet."""
    graph = finish(exported.draft, checked.decision.activation, width(checked.decision.outputs))
    if graph.file is not None:
        shutil.copyfile(graph.file, draft / GRAPH)
    else:
        write_graph(draft / GRAPH, graph)
    if exported.tokenizer is not None:
        (draft / TOKENIZER).write_text(exported.tokenizer, encoding="utf-8")
    document = manifest_document(checked, graph.inputs, graph.output, number)
    return Package(draft, draft_manifest(document))


def _without_wrong_nulls(package: Package, checked: Checked) -> Package:
    """The package whose inputs are nullable only where the graph's answers without them are the original's.

    Inputs that the samples lack are kept, since the check of the samples decides on them.
    """
    predictor, wrong = Predictor(package), set()
    for probe in checked.probes:
        try:
            difference = largest_difference(checked.decision, probe.answer, predictor.predict([probe.record]))
        except PredictionError:
            difference = math.inf
        lacking = any(record[probe.name] is None for record in checked.records)
        if not lacking and not difference <= checked.request.tolerance:
            wrong.add(probe.name)
    inputs = tuple(
        field.model_copy(update={"nullable": False}) if field.name in wrong else field
        for field in package.manifest.inputs
    )
    return Package(package.folder, package.manifest.model_copy(update={"inputs": inputs}))


def _predict(package: Package, checked: Checked) -> list[Output]:
    """Predict one record, then batches, then the long text, because the graph must take batches of any size."""
    predictor = Predictor(package)
    records, count = checked.check, len(checked.records)
    outputs = predictor.predict(records[:1])
    for start in range(1, count, _BATCH):
        outputs += predictor.predict(records[start : min(start + _BATCH, count)])
    return outputs + predictor.predict(records[max(count, 1) :])


def _compare(checked: Checked, outputs: Sequence[Output]) -> float:
    difference = largest_difference(checked.decision, checked.reference, outputs)
    tolerance = checked.request.tolerance
    if not difference <= tolerance:
        what = "a probability" if checked.decision.labels else "a value, relative to the largest one,"
        raise CheckFailedError(
            f"the export differs from the original by up to {difference:.2g} in {what} on {len(outputs)} records; "
            f"--tolerance is {tolerance:g}; nothing was written"
        )
    return difference


def _complete(package: Package, checked: Checked, outputs: Sequence[Output], difference: float) -> None:
    """Write baseline, quality and card from the sample records without the long text, and seal the package."""
    manifest, own = package.manifest, list(outputs[: len(checked.records)])
    golden = read_given(checked.request.golden, manifest).records if checked.request.golden else None
    trained = checked.request.training
    seen = read_trained_pieces(trained, manifest, checked.request.rename) if trained else {}
    write_measurements(ValidationRun(package, checked.records, own, checked.truth or (), golden, seen=seen))
    figures = quality(manifest, own, checked.truth) if checked.truth else {}
    figures["largest_difference"] = difference
    data = f"{checked.samples.name}, {len(own)} records"
    document = manifest.model_dump(mode="json", exclude_unset=True, exclude={"files"})
    document["quality"] = [
        {"metric": metric, "value": float(f"{value:.6g}"), "data": data} for metric, value in figures.items()
    ]
    card = model_card(draft_manifest(document), kind=checked.kind, about=read_about(checked.request.about))
    package.path(CARD).write_text(card, encoding="utf-8")
    seal_package(package.folder, document)
