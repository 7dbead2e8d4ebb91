"""`slipway model quantize`, `prune` and `distill`: make a smaller package and compare it with the original."""

import json
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.progress import shown
from slipway.errors import InputError

if TYPE_CHECKING:
    from slipway.models.compression.job import Compressed, CompressionJob
    from slipway.models.compression.report import Report, Side

_Model = Annotated[str, typer.Argument(help="MODEL, MODEL:VERSION, or a package folder.")]
_Output = Annotated[Path, typer.Option(help="Folder of the new package; it must not exist.")]
_Version = Annotated[
    int | None, typer.Option(help="Version. Default: the folder's name if a number, else the next one.", min=1)
]
_MaxDrop = Annotated[
    float, typer.Option(help="Largest acceptable loss of macro recall (r2; agreement without labels).", min=0)
]
_Seconds = Annotated[float, typer.Option(help="Seconds per latency measurement.", min=0.01)]


_Golden = Annotated[
    Path | None, typer.Option(help="Records that the package may hold word for word. Default: those measured on.")
]
_Processors = Annotated[
    list[Path] | None,
    typer.Option(
        "--processor", help="Python of another processor, e.g. emulated, to measure differences with; repeatable."
    ),
]


class QuantizeMethod(StrEnum):
    """Where activation scales come from: each batch, calibration, or each record; auto decides by measurements."""

    DYNAMIC = "dynamic"
    STATIC = "static"
    WEIGHTS = "weights"
    AUTO = "auto"


