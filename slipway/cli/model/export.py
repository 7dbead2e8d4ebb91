"""`slipway model export`: a package for a browser or for a device."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from slipway.cli.model.local_packages import Project
from slipway.cli.options import AsJson, ConfigFile, print_json

if TYPE_CHECKING:
    from slipway.models.package import Package


class Target(StrEnum):
    """Where the package is to run."""

    WEB = "web"
    DEVICE = "device"


def export(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    version: Annotated[str, typer.Argument(help="The version, or the folder of a package.")],
    *,
    target: Annotated[Target, typer.Option(help="web: a folder for any static host. device: a Greengrass component.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder to write; only an earlier export is replaced.")
    ],
    node_modules: Annotated[
        Path | None, typer.Option(help="web: the folder that `npm ci` fills. Default: beside slipway.yaml.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option(help="device: the lock to install. Default: requirements/runtime.lock of Slipway.")
    ] = None,
    artifacts: Annotated[
        str | None, typer.Option(help="device: the s3:// folder that Greengrass fetches the archive from.")
    ] = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Write one version as a folder that runs outside the account, and proves itself there."""
    package = Project(config, model).package(version)
    if target is Target.WEB:
        document = _web(package, output, node_modules or config.parent / "node_modules")
    else:
        document = _device(package, output, lock, artifacts)
    lines = document.pop("lines")
    if as_json:
        print_json(document)
        return
    Console().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _web(package: "Package", output: Path, node_modules: Path) -> dict[str, Any]:
    # Only this command needs ONNX Runtime.
    from slipway.edge.node import prove_in_node
    from slipway.edge.web import export_web

    made = export_web(package, output, node_modules=node_modules)
    proof = prove_in_node(output)
    model = f"{package.manifest.name} {package.manifest.version}"
    size = f"{made.bytes / 1e6:.1f} MB, of which {made.runtime_bytes / 1e6:.1f} MB are the runtime"
    if proof is None:
        said = "Not proved, since there is no Node on the path: open the page, which proves itself."
    else:
        said = (
            f"Proved in Node: {proof.records} golden records, largest difference {proof.largest:.2g}, "
            f"{proof.tolerance:g} is allowed; {proof.median_ms:.2f} ms a record."
        )
    lines = [f"Exported {model} to {output}: {size}.", said, f"Try it: python -m http.server -d {output}"]
    return {
        "folder": str(output),
        "digest": made.digest,
        "bytes": made.bytes,
        "proof": proof and asdict(proof),
        "lines": lines,
    }


def _device(package: "Package", output: Path, lock: Path | None, artifacts: str | None) -> dict[str, Any]:
    from slipway.edge.device_folder import LOCK, export_device
    from slipway.edge.greengrass import PLACEHOLDER

    made = export_device(package, output, lock=lock or LOCK, artifacts=artifacts or PLACEHOLDER)
    model = f"{package.manifest.name} {package.manifest.version}"
    lines = [
        f"Exported {model} to {output}: an archive of {made.archive_bytes / 1e6:.1f} MB, without the locked packages.",
        f"Archive: {made.archive}",
        f"Recipe:  {made.recipe}",
    ]
    if artifacts is None:
        lines.append("The recipe names no bucket yet: --artifacts s3://BUCKET/FOLDER fills it in.")
    return {
        "folder": str(output),
        "archive": str(made.archive),
        "recipe": str(made.recipe),
        "bytes": made.archive_bytes,
        "lines": lines,
    }
