"""`slipway monitor label`: ask a person for the true answers of captures that are drawn at random."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from slipway.cli.api import connect
from slipway.cli.monitor.watched import Span, VersionOption, watch
from slipway.cli.options import ConfigFile, Token, Url
from slipway.wording import counted

if TYPE_CHECKING:
    from slipway.cli.monitor.labelling.source import Source

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
        from slipway.cli.monitor.labelling.shadow_answers import shadow_file

        _shadow(source, number, answers or shadow_file(model, watched.version), console)
        return
    if file is not None:
        given: list[tuple[str, dict[str, Any], float | None]] = [*read_answers(file, watched.package.manifest.outputs)]
    else:
        given = _drawn_answers(source, number, console)
    sent = Sent()
    if given:
        with connect(api, token, config=config) as client:
            sent = send(client, given)
    console.print(f"{counted(sent.stored, 'label')} stored, {sent.known} known before.")
    if sent.conflicts:
        console.print(f"{counted(sent.conflicts, 'record')} had another label already, which is kept and counts.")


def _drawn_answers(source: "Source", number: int, console: Console) -> list[tuple[str, dict[str, Any], float | None]]:
    """Ask, and return the answers of all records that come before the first one that has none, with their chances."""
    from slipway.cli.monitor.labelling.drawn_labels import known_labels, with_chances
    from slipway.cli.monitor.labelling.session import ask_all, keystrokes

    watched = source.watched
    known = known_labels(watched)
    ordered = source.for_labels(number + len(known) + 1)
    asked = [each for each in ordered if each.record.id not in known][:number]
    outputs = watched.package.manifest.outputs
    captures = [each.record for each in asked]
    session = ask_all(captures, outputs, console, keystrokes(outputs), shows_answer=True)
    return with_chances(ordered, session.answers, session.skipped, known)


def _shadow(source: "Source", number: int, path: Path, console: Console) -> None:
    """Ask without the model's answers, keep what was said, and compare it with the model and the true answers."""
    from slipway.cli.monitor.labelling.session import ask_all, keystrokes
    from slipway.cli.monitor.labelling.shadow_answers import add_shadow, compare_shadow, read_shadow
    from slipway.cli.monitor.labelling.shadow_report import print_comparison

    before = read_shadow(path)
    answered = {each.id for each in before}
    watched, ordered = source.watched, source.for_shadow(number + len(before))
    captures = [each for each in ordered if each.id not in answered][:number]
    outputs = watched.package.manifest.outputs
    session = ask_all(captures, outputs, console, keystrokes(outputs), shows_answer=False)
    new = add_shadow(path, captures, session.answers)
    print_comparison(console, compare_shadow(watched, [*before, *new]), path)
