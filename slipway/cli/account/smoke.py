"""`slipway smoke`: the deployed API answers the golden records of every version as the packages say."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.markup import escape

from slipway.aws.table import batched
from slipway.cli.api import Api, ApiError, connect
from slipway.cli.exits import Exit
from slipway.cli.model.local_packages import Project
from slipway.cli.options import AsJson, ConfigFile, Token, Url, print_json
from slipway.cli.project import load_project
from slipway.cli.tables import new_table
from slipway.config import Config
from slipway.errors import GoldenError, NotFoundError
from slipway.models.measurements.golden import GOLDEN, Golden, compare, has_golden, read_golden
from slipway.models.package import Package


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one version's golden records: ``wrong`` says what, and is None if all is as it should be."""

    model: str
    version: int
    records: int
    largest: float | None = None
    wrong: str | None = None


def smoke(
    *,
    api: Url = None,
    token: Token = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Send every version's golden records to the API, and compare the answers; exit code 1 if one differs."""
    settings = load_project(config)
    packages = list(_packages(config, settings))
    if not any(has_golden(package.manifest) for package in packages):
        raise NotFoundError("golden records", settings.project, way_out="`slipway model pull` fetches packages")
    with connect(api, token, config=config) as client:
        found = [_answered(client, package) for package in _served(client, settings, packages)]
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        _print(found)
    if any(each.wrong for each in found):
        raise typer.Exit(Exit.REFUSED)


def _packages(config: Path, settings: Config) -> Iterator[Package]:
    """The packages of this checkout that the API may serve."""
    for name, model in settings.models.items():
        project = Project(config, name)
        for version in model.versions:
            if (project.folder / str(version)).is_dir():
                yield project.package(str(version))


def _served(client: Api, settings: Config, packages: Iterable[Package]) -> Iterator[Package]:
    """Those that the API serves now: of a heavy model, the stable version, which a release may have changed."""
    stable = {name: client.get(_path(name))["release"]["stable"] for name in settings.heavy_models}
    for package in packages:
        if package.manifest.version == stable.get(package.manifest.name, package.manifest.version):
            yield package


def _answered(client: Api, package: Package) -> Answered:
    manifest, path = package.manifest, package.path(GOLDEN)
    if not has_golden(manifest):
        return Answered(manifest.name, manifest.version, 0)
    golden = read_golden(path)
    known = manifest.name, manifest.version, len(golden.records)
    try:
        return Answered(*known, largest=compare(path, golden, list(_answers(client, package, golden))).largest)
    except GoldenError as error:
        return Answered(*known, wrong=error.brief)
    except ApiError as error:
        return Answered(*known, wrong=str(error))


def _answers(client: Api, package: Package, golden: Golden) -> Iterator[dict[str, Any]]:
    """The answers, in batches as the package was measured; what an answer has beside the output is left out."""
    manifest = package.manifest
    path = f"{_path(manifest.name)}/versions/{manifest.version}/predict"
    for batch in batched(golden.records, golden.batch):
        answer = client.call_patiently("POST", path, {"inputs": [each.record for each in batch]})
        for one, prediction in zip(batch, answer["predictions"], strict=True):
            yield {name: prediction[name] for name in one.expected if name in prediction}


def _path(model: str) -> str:
    return f"/v1/models/{quote(model, safe='')}"


def _print(found: list[Answered]) -> None:
    console = Console()
    table = new_table("model", "version", "records", "difference", "")
    for each in found:
        largest = "–" if each.largest is None else f"{each.largest:.2g}"
        verdict = "[red]differs[/]" if each.wrong else "answers" if each.records else "has none"
        table.add_row(escape(each.model), str(each.version), str(each.records or "–"), largest, verdict)
    console.print(table)
    for each in found:
        if each.wrong:
            text = f"{each.model} {each.version}: {each.wrong}"
            console.print(escape(text), style="red", highlight=False, soft_wrap=True)
