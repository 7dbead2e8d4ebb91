"""Measure a package's draft on validation records: the files that it keeps of them, each written by one of `STEPS`.

Every path that makes a package calls `write_measurements` before it seals; `measure_again` does the same to a package
that exists.
"""

import logging
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from slipway.models.manifest import Record
from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.measurements.calibrating import measure_calibration
from slipway.models.measurements.calibration import write_calibration
from slipway.models.measurements.golden import GOLDEN, write_golden
from slipway.models.measurements.golden_choice import MOST_RECORDS, choose_records, make_golden
from slipway.models.measurements.pieces import SeenPieces
from slipway.models.measurements.trained_pieces import known_pieces
from slipway.models.package import BASELINE, CALIBRATION, MANIFEST, Package, load_package, seal_package
from slipway.models.prediction.labels import Truth
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Output

_LOG = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """A package whose files are being written, and its answers to validation records.

    ``outputs`` has one answer for each of ``records``, each predicted alone, since a batch may change an answer.
    ``labels`` has the true answers, or is empty. ``golden`` are the records that the package may hold word for word;
    None allows any of ``records``. ``processors`` are Pythons that run on other processors, to measure with. ``seen``
    has the pieces of the training texts, by input, where they are known.
    """

    package: Package
    records: Sequence[Record]
    outputs: Sequence[Output]
    labels: Sequence[Truth] = ()
    golden: Sequence[Record] | None = None
    task_modules: tuple[str, ...] = ()
    processors: tuple[Path, ...] = ()
    seen: Mapping[str, SeenPieces] = field(default_factory=dict)


Step = Callable[[ValidationRun], None]
"""Measures one thing, and writes it to a file of its own in the package's folder."""


def _baseline(run: ValidationRun) -> None:
    baseline = measure_baseline(run.package.manifest, run.records, run.outputs, seen=run.seen)
    write_baseline(run.package.path(BASELINE), baseline)


def _golden(run: ValidationRun) -> None:
    """Write the golden records; none of those that the package had before stay."""
    package = run.package
    package.path(GOLDEN).unlink(missing_ok=True)
    golden = make_golden(package, _chosen(run), processors=run.processors, task_modules=run.task_modules)
    if golden is None:
        _LOG.warning("%s gets no golden records: it answers the same records differently each time", package.folder)
    else:
        write_golden(package.path(GOLDEN), golden)


def _chosen(run: ValidationRun) -> Sequence[Record]:
    if run.golden is None:
        return choose_records(run.records, run.outputs)
    if len(run.golden) <= MOST_RECORDS:
        return run.golden
    predictor = Predictor(run.package, task_modules=run.task_modules)
    return choose_records(run.golden, [output for one in run.golden for output in predictor.predict([one])])


def _calibration(run: ValidationRun) -> None:
    """Without labels, nothing new is known, and a calibration that is there stays."""
    if not run.labels:
        return
    path = run.package.path(CALIBRATION)
    measured = measure_calibration(run.package.manifest, run.outputs, run.labels)
    if measured is None:
        path.unlink(missing_ok=True)
    else:
        write_calibration(path, measured)


STEPS: tuple[Step, ...] = (_baseline, _golden, _calibration)


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
    processors: Sequence[Path] = (),
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
    run = ValidationRun(
        package, records, outputs, labels, golden, tuple(task_modules), processors=tuple(processors), seen=seen
    )
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
