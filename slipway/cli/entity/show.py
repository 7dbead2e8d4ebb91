"""`slipway entity show`: an entity's predictions in the order of time, and its features."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.entity.known import Known, read_known
from slipway.cli.entity.target import EntityId, EntityName, EntityTarget, find_entity
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.tables import new_table
from slipway.monitoring.entities.life import Chapter

Model = Annotated[str | None, typer.Option(help="Only predictions of this model.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most this many predictions, the newest.")]

_TOO_LARGE = "too large for the index; the capture's file has it"


def show(
    entity: EntityName,
    entity_id: EntityId,
    *,
    model: Model = None,
    limit: Limit = 20,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show an entity's captured predictions in the order of time, with their labels, and its features now."""
    target = find_entity(config, entity, entity_id)
    known = read_known(target, model, limit)
    if as_json:
        print_json(_document(target, known))
    else:
        _print(target, known)


def _document(target: EntityTarget, known: Known) -> dict[str, Any]:
    return {
        "entity": target.subject.entity,
        "id": target.subject.id,
        "predictions": [
            {
                "time": each.prediction.made_at.isoformat(timespec="milliseconds"),
                "id": each.prediction.id,
                "model": each.prediction.model,
                "version": each.prediction.version,
                "inputs": each.prediction.inputs,
                "outputs": each.prediction.outputs,
                "feedback": each.feedback,
            }
            for each in known.chapters
        ],
        "features": {
            key.group: {"values": row.values, "event_time": row.event_time.isoformat()}
            for key, row in known.features.items()
        },
    }


def _print(target: EntityTarget, known: Known) -> None:
    console = Console()
    if known.chapters:
        table = new_table("time", "model", "answer", "label", "as served", title=escape(str(target.subject)))
        for each in known.chapters:
            table.add_row(*map(escape, _row(each)))
        console.print(table)
    else:
        console.print(f"No captured prediction of {escape(str(target.subject))}.", soft_wrap=True)
        if not target.config.captured_entities:
            console.print("No model is captured `by: entity`, so none is indexed: docs/captures.md says how.")
    if known.features:
        table = new_table("group", "feature", "value now", "as of")
        for key, row in known.features.items():
            for name, value in row.values.items():
                table.add_row(key.group, name, escape(str(value)), row.event_time.isoformat(timespec="seconds"))
        console.print(table)
    elif target.groups:
        console.print(f"No features of {escape(str(target.subject))}.", soft_wrap=True)


def _row(chapter: Chapter) -> tuple[str, ...]:
    made = chapter.prediction
    served = _TOO_LARGE if made.inputs is None else _text(made.inputs)
    said = {name: value for name, value in chapter.feedback.items() if name != "time"}
    label = ", ".join(f"{value}" if name == "label" else f"{name} {_text(value)}" for name, value in said.items())
    return f"{made.made_at:%Y-%m-%d %H:%M:%S}", f"{made.model} {made.version}", _answer(made.outputs), label, served


def _answer(outputs: Mapping[str, Any]) -> str:
    """The part of an answer that a reader looks for: a label with its score, labels, or values."""
    if isinstance(label := outputs.get("label"), str):
        score = outputs.get("score")
        return f"{label} {score:.3f}" if isinstance(score, float) else label
    for name in ("labels", "value", "values"):
        if name in outputs:
            return _text(outputs[name])
    return _text(outputs)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
