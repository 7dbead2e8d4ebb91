"""`slipway model seal`: seal a manifest that was edited by hand, and the warning about one without a seal."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.models.package import MANIFEST, Package, seal_manifest
from slipway.wording import counted


def seal(folder: Annotated[Path, typer.Argument(help="The package, e.g. models/tweet-sentiment/3.")]) -> None:
    """Seal a model.yaml that was edited by hand, once the package's other files and baseline match it."""
    manifest = seal_manifest(folder).manifest
    inputs, labels, targets = counted(len(manifest.inputs), "input"), manifest.outputs.labels, manifest.outputs.targets
    content = [manifest.task, inputs, *([f"labels {', '.join(labels)}"] if labels else [])]
    content += [f"targets {', '.join(manifest.outputs.target_names)}"] if targets else []
    lines = (
        f"Sealed {folder / MANIFEST}: {manifest.name} {manifest.version}, {', '.join(content)}.",
        f"{counted(len(manifest.files), 'file')} checked. The seal is {manifest.seal}.",
    )
    Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def warn_unsealed(package: Package) -> None:
    """Warn on standard error if changes to the manifest would pass unseen."""
    if package.manifest.seal is None:
        message = f"has no seal, so changes to it pass unseen; `slipway model seal {package.folder}` adds one"
        typer.echo(f"warning: {package.folder / MANIFEST} {message}", err=True)