def quantize(
    model: _Model,
    *,
    output: _Output,
    data: Annotated[
        Path | None,
        typer.Option(help="CSV, TSV, JSONL or Parquet to measure on; labels in `label`. Default: --calibration."),
    ] = None,
    method: Annotated[
        QuantizeMethod,
        typer.Option(help="Quantization method; static needs --calibration, auto --max-difference."),
    ] = QuantizeMethod.DYNAMIC,
    calibration: Annotated[
        Path | None, typer.Option(help="Typical records for the ranges of activations; the first 512 are used.")
    ] = None,
    per_channel: Annotated[bool, typer.Option("--per-channel", help="Use a scale per channel of a weight.")] = False,
    max_difference: Annotated[
        float | None,
        typer.Option(help="Largest acceptable difference of outputs between batches and processors.", min=0),
    ] = None,
    golden: _Golden = None,
    processor: _Processors = None,
    max_drop: _MaxDrop = 0.005,
    version: _Version = None,
    seconds: _Seconds = 2.0,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Quantize the weights to int8, leaving as few nodes in float as the budget allows."""
    from slipway.models.compression.quantize import Quantizing
    from slipway.models.compression.quantize import quantize as run

    measured_on = data or calibration
    if measured_on is None:
        raise InputError.of("--data", "is required: records to measure quality or agreement on")
    job = _job(
        model,
        config,
        measured_on,
        output,
        version=version,
        max_drop=max_drop,
        seconds=seconds,
        golden=golden,
        processors=tuple(processor or ()),
    )
    how = Quantizing(method.value, calibration, per_channel, max_difference)
    _show(run(job, how), as_json=as_json)


def prune(
    model: _Model,
    *,
    output: _Output,
    data: Annotated[Path, typer.Option(help="Records to measure on: CSV, TSV, JSONL or Parquet; labels in `label`.")],
    units: Annotated[
        str | None,
        typer.Option(help="Share of hidden units to remove, e.g. 0.3, or auto: as many as --max-drop allows."),
    ] = None,
    vocabulary: Annotated[
        int | None, typer.Option(help="Remove tokens that occur fewer times than this in the texts.", min=1)
    ] = None,
    texts: Annotated[Path | None, typer.Option(help="Records to count tokens in. Default: --data.")] = None,
    golden: _Golden = None,
    max_drop: _MaxDrop = 0.005,
    version: _Version = None,
    seconds: _Seconds = 2.0,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Remove hidden units of dense layers or rare tokens of a vocabulary."""
    from slipway.models.compression.prune import Pruning
    from slipway.models.compression.prune import prune as run

    job = _job(model, config, data, output, version=version, max_drop=max_drop, seconds=seconds, golden=golden)
    _show(run(job, Pruning(_share(units), vocabulary, texts)), as_json=as_json)


def distill(
    *,
    teacher: Annotated[str, typer.Option(help="MODEL, MODEL:VERSION, or a package folder.")],
    data: Annotated[Path, typer.Option(help="Records for the teacher to predict; labels are not used.")],
    student: Annotated[str, typer.Option(help="Recipe as module:function, e.g. recipes.students:ngrams.")],
    output: _Output,
    name: Annotated[str | None, typer.Option(help="Name of the student. Default: the teacher's.")] = None,
    description: Annotated[
        str | None, typer.Option(help="One sentence on what the student does. Default: the teacher's.")
    ] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="Records to measure on. Default: a share of --data kept out of training.")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of --data to keep out of training.", min=0.001, max=0.9)] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed for that share, and for the recipe if it takes one.")] = 2026,
    parameter: Annotated[
        list[str] | None, typer.Option(help="name=value for the recipe, the value as JSON; repeatable.")
    ] = None,
    golden: _Golden = None,
    version: _Version = None,
    seconds: _Seconds = 2.0,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Train a smaller model on the probabilities of a teacher."""
    from slipway.models.compression.distill import Distilling
    from slipway.models.compression.distill import distill as run

    job = _job(teacher, config, data, output, version=version, seconds=seconds, golden=golden)
    parameters = dict(_parameter(text) for text in parameter or ())
    how = Distilling(student, name, description, held_out, share, seed, parameters)
    _show(run(job, how), as_json=as_json)


def _job(model: str, config: Path, data: Path, output: Path, **options: Any) -> "CompressionJob":
    # Every command loads this module, and only these need numpy and ONNX Runtime.
    from slipway.cli.model.advice_input import find_package
    from slipway.cli.project import load_project
    from slipway.models.compression.job import CompressionJob

    settings = load_project(config) if config.exists() else None
    return CompressionJob(
        original=find_package(model, settings, config.parent),
        data=data,
        output=output,
        command=shlex.join(["slipway", *sys.argv[1:]]),
        task_modules=tuple(settings.light.task_modules) if settings else (),
        watch=shown,
        **options,
    )


def _share(text: str | None) -> float | str | None:
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError as error:
        raise InputError.of("--units", f"{text!r} is neither a share between 0 and 1 nor `auto`") from error


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError.of("--parameter", f"{text!r} must be name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _show(made: "Compressed", *, as_json: bool) -> None:
    manifest = made.package.manifest
    if as_json:
        document = {
            "model": manifest.name,
            "version": manifest.version,
            "folder": str(made.package.folder),
            "summary": made.change.summary,
            "parameters": dict(made.change.parameters),
            "quantization": manifest.quantization.model_dump(mode="json") if manifest.quantization else None,
            **made.report.document(),
        }
        print_json(document)
        return
    console = Console()
    console.print(made.change.summary, markup=False, soft_wrap=True)
    console.print(_table(made.report))
    console.print(f"[bold]{manifest.name}[/] version {manifest.version} is in {made.package.folder}", soft_wrap=True)


def _table(report: "Report") -> Table:
    before, after = report.before, report.after
    table = Table("", f"{before.model} {before.version}", f"{after.model} {after.version}", "change")
    for title, one, other in zip(_ROWS, _figures(before), _figures(after), strict=True):
        table.add_row(title, f"{one:,.4g}", f"{other:,.4g}", f"{other / one - 1:+.0%}" if one else "")
    for metric, value in after.quality.items():
        table.add_row(metric, f"{before.quality[metric]:.4f}", f"{value:.4f}", f"{value - before.quality[metric]:+.4f}")
    table.add_row("agreement", "", f"{report.agreement:.4f}", "")
    table.caption = f"One thread, one record at a time. Quality and agreement on {report.data}."
    return table


_ROWS = ("size, kB", "graph, kB", "latency median, ms", "latency p99, ms", "memory, MB")


def _figures(side: "Side") -> list[float]:
    sizes = [side.size_bytes / 1000, side.graph_bytes / 1000]
    return [*sizes, side.latency_median_ms, side.latency_p99_ms, side.memory_mb]
