"""`slipway monitor label`: ask a person for the true answers of captures that are drawn at random."""

import json
import math
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
    from slipway.monitoring.accuracy.drawing import Candidate
    from slipway.monitoring.captures.parsing import Capture
    from slipway.monitoring.steps import Labelled

Number = Annotated[int, typer.Option(min=0, max=1000, help="How many records to ask for.")]
Shadow = Annotated[bool, typer.Option("--shadow", help="Answer without seeing the model's answers; nothing is sent.")]
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

    console, watched = Console(), watch(config, model, version, window)
    if shadow:
        place = answers or Path(f"human-{model}-{watched.version}.jsonl")
        _shadow(watched, number, place, console)
        return
    if file is not None:
        given: list[tuple[str, dict[str, Any], float | None]] = [*read_answers(file, watched.package.manifest.outputs)]
    else:
        given = _drawn_answers(watched, number, console)
    sent = Sent()
    if given:
        with connect(api, token) as client:
            sent = send(client, given)
    console.print(f"{counted(sent.stored, 'label')} stored, {sent.known} known before.")
    if sent.conflicts:
        console.print(f"{counted(sent.conflicts, 'record')} had another label already, which is kept and counts.")


def _drawn_answers(watched: Watched, number: int, console: Console) -> list[tuple[str, dict[str, Any], float | None]]:
    """Ask, and return the answers of all records that come before the first one that has none, with their chances."""
    from slipway.cli.monitor.labelling.session import ask_all, keystrokes
    from slipway.monitoring.accuracy.drawing import limit_after

    known = _known(watched)
    ordered = _in_order(watched, number + len(known) + 1, weighted=True)
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
        (each.record.id, answers[each.record.id], each.probability(limit) if math.isfinite(limit) else 1.0)
        for each in ordered[:taken]
        if each.record.id in answers
    ]


def _shadow(watched: Watched, number: int, path: Path, console: Console) -> None:
    """Ask without the model's answers, keep what was said, and compare it with the model and the true answers."""
    from slipway.cli.monitor.labelling.session import ask_all, keystrokes
    from slipway.cli.monitor.labelling.shadow_report import print_comparison
    from slipway.monitoring.accuracy.human import HumanAnswer, compare
    from slipway.monitoring.accuracy.labels import answer_of

    before = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    answered = {each["id"] for each in before}
    ordered = _in_order(watched, number + len(before), weighted=False)
    captures = [each.record for each in ordered if each.record.id not in answered][:number]
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


def _in_order(watched: Watched, number: int, *, weighted: bool) -> "list[Candidate[Capture]]":
    """The first captures of the version in the order of the draw; a simple random sample if not ``weighted``."""
    from slipway.models.prediction.labels import confidence_of
    from slipway.monitoring.accuracy.drawing import candidate, first
    from slipway.monitoring.captures.reading import CaptureReader

    calibration = watched.package.calibration if weighted else None

    def probability(capture: "Capture") -> float | None:
        score = confidence_of(capture.outputs)
        if calibration is None or score is None:
            return None
        return calibration.probability(str(capture.outputs.get("label", "")), score)

    found = CaptureReader(watched.bucket).captures(watched.model, watched.since, watched.until)
    own = (capture for capture in found if capture.version == watched.version)
    seed = watched.model if weighted else f"{watched.model} shadow"
    return first((candidate(each.id, each, probability(each), seed) for each in own), number)


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
