"""The order that every compression gets, and how it becomes a sealed package, completely or not at all."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.compression.bench import Bench, Verdict, refuse_drop
from slipway.models.compression.card import compressed_card
from slipway.models.compression.progress import Watch, silent
from slipway.models.compression.report import Report, compare
from slipway.models.extras import need
from slipway.models.gates.labelled import Labelled, read_given
from slipway.models.importing.packaging import CARD, draft_beside
from slipway.models.manifest import Manifest
from slipway.models.measurements.renewal import ValidationRun, write_measurements
from slipway.models.measurements.trained_pieces import known_pieces
from slipway.models.package import BASELINE, CALIBRATION, MANIFEST, Package, load_package, seal_package


@dataclass(frozen=True, slots=True)
class CompressionJob:
    """``data`` are records, labelled or not, that quality and agreement are measured on.

    ``max_drop`` is the budget (see `Verdict.drop`), ``seconds`` how long each latency is measured, and ``watch`` shows
    the progress of long steps. ``golden`` are records that the new package may hold word for word, by default those of
    ``data``, and ``processors`` Pythons that run on other processors, to measure its tolerance with. With ``in_place``,
    the original was never a version itself, and the new package has its number.
    """

    original: Package
    data: Path
    output: Path
    command: str
    version: int | None = None
    max_drop: float = 0.005
    seconds: float = 2.0
    task_modules: tuple[str, ...] = ()
    watch: Watch = silent
    golden: Path | None = None
    processors: tuple[Path, ...] = ()
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What a compression did: ``summary`` for people, ``parameters`` to reproduce it.

    ``document`` holds the parts of the manifest that it changes, ``used`` the files that it learned from.
    """

    summary: str
    parameters: Mapping[str, Any]
    document: Mapping[str, Any] = field(default_factory=dict)
    used: tuple[Labelled, ...] = ()


@dataclass(frozen=True, slots=True)
class Compressed:
    """The finished package, what was done, and the comparison with the original."""

    package: Package
    change: Change
    report: Report


def compress(job: CompressionJob, make: Callable[[Package, Bench], Change]) -> Compressed:
    """Have ``make`` change the graph (and tokenizer) of a draft, judge it, and put the whole package in its place.

    Raises:
        InputError: the output already exists, or the data does not hold records of the original.
        CheckFailedError: the drop exceeds the budget.
    """
    before = job.original.manifest.version
    number = before if job.in_place else version_of(job.output, job.version, before)
    data = read_given(job.data, job.original.manifest)
    bench = Bench(job.original, data, job.task_modules)
    with draft_beside(job.output) as folder:
        _copy_files(job.original, folder)
        draft = Package(folder, job.original.manifest)
        change = make(draft, bench)
        verdict = bench.judge(draft)
        refuse_drop(verdict, job.max_drop, bench.label)
        document = {**_document(job.original), **change.document, "version": number}
        document["training"] = _training(job, bench, change)
        made = complete(folder, document, bench, verdict, change=change, job=job)
        report = compare(bench, made, verdict, seconds=job.seconds)
        folder.rename(job.output)
    return Compressed(load_package(job.output), change, report)


def version_of(output: Path, version: int | None, before: int) -> int:
    """The number of the new version: as given, else the folder's name, else the one after ``before``."""
    if output.exists():
        raise InputError.of("--output", f"{output} already exists; versions never change")
    named = int(output.name) if output.name.isdecimal() and int(output.name) > 0 else None
    number = version or named or before + 1
    if number == before:
        raise InputError.of("--version", f"{number} is the original's version; the new one needs another number")
    return number


def complete(
    folder: Path, document: Mapping[str, Any], bench: Bench, verdict: Verdict, *, change: Change, job: CompressionJob
) -> Package:
    """Write quality, all measurements and the model card as measured on the bench, and seal the package."""
    figures = {**verdict.quality, "agreement": verdict.agreement}
    whole = {
        **document,
        "quality": [
            {"metric": metric, "value": float(f"{value:.6g}"), "data": bench.label} for metric, value in figures.items()
        ],
    }
    manifest = unsealed(folder, whole)
    draft, data = Package(folder, manifest), bench.data
    golden = read_given(job.golden, manifest).records if job.golden else None
    write_measurements(
        ValidationRun(
            draft,
            data.records,
            verdict.outputs,
            data.labels,
            golden,
            bench.task_modules,
            processors=job.processors,
            seen=known_pieces(bench.original),
        )
    )
    card = compressed_card(draft, bench, verdict, change.summary)
    (folder / CARD).write_text(card, encoding="utf-8")
    return seal_package(folder, whole)


def _document(package: Package) -> dict[str, Any]:
    return package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files"})


def _training(job: CompressionJob, bench: Bench, change: Change) -> dict[str, Any]:
    """The data of the original stays: its weights come from there."""
    original = _document(job.original)
    training = original["training"]
    kept = {key: training[key] for key in ("seed", "teacher") if training.get(key) is not None}
    known = {entry["name"] for entry in training.get("data", ())}
    used = [data_set(data) for data in change.used if data.name not in known]
    parameters = {**change.parameters, "max_drop": job.max_drop, "measured_on": data_set(bench.data)}
    return {
        "command": job.command,
        "data": [*training.get("data", ()), *used],
        "parameters": {**parameters, "original": {"version": original["version"], "training": training}},
        "parent": original["version"],
        **kept,
    }


def data_set(data: Labelled) -> dict[str, Any]:
    """A file of records as an entry of the manifest."""
    return {"name": data.name, "rows": len(data.records), "sha256": data.sha256}


def unsealed(folder: Path, document: Mapping[str, Any]) -> Manifest:
    """The manifest with placeholders for the files' sizes and digests."""
    names = {CARD, BASELINE, *(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())}
    files = [{"path": name, "bytes": 0, "sha256": "0" * 64} for name in sorted(names)]
    return Manifest.model_validate({**document, "files": files})


def _copy_files(original: Package, folder: Path) -> None:
    """Copy all files except those that are written again; the new graph is always a single file."""
    manifest = original.manifest
    anew = {manifest.graph.file, MANIFEST, BASELINE, CALIBRATION, CARD, *_external(original)}
    for entry in manifest.files:
        if entry.path not in anew:
            target = folder / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original.path(entry.path), target)
    (folder / manifest.graph.file).parent.mkdir(parents=True, exist_ok=True)


def _external(original: Package) -> set[str]:
    """The package's files with the graph's external weights."""
    onnx = need("onnx", "import")
    file = Path(original.manifest.graph.file)
    model = onnx.load(original.path(str(file)), load_external_data=False)
    places = (
        entry.value for tensor in model.graph.initializer for entry in tensor.external_data if entry.key == "location"
    )
    return {(file.parent / place).as_posix() for place in places}
