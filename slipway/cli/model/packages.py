"""`slipway model`: work with the packages of this project."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.model import compress
from slipway.cli.model import registry as registry_commands
from slipway.cli.model.advise import advise
from slipway.cli.model.export import export
from slipway.cli.model.import_model import import_
from slipway.cli.model.local_packages import numbers_in
from slipway.cli.model.registry_target import BucketName, TableName, find_target
from slipway.cli.model.seal import seal
from slipway.cli.model.version_report import print_lineage
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.cli.tables import new_table, plain_table
from slipway.config import Config
from slipway.errors import NotFoundError
from slipway.models.manifest import Manifest
from slipway.models.package import load_package

app = typer.Typer(help="Make, check and register model packages.", no_args_is_help=True)
app.command("advise")(advise)
app.command("export")(export)
app.command("import")(import_)
app.command("quantize")(compress.quantize)
app.command("prune")(compress.prune)
app.command("distill")(compress.distill)
app.command("seal")(seal)
app.command("check")(registry_commands.check)
app.command("register")(registry_commands.register)
app.command("pull")(registry_commands.pull)
app.command("diff")(registry_commands.diff)
app.command("deprecate")(registry_commands.deprecate)
FromRegistry = Annotated[bool, typer.Option("--registry", help="Read the registry instead of this machine.")]


@app.command("list")
def list_models(
    model: Annotated[str | None, typer.Argument(help="The model. Default: every model of slipway.yaml.")] = None,
    *,
    registry: FromRegistry = False,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """List and check the versions that slipway.yaml deploys, or list those of the registry."""
    if registry:
        models = list(load_project(config).models)
        registry_commands.list_registered(find_target(config, table, bucket), model, models, as_json=as_json)
        return
    settings = load_project(config)
    if model is not None and model not in settings.models:
        raise NotFoundError("model", model, settings.models)
    rows = list(_rows(settings, config.parent, model))
    if as_json:
        print_json(rows)
        return
    Console().print(_models_table(rows))


def _models_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row per model, and one per version below it."""
    table = plain_table("model", "size", "quality")
    for model, versions in groupby(rows, key=itemgetter("model")):
        listed = list(versions)
        task = next((row["task"] for row in listed if row["task"]), "")
        table.add_row(f"[bold]{escape(model)}[/] {task}".rstrip())
        for row in listed:
            first = {item["metric"]: item["value"] for item in reversed(row["quality"])}
            quality = "\n".join(f"{metric} {value:.3f}" for metric, value in reversed(first.items()))
            name = f"  version {row['version']}{', stable' if row['stable'] else ''}"
            size = f"{row['bytes'] / 1e6:.2f} MB" if row["here"] else "in the registry"
            table.add_row(name, size, escape(quality))
    return table


@app.command("show")
def show_model(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    version: Annotated[
        int | None, typer.Argument(help="The version. Default: the stable one; with --registry, the newest.")
    ] = None,
    *,
    registry: FromRegistry = False,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show one version's schema, training and quality; with --registry, also its lineage and check."""
    if registry:
        target = find_target(config, table, bucket)
        record, manifest = registry_commands.find_registered(target, model, version)
        if as_json:
            both = {"record": record.model_dump(mode="json"), "manifest": manifest.model_dump(mode="json")}
            print_json(both)
        else:
            _print_manifest(manifest)
            print_lineage(Console(), record)
        return
    manifest = _manifest(load_project(config), config.parent, model, version)
    if as_json:
        typer.echo(manifest.model_dump_json())
    else:
        _print_manifest(manifest)


def _print_manifest(manifest: Manifest) -> None:
    console = Console()
    console.print(f"[bold]{manifest.name}[/] version {manifest.version}, {manifest.task}\n{manifest.description}\n")
    console.print(_inputs_table(manifest))
    for title, part in (("training", manifest.training), ("quantization", manifest.quantization)):
        console.print(f"[bold]{title}[/]", part.model_dump(mode="json", exclude_none=True) if part else "none")
    for item in manifest.quality:
        console.print(f"[bold]{item.metric}[/] {item.value:.4f} on {item.data}")


def _rows(settings: Config, root: Path, only: str | None) -> Iterator[dict[str, Any]]:
    for name, model in settings.models.items():
        if only not in (None, name):
            continue
        for version in model.versions:
            folder = settings.model_folder(root, name) / str(version)
            row = {"model": name, "version": version, "stable": model.stable == version, "here": folder.exists()}
            yield {**row, **(_described(load_package(folder).manifest) if folder.exists() else _ELSEWHERE)}


def _manifest(settings: Config, root: Path, name: str, version: int | None) -> Manifest:
    if name not in settings.models:
        raise NotFoundError("model", name, settings.models)
    model = settings.models[name]
    number, folder = str(model.stable if version is None else version), settings.model_folder(root, name)
    if not (folder / number).is_dir():
        known, way_out = map(str, numbers_in(folder)), "`--registry` shows a version of the registry"
        raise NotFoundError(f"version of {name}", number, known, way_out=way_out)
    return load_package(folder / number).manifest


_ELSEWHERE: dict[str, Any] = {"task": None, "bytes": None, "quality": []}


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "task": manifest.task,
        "bytes": sum(entry.bytes for entry in manifest.files),
        "quality": [item.model_dump() for item in manifest.quality],
    }


def _inputs_table(manifest: Manifest) -> Table:
    table = new_table("input", "type", "from", "limits", "default")
    for field in manifest.inputs:
        limits = [
            f"{name} {value}"
            for name in ("min", "max", "allowed", "max_characters")
            if (value := getattr(field, name)) is not None
        ] + (["nullable"] if field.nullable else [])
        default = "" if field.default is None else str(field.default)
        table.add_row(field.name, field.type, field.group or "request", ", ".join(limits), default)
    return table
