"""`slipway model import`: make a package of a model of another framework."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from slipway.cli.options import AsJson, print_json
from slipway.wording import counted

if TYPE_CHECKING:
    from slipway.models.importing.importer import Imported
    from slipway.models.importing.source import Question
    from slipway.models.manifest import Outputs


def import_(
    *,
    onnx: Annotated[Path | None, typer.Option(help="ONNX file to import.")] = None,
    sklearn: Annotated[
        str | None, typer.Option(help="module:function that returns a fitted scikit-learn model.")
    ] = None,
    torch: Annotated[str | None, typer.Option(help="module:function that returns a PyTorch module.")] = None,
    hugging_face: Annotated[Path | None, typer.Option(help="Folder with a sequence classifier (safetensors).")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    version: Annotated[int | None, typer.Option(help="Version. Default: the next one in the model's folder.")] = None,
    records: Annotated[
        Path | None, typer.Option(help="Sample records to check and measure on: CSV, TSV, JSONL or Parquet.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column of true answers, or several with commas. Default: `label`, if any.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="Texts that the model was trained on, to notice words that it never saw.")
    ] = None,
    labels: Annotated[str | None, typer.Option(help="Labels in the order of the outputs, separated by commas.")] = None,
    multi_label: Annotated[
        bool, typer.Option("--multi-label", help="Each label has a probability of its own; any number may apply.")
    ] = False,
    threshold: Annotated[
        list[str] | None, typer.Option(help="Threshold of a multi-label model's label, as LABEL=NUMBER; default 0.5.")
    ] = None,
    targets: Annotated[
        str | None, typer.Option(help="Names of a regression's values in their order, separated by commas.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="tabular-classification or tabular-regression, if ambiguous.")
    ] = None,
    answers: Annotated[str | None, typer.Option(help="Kind of outputs, probabilities or logits, if ambiguous.")] = None,
    inputs: Annotated[Path | None, typer.Option(help="YAML list of inputs that overrides what is inferred.")] = None,
    rename: Annotated[
        list[str] | None, typer.Option(help="Name of a column's input, as COLUMN=NAME; may be repeated.")
    ] = None,
    ranges: Annotated[bool, typer.Option(help="Infer the limits of inputs from the sample records.")] = True,
    graph_output: Annotated[
        str | None, typer.Option(help="ONNX output with the answers, if there are several.")
    ] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="tokenizer.json of an ONNX file that takes tokens.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Truncate texts to this many tokens.")] = None,
    tolerance: Annotated[float, typer.Option(help="Largest acceptable difference from the original.")] = 1e-4,
    description: Annotated[str | None, typer.Option(help="One sentence on what the model does.")] = None,
    about: Annotated[Path | None, typer.Option(help="Markdown for the model card: use, data, limits, licence.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of a regression's values.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of all models.")] = Path("models"),
    output: Annotated[Path | None, typer.Option(help="Folder of the package. Default: MODELS/NAME/VERSION.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a package of a trained model, checked against the original on sample records."""
    # Every command loads this module, but only this one needs NumPy and ONNX Runtime.
    from slipway.models.importing.fields import read_renames
    from slipway.models.importing.importer import import_model
    from slipway.models.importing.request import ImportRequest, read_thresholds, refuse_to_ask, split_names

    request = ImportRequest(
        onnx=onnx,
        sklearn=sklearn,
        torch=torch,
        hugging_face=hugging_face,
        name=name,
        version=version,
        task=task,
        records=records,
        label_column=label_column,
        training=training,
        labels=split_names(labels) if labels else None,
        multi_label=multi_label,
        thresholds=read_thresholds(threshold or []),
        targets=split_names(targets) if targets else None,
        answers=answers,
        inputs=inputs,
        rename=read_renames(rename or []),
        ranges=ranges,
        graph_output=graph_output,
        tokenizer=tokenizer,
        max_tokens=max_tokens,
        tolerance=tolerance,
        description=description,
        about=about,
        unit=unit,
        models=models,
        output=output,
        command=shlex.join(["slipway", *sys.argv[1:]]),
    )
    made = import_model(request, _prompt if sys.stdin.isatty() and not as_json else refuse_to_ask)
    if as_json:
        print_json(_summary(made))
    else:
        _print(made)


def _prompt(questions: Sequence["Question"]) -> Mapping[str, str]:
    return {question.option: typer.prompt(question.text, default=question.suggestion) for question in questions}


def _summary(made: "Imported") -> dict[str, object]:
    manifest = made.package.manifest
    return {
        "model": manifest.name,
        "version": manifest.version,
        "folder": str(made.package.folder),
        "task": manifest.task,
        "inputs": [field.model_dump(mode="json", exclude_unset=True) for field in manifest.inputs],
        "outputs": manifest.outputs.model_dump(mode="json", exclude_none=True),
        "largest_difference": made.difference,
        "checked_records": made.records,
        "quality": [entry.model_dump() for entry in manifest.quality],
    }


def _answers(outputs: "Outputs") -> str:
    names = ", ".join(outputs.labels or outputs.target_names)
    return f"any of {names}" if outputs.multi_label else names or "a value"


def _print(made: "Imported") -> None:
    manifest, console = made.package.manifest, Console()
    table = Table("input", "type", "limits")
    for field in manifest.inputs:
        limits = f"{field.min:g} to {field.max:g}" if field.min is not None and field.max is not None else ""
        allowed = ", ".join(map(str, field.allowed)) if field.allowed else ""
        shown = [*filter(None, [limits or allowed]), *(["may be missing"] if field.nullable else [])]
        table.add_row(field.name, field.type, "; ".join(shown))
    console.print(table)
    console.print(f"{manifest.task}: {_answers(manifest.outputs)}", soft_wrap=True)
    console.print(f"largest difference from the original: {made.difference:.2g} on {counted(made.records, 'record')}")
    for entry in manifest.quality:
        if entry.metric != "largest_difference":
            console.print(f"{entry.metric} {entry.value:.4g} on {entry.data}", soft_wrap=True)
    console.print(f"[bold]{manifest.name}[/] version {manifest.version} is in {made.package.folder}", soft_wrap=True)
