"""Asks a person for the true answers of records, one after another."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from slipway.cli.monitor.labelling.typed import COMMANDS, keys_of, parse_typed, question
from slipway.errors import InputError
from slipway.models.manifest import Outputs
from slipway.monitoring.captures.parsing import Capture

Read = Callable[[], str]
_LONGEST = 2000


@dataclass(slots=True)
class Session:
    """What was answered: by id, in the order of asking; and what was skipped."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def ask_all(
    captures: Sequence[Capture], outputs: Outputs, console: Console, read: Read, *, shows_answer: bool
) -> Session:
    """Ask for each record until the last, the end of the input, Ctrl-C or the command to quit."""
    session, place, history = Session(), 0, list[str]()
    try:
        while place < len(captures):
            capture = captures[place]
            _show(capture, console, f"{place + 1} of {len(captures)}", shows_answer=shows_answer)
            command = _answer(session, capture, outputs, console, read)
            if command == "quit":
                break
            if command == "undo":
                place = max(place - 1, 0)
                _forget(session, history.pop() if history else "")
                continue
            history.append(capture.id)
            place += 1
    except (EOFError, KeyboardInterrupt):
        console.print()
    return session


def _answer(session: Session, capture: Capture, outputs: Outputs, console: Console, read: Read) -> str | None:
    """Read until something can be understood; return the command, or None after an answer."""
    while True:
        console.print(question(outputs), markup=False, highlight=False, style="dim")
        try:
            typed = parse_typed(read(), outputs)
        except InputError as error:
            console.print(f"[red]{escape(error.problems[0].message)}[/]")
            continue
        if typed.answer is not None:
            session.answers[capture.id] = typed.answer
            return None
        if typed.command == "skip":
            session.skipped.append(capture.id)
            return None
        return typed.command


def _forget(session: Session, identifier: str) -> None:
    session.answers.pop(identifier, None)
    if identifier in session.skipped:
        session.skipped.remove(identifier)


def _show(capture: Capture, console: Console, place: str, *, shows_answer: bool) -> None:
    console.rule(f"{place}, {capture.made_at:%Y-%m-%d %H:%M}", style="dim")
    for name, value in capture.inputs.items():
        console.print(f"[bold]{escape(name)}[/]: {escape(str(value)[:_LONGEST])}", highlight=False)
    if shows_answer:
        console.print(f"[dim]the model: {escape(_shown(capture.outputs))}[/]", highlight=False)


def _shown(outputs: dict[str, Any]) -> str:
    answer = next((outputs[name] for name in ("label", "labels", "value", "values") if name in outputs), "no answer")
    score = outputs.get("score")
    return f"{answer} ({score:.2f})" if isinstance(score, float) else str(answer)


def keystrokes(outputs: Outputs) -> Read:
    """Read one key where that is enough, on a terminal; else a line. Raises EOFError at the end of the input."""
    keys = {*keys_of(outputs), *COMMANDS}

    def line() -> str:
        text = sys.stdin.readline()
        if not text:
            raise EOFError
        return text

    def key() -> str:
        first = typer.getchar(echo=True)
        if first in ("\x03", "\x04"):
            raise EOFError
        return first if first in keys or first in "\r\n" else first + line()

    return key if keys_of(outputs) and sys.stdin.isatty() else line
