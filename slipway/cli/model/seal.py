"""`slipway model seal`: seal a manifest that was edited by hand, and what other commands say of seals and proofs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.options import ConfigFile
from slipway.errors import InputError
from slipway.models.manifest import BUILT_IN_TASKS
from slipway.models.measurements.golden import has_golden
from slipway.models.package import MANIFEST, Package, load_edited, seal_manifest
from slipway.wording import counted


def seal(
    folder: Annotated[Path, typer.Argument(help="The package, e.g. models/tweet-sentiment/3.")],
    *,
    records: Annotated[
        Path | None,
        typer.Option(
            help="Validation records to measure the package on anew: CSV, TSV, JSONL, Parquet; labels in `label`."
        ),
    ] = None,
    golden: Annotated[
        Path | None, typer.Option(help="Records that the package may hold word for word. Default: some of --records.")
    ] = None,
    processor: Annotated[
        list[Path] | None,
        typer.Option(help="Python of another processor, to measure the golden records' tolerance with; repeatable."),
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="Texts that the model was trained on, to notice words that it never saw.")
    ] = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Seal a model.yaml that was edited by hand; with --records, first measure the package anew."""
    for option, given in {"--golden": golden, "--training": training}.items():
        if given is not None and records is None:
            raise InputError.of(option, "needs --records")
    if records is None:
        manifest = seal_manifest(folder).manifest
    else:
        manifest = _measured(folder, _Given(records, golden, training, tuple(processor or ())), config).manifest
    inputs, labels, targets = counted(len(manifest.inputs), "input"), manifest.outputs.labels, manifest.outputs.targets
    content = [manifest.task, inputs, *([f"labels {', '.join(labels)}"] if labels else [])]
    content += [f"targets {', '.join(manifest.outputs.target_names)}"] if targets else []
    lines = (
        f"Sealed {folder / MANIFEST}: {manifest.name} {manifest.version}, {', '.join(content)}.",
        f"{counted(len(manifest.files), 'file')} checked. The seal is {manifest.seal}.",
    )
    Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Given:
    """What a package is measured with: files of records, and Pythons of other processors."""

    records: Path
    golden: Path | None
    training: Path | None
    processors: tuple[Path, ...]


def _measured(folder: Path, given: _Given, config: Path) -> Package:
    # Every command loads this module, and only this one needs numpy and ONNX Runtime.
    from slipway.cli.project import load_project
    from slipway.models.gates.labelled import read_given
    from slipway.models.measurements.renewal import measure_again
    from slipway.models.measurements.trained_pieces import read_trained_pieces

    package = load_edited(folder)
    data = read_given(given.records, package.manifest)
    return measure_again(
        package,
        data.records,
        data.labels,
        golden=read_given(given.golden, package.manifest).records if given.golden else None,
        task_modules=load_project(config).light.task_modules if config.exists() else (),
        processors=given.processors,
        seen=read_trained_pieces(given.training, package.manifest) if given.training else None,
    )


def prove_here(package: Package, task_modules: Sequence[str]) -> None:
    """Have a package prove itself on this machine, or warn that it cannot.

    Raises:
        GoldenError: it does not give the answers that its golden records expect.
    """
    from slipway.models.measurements.golden import prove
    from slipway.models.prediction.predictor import Predictor

    task = package.manifest.task
    if not has_golden(package.manifest):
        warn_unproved(package)
    elif task in BUILT_IN_TASKS or task.partition(":")[0] in task_modules:
        prove(Predictor(package, task_modules=task_modules))
    else:
        message = f"has not proved itself here, since its task {task} is not among `light.task_modules`"
        typer.echo(f"warning: {package.folder} {message}", err=True)


def warn_unproved(package: Package) -> None:
    """Warn on standard error if the package has no golden records to prove itself with."""
    if not has_golden(package.manifest):
        message = "has no golden records, so a wrong answer of it passes unseen"
        way_out = f"`slipway model seal {package.folder} --records FILE` makes some"
        typer.echo(f"warning: {package.folder} {message}; {way_out}", err=True)


def warn_unsealed(package: Package) -> None:
    """Warn on standard error if changes to the manifest would pass unseen."""
    if package.manifest.seal is None:
        message = f"has no seal, so changes to it pass unseen; `slipway model seal {package.folder}` adds one"
        typer.echo(f"warning: {package.folder / MANIFEST} {message}", err=True)
