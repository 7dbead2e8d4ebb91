"""`slipway monitor label`: ask a person for the true answers of captures that are drawn at random."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from slipway.cli.api import connect
from slipway.cli.monitor.watched import Span, VersionOption, Watched, watch
from slipway.cli.options import ConfigFile, Token, Url
from slipway.wording import counted

if TYPE_CHECKING:
    from slipway.cli.monitor.labelling.source import Source
    from slipway.monitoring.steps import Labelled

Number = Annotated[int, typer.Option(min=0, max=1000, help="How many records to ask for.")]
Shadow = Annotated[bool, typer.Option("--shadow", help="Answer without seeing the model's answers; nothing is sent.")]
FromReservoir = Annotated[
    bool, typer.Option("--reservoir", help="Draw from the reservoirs, which are as large at any traffic.")
]
Answers = Annotated[
    Path | None, typer.Option(help="Where --shadow keeps the answers. Default: human-MODEL-VERSION.jsonl.")
]
Labels = Annotated[
    Path | None, typer.Option("--file", help="Send the labels of this file instead: CSV or JSONL with id and label.")
]


def label(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    *,
    number: Number = 20,
    shadow: Shadow = False,
    reservoir: FromReservoir = False,
    version: VersionOption = None,
    window: Span = "7d",
    file: Labels = None,
    answers: Answers = None,
    api: Url = None,
    token: Token = None,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Label captures that are drawn at random, so that their labels correct the estimated accuracy."""
    # Every command loads this module, and only this one needs NumPy and botocore.
    from slipway.cli.monitor.labelling.sending import Sent, read_answers, send
    from slipway.cli.monitor.labelling.source import Source

    console, watched = Console(), watch(config, model, version, window)
    source = Source(watched, reservoir)
    if shadow:
        place = answers or Path(f"human-{model}-{watched.version}.jsonl")
        _shadow(source, number, place, console)
        return
    if file is not None:
        given: list[tuple[str, dict[str, Any], float | None]] = [*read_answers(file, watched.package.manifest.outputs)]
    else:
        given = _drawn_answers(source, number, console)
    sent = Sent()
    if given:
        with connect(api, token) as client:
            sent = send(client, given)
    console.print(f"{counted(sent.stored, 'label')} stored, {sent.known} known before.")
    if sent.conflicts:
        console.print(f"{counted(sent.conflicts, 'record')} had another label already, which is kept and counts.")


def _drawn_answers(source: "Source", number: int, console: Console) -> list[tuple[str, dict[str, Any], float | None]]:
    """Ask, and return the answers of all records that come before the first one that has none, with their chances."""
    from slipway.cli.monitor.labelling.session import ask_all, keystrokes
    from slipway.monitoring.accuracy.drawing import limit_after

    watched = source.watched
    known = _known(watched)
    ordered = source.for_labels(number + len(known) + 1)
    asked = [each for each in ordered if each.record.id not in known][:number]
    outputs = watched.package.manifest.outputs
    captures = [each.record for each in asked]
    session = ask_all(captures, outputs, console, keystrokes(outputs), shows_answer=True)
    done = {*session.answers, *session.skipped, *known}
    taken = next((place for place, each in enumerate(ordered) if each.record.id not in done), len(ordered))
    limit = limit_after(ordered, taken)
    stored = {identifier: _as_feedback(each) for identifier, each in known.items()}
    answers = {**stored, **session.answers}
    return [
        (each.record.id, answers[each.record.id], each.probability(limit))
        for each in ordered[:taken]
        if each.record.id in answers
    ]


def _shadow(source: "Source", number: int, path: Path, console: Console) -> None:
    """Ask without the model's answers, keep what was said, and compare it with the model and the true answers."""
    from slipway.cli.monitor.labelling.session import ask_all, keystrokes
    from slipway.cli.monitor.labelling.shadow_report import print_comparison
    from slipway.monitoring.accuracy.human import HumanAnswer, compare
    from slipway.monitoring.accuracy.labels import answer_of

    before = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    answered = {each["id"] for each in before}
    watched, ordered = source.watched, source.for_shadow(number + len(before))
    captures = [each for each in ordered if each.id not in answered][:number]
    outputs = watched.package.manifest.outputs
    session = ask_all(captures, outputs, console, keystrokes(outputs), shows_answer=False)
    by_id = {capture.id: capture for capture in captures}
    new = [
        {"id": identifier, "human": answer, "model": dict(answer_of(by_id[identifier].outputs))}
        for identifier, answer in session.answers.items()
    ]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(each, ensure_ascii=False)}\n" for each in new)
    true = {identifier: each.true for identifier, each in _known(watched).items()}
    found = compare([HumanAnswer(each["id"], each["human"], each["model"]) for each in (*before, *new)], true)
    print_comparison(console, found, path)


def _known(watched: Watched) -> "Mapping[str, Labelled]":
    found = watched.labels.labelled(watched.model, watched.since, watched.until)
    return {each.id: each for each in found if each.version == watched.version}


def _as_feedback(labelled: "Labelled") -> dict[str, Any]:
    """A stored true answer as the body of feedback has it."""
    match labelled.true:
        case tuple() as labels:
            return {"labels": list(labels)}
        case dict() as values:
            return {"values": values}
        case str() as one:
            return {"label": one}
        case value:
            return {"value": value}
