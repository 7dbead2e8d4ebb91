"""`slipway model seal`: seal a manifest that was edited by hand, and the warning about one without a seal."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.options import ConfigFile
from slipway.errors import InputError
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
    training: Annotated[
        Path | None, typer.Option(help="Texts that the model was trained on, to notice words that it never saw.")
    ] = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Seal a model.yaml that was edited by hand; with --records, first measure the package anew."""
    for option, given in {"--golden": golden, "--training": training}.items():
        if given is not None and records is None:
            raise InputError.of(option, "needs --records")
    package = seal_manifest(folder) if records is None else _measured(folder, records, golden, training, config)
    manifest = package.manifest
    inputs, labels, targets = counted(len(manifest.inputs), "input"), manifest.outputs.labels, manifest.outputs.targets
    content = [manifest.task, inputs, *([f"labels {', '.join(labels)}"] if labels else [])]
    content += [f"targets {', '.join(manifest.outputs.target_names)}"] if targets else []
    lines = (
        f"Sealed {folder / MANIFEST}: {manifest.name} {manifest.version}, {', '.join(content)}.",
        f"{counted(len(manifest.files), 'file')} checked. The seal is {manifest.seal}.",
    )
    Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _measured(folder: Path, records: Path, golden: Path | None, training: Path | None, config: Path) -> Package:
    # Every command loads this module, and only this one needs numpy and ONNX Runtime.
    from slipway.cli.project import load_project
    from slipway.models.gates.labelled import read_given
    from slipway.models.renewal import measure_again
    from slipway.models.trained_pieces import read_trained_pieces

    package = load_edited(folder)
    data = read_given(records, package.manifest)
    return measure_again(
        package,
        data.records,
        data.labels,
        golden=read_given(golden, package.manifest).records if golden else None,
        task_modules=load_project(config).light.task_modules if config.exists() else (),
        seen=read_trained_pieces(training, package.manifest) if training else None,
    )


def warn_unsealed(package: Package) -> None:
    """Warn on standard error if changes to the manifest would pass unseen."""
    if package.manifest.seal is None:
        message = f"has no seal, so changes to it pass unseen; `slipway model seal {package.folder}` adds one"
        typer.echo(f"warning: {package.folder / MANIFEST} {message}", err=True)
