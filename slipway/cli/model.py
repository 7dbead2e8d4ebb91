"""`slipway model`: the packages of this project."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from slipway.cli.advise import advise
from slipway.cli.import_model import import_
from slipway.cli.options import AsJson, ConfigFile
from slipway.config import Config, load_config
from slipway.errors import NotFoundError
from slipway.models.manifest import Manifest
from slipway.models.package import load_package

app = typer.Typer(help="The model packages of this project.", no_args_is_help=True)
app.command("advise")(advise)
app.command("import")(import_)


@app.command("list")
def list_models(*, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """List the versions that slipway.yaml deploys; every file of each is checked against its digest."""
    settings = load_config(config)
    rows = [_row(settings, manifest) for manifest in _manifests(settings, config.parent)]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("model", "version", "stable", "task", "size", "quality")
    for row in rows:
        quality = "\n".join(f"{item['metric']} {item['value']:.3f} ({item['data']})" for item in row["quality"])
        stable = "yes" if row["stable"] else ""
        table.add_row(row["model"], str(row["version"]), stable, row["task"], f"{row['bytes'] / 1e6:.2f} MB", quality)
    Console().print(table)


@app.command("show")
def show_model(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    version: Annotated[int | None, typer.Argument(help="Default: the stable version.")] = None,
    *,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show one version: its schema, how it was made, its measured quality."""
    settings = load_config(config)
    manifest = _manifest(settings, config.parent, model, version)
    if as_json:
        typer.echo(manifest.model_dump_json())
        return
    console = Console()
    console.print(f"[bold]{manifest.name}[/] version {manifest.version}, {manifest.task}\n{manifest.description}\n")
    console.print(_inputs_table(manifest))
    for title, part in (("training", manifest.training), ("quantization", manifest.quantization)):
        console.print(f"[bold]{title}[/]", part.model_dump(mode="json", exclude_none=True) if part else "none")
    for item in manifest.quality:
        console.print(f"[bold]{item.metric}[/] {item.value:.4f} on {item.data}")


def _manifests(settings: Config, root: Path) -> Iterator[Manifest]:
    for name, model in settings.models.items():
        for version in model.versions:
            yield load_package(settings.model_folder(root, name) / str(version)).manifest


def _manifest(settings: Config, root: Path, name: str, version: int | None) -> Manifest:
    if name not in settings.models:
        raise NotFoundError("model", name, settings.models)
    model = settings.models[name]
    number = model.stable if version is None else version
    if number not in model.versions:
        raise NotFoundError(f"version of {name}", str(number), map(str, model.versions))
    return load_package(settings.model_folder(root, name) / str(number)).manifest


def _row(settings: Config, manifest: Manifest) -> dict[str, Any]:
    return {
        "model": manifest.name,
        "version": manifest.version,
        "stable": settings.models[manifest.name].stable == manifest.version,
        "task": manifest.task,
        "bytes": sum(entry.bytes for entry in manifest.files),
        "quality": [item.model_dump() for item in manifest.quality],
    }


def _inputs_table(manifest: Manifest) -> Table:
    table = Table("input", "type", "from", "limits", "default")
    for field in manifest.inputs:
        limits = [
            f"{name} {value}"
            for name in ("min", "max", "allowed", "max_characters")
            if (value := getattr(field, name)) is not None
        ]
        default = "" if field.default is None else str(field.default)
        table.add_row(field.name, field.type, field.group or "request", ", ".join(limits), default)
    return table
