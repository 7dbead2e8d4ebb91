"""Measure a package's draft on validation records: the files that it keeps of them, each written by one of `STEPS`.

Every path that makes a package calls `write_measurements` before it seals; `measure_again` does the same to a package
that exists.
"""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway.models.baseline import measure_baseline, write_baseline
from slipway.models.labels import Truth
from slipway.models.manifest import Record
from slipway.models.package import BASELINE, MANIFEST, Package, load_package, seal_package
from slipway.models.pieces import SeenPieces
from slipway.models.predictor import Predictor
from slipway.models.tasks import Output
from slipway.models.trained_pieces import known_pieces


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """A package whose files are being written, and its answers to validation records.

    ``outputs`` has one answer for each of ``records``, each predicted alone, since a batch may change an answer.
    ``labels`` has the true answers, or is empty. ``golden`` are the records that the package may hold word for word;
    None allows any of ``records``. ``seen`` has the pieces of the training texts, by input, where they are known.
    """

    package: Package
    records: Sequence[Record]
    outputs: Sequence[Output]
    labels: Sequence[Truth] = ()
    golden: Sequence[Record] | None = None
    task_modules: tuple[str, ...] = ()
    seen: Mapping[str, SeenPieces] = field(default_factory=dict)


Step = Callable[[ValidationRun], None]
"""Measures one thing, and writes it to a file of its own in the package's folder."""


def _baseline(run: ValidationRun) -> None:
    baseline = measure_baseline(run.package.manifest, run.records, run.outputs, seen=run.seen)
    write_baseline(run.package.path(BASELINE), baseline)


STEPS: tuple[Step, ...] = (_baseline,)


def write_measurements(run: ValidationRun) -> None:
    """Take every step; the package is not sealed yet, and sealing lists the files."""
    for step in STEPS:
        step(run)


def measure_again(
    package: Package,
    records: Sequence[Record],
    labels: Sequence[Truth] = (),
    *,
    golden: Sequence[Record] | None = None,
    task_modules: Sequence[str] = (),
    seen: Mapping[str, SeenPieces] | None = None,
) -> Package:
    """Write everything that a package keeps of its validation records anew, seal it, and put it in its old place.

    The graph, the tokenizer and the rest of the manifest stay, as does what the baseline has of training texts, if
    ``seen`` does not replace it. If anything fails, the package stays as it was.

    Raises:
        InputError: there are no records, or an input has no value in any of them.
        PackageError, PredictionError: the package cannot be opened, contradicts the records, or fails on one.
    """
    predictor = Predictor(package, task_modules=task_modules)
    outputs = [output for record in records for output in predictor.predict([record])]
    seen = {**known_pieces(package), **(seen or {})}
    run = ValidationRun(package, records, outputs, labels, golden, tuple(task_modules), seen)
    folder = package.folder
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.draft")
    try:
        shutil.copytree(folder, draft, symlinks=True, ignore=_manifest_of(folder))
        write_measurements(replace(run, package=Package(draft, package.manifest)))
        seal_package(draft, package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files"}))
        _replace(folder, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return load_package(folder)


def _manifest_of(folder: Path) -> Callable[[str, list[str]], list[str]]:
    return lambda place, names: [MANIFEST] if Path(place) == folder and MANIFEST in names else []


def _replace(folder: Path, draft: Path) -> None:
    """Put the draft in the folder's place; the folder is moved aside first, since a rename cannot replace it."""
    aside = folder.with_name(f"{draft.name}.before")
    folder.rename(aside)
    try:
        draft.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside)
