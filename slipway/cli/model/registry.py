"""`slipway model check`, `register`, `pull`, `diff` and `deprecate`: the gates and the registry."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.exits import Exit
from slipway.cli.model.gate_report import check_document, print_check
from slipway.cli.model.local_packages import Project
from slipway.cli.model.registry_target import BucketName, TableName, Target, find_target
from slipway.cli.model.seal import prove_here, warn_unproved, warn_unsealed
from slipway.cli.model.version_report import print_difference, print_versions
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.errors import InputError, NotFoundError
from slipway.models.gates.checking import check_package
from slipway.models.manifest import Manifest
from slipway.models.package import Package, load_package
from slipway.models.registry.difference import compare_versions
from slipway.models.registry.submission import newest_package, submit_package
from slipway.models.registry.versions import Origin, VersionRecord
from slipway.models.servable import require_servable

Model = Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")]
LocalVersion = Annotated[
    str, typer.Argument(metavar="VERSION|FOLDER", help="A version on this machine, or a package folder.")
]
Number = Annotated[int, typer.Argument(help="The version's number in the registry.", min=1)]
Data = Annotated[Path | None, typer.Option(help="Labelled records: CSV, TSV, JSONL, Parquet. Default: gates.labelled.")]
Seconds = Annotated[float, typer.Option(help="Seconds per latency measurement.", min=0.01)]
_ADD = "`slipway model register` adds one"
By = Annotated[str | None, typer.Option(help="Who does this. Default: the identity of the AWS credentials, as an ARN.")]


def check(
    model: Model,
    version: LocalVersion,
    *,
    data: Data = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="VERSION|FOLDER", help="What to compare with. Default: the previous version here."),
    ] = None,
    registry: Annotated[
        bool, typer.Option("--registry", help="Compare with the registry's newest version, as `register` does.")
    ] = False,
    seconds: Seconds = 1.0,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Check a package against its gates in slipway.yaml; exit with code 1 if one fails or there is none."""
    if registry and against is not None:
        raise InputError.of("--against and --registry", "cannot be combined")
    project = Project(config, model)
    package = project.package(version)
    warn_unsealed(package)
    warn_unproved(package)
    require_servable(project.settings, package.manifest)
    with _before(project, package, against, find_target(config, table, bucket) if registry else None) as previous:
        found = check_package(
            package,
            project.model.gates,
            previous=previous,
            labelled=project.labelled(data),
            seconds=seconds,
            task_modules=project.settings.light.task_modules,
        )
    if as_json:
        print_json({"model": model, "version": package.manifest.version, **check_document(found)})
    else:
        print_check(Console(), f"{model} {version}", found)
    if not found.passed:
        raise typer.Exit(Exit.REFUSED)


def register(
    model: Model,
    version: LocalVersion,
    *,
    data: Data = None,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Register a package that did not pass; the reason is recorded.")
    ] = None,
    parent: Annotated[int | None, typer.Option(help="Version that this one was made from.", min=1)] = None,
    by: By = None,
    seconds: Seconds = 1.0,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Check a package against the registry's newest version, and register it as the next one."""
    project = Project(config, model)
    package = project.package(version)
    warn_unsealed(package)
    warn_unproved(package)
    if force is None:
        require_servable(project.settings, package.manifest)
    target = find_target(config, table, bucket)
    record = submit_package(
        target.open(),
        package,
        project.model.gates,
        Origin(by=by or target.caller(), git_commit=project.commit(), parent=parent),
        labelled=project.labelled(data),
        force=force,
        seconds=seconds,
        task_modules=project.settings.light.task_modules,
    )
    if as_json:
        typer.echo(record.model_dump_json())
        return
    console = Console()
    print_check(console, f"{model} {version}", record.check)
    console.print(f"Registered as [bold]{record.label}[/] in {target.place} (bucket {target.bucket}).", soft_wrap=True)
    if package.manifest.version != record.number:
        console.print(f"`slipway model pull {model} {record.number}` writes it to its folder here.")


def pull(
    model: Model,
    number: Number,
    *,
    into: Annotated[Path | None, typer.Option(help="Folder to write to. Default: the model's folder.")] = None,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Write a version of the registry to a folder here, with every file checked, and have it prove itself here."""
    folder = into or Project(config, model).folder / str(number)
    target = find_target(config, table, bucket)
    package = target.open().pull(model, number, folder)
    Console().print(f"{model} {number} of {target.place} is in {package.folder}.", soft_wrap=True)
    prove_here(package, load_project(config).light.task_modules if config.exists() else ())


def deprecate(
    model: Model,
    number: Number,
    *,
    reason: Annotated[str, typer.Option(help="Why it should no longer be used.")],
    by: By = None,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Mark a version as deprecated; its files stay."""
    target = find_target(config, table, bucket)
    record = target.open().deprecate(model, number, reason=reason, by=by or target.caller())
    mark = record.deprecated
    if mark is not None:
        Console().print(f"{record.label} is deprecated since {mark.at:%Y-%m-%d %H:%M}: {mark.reason}", markup=False)


def diff(
    model: Model,
    before: Annotated[str, typer.Argument(metavar="A", help="A version of the registry, or a package folder.")],
    after: Annotated[str, typer.Argument(metavar="B", help="A version of the registry, or a package folder.")],
    *,
    table: TableName = None,
    bucket: BucketName = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show the differences between two versions: schema, files, quality and size."""
    target = cache(partial(find_target, config, table, bucket))
    first, second = (_manifest(model, side, target) for side in (before, after))
    difference = compare_versions(first, second)
    if as_json:
        print_json(asdict(difference))
    else:
        print_difference(Console(), before, after, difference)


def _manifest(model: str, side: str, target: Callable[[], Target]) -> Manifest:
    if not side.isdecimal():
        return load_package(Path(side)).manifest
    registry = target().open()
    return registry.manifest(registry.version(model, int(side)))


def _before(
    project: Project, package: Package, against: str | None, target: Target | None
) -> AbstractContextManager[Package | None]:
    """The package to compare with."""
    if target is not None:
        return newest_package(target.open(), package.manifest.name)
    return nullcontext(project.before(package) if against is None else project.package(against))


def list_registered(target: Target, model: str | None, models: Sequence[str], *, as_json: bool) -> None:
    """Print the registry's versions of one model, or of all ``models``; raises NotFoundError if the one has none."""
    registry = target.open()
    records = [record for name in ([model] if model else models) for record in registry.versions(name)]
    if model and not records:
        raise _not_registered(model, models)
    if as_json:
        print_json([record.model_dump(mode="json") for record in records])
    elif records:
        print_versions(Console(), records)
    else:
        Console().print(f"There are no versions in the registry of {target.place} yet; {_ADD}.", markup=False)


def _not_registered(model: str, models: Sequence[str] = ()) -> NotFoundError:
    others = [name for name in models if name != model]
    return NotFoundError("version of model", model, others, within="the registry", way_out=_ADD)


def find_registered(target: Target, model: str, number: int | None) -> tuple[VersionRecord, Manifest]:
    """Find a version in the registry, by default the newest that is not deprecated; raises NotFoundError."""
    registry = target.open()
    record = registry.version(model, number) if number is not None else registry.newest(model)
    if record is None:
        raise _not_registered(model)
    return record, registry.manifest(record)
