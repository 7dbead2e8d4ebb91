"""What a person types when asked for the true answer of a record."""

from dataclasses import dataclass
from typing import Any, Literal

from slipway.errors import InputError
from slipway.models.manifest import Form, Outputs
from slipway.models.prediction.labels import find_label
from slipway.records.cells import finite_number

Command = Literal["skip", "undo", "quit"]
COMMANDS: dict[str, Command] = {"-": "skip", "<": "undo", ".": "quit"}
MOST_KEYS = 9


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, or an answer as feedback has it."""

    command: Command | None = None
    answer: dict[str, Any] | None = None


def keys_of(outputs: Outputs) -> dict[str, str]:
    """The label of each key, where one keystroke is enough."""
    labels = outputs.labels or ()
    if outputs.form is not Form.LABEL or len(labels) > MOST_KEYS:
        return {}
    return {str(place): label for place, label in enumerate(labels, 1)}


def question(outputs: Outputs) -> str:
    """What may be typed, in one line."""
    match outputs.form:
        case Form.LABEL | Form.LABELS:
            choices = "  ".join(f"{place} {label}" for place, label in enumerate(outputs.labels or (), 1))
            several = "; several with commas, 0 for none" if outputs.form is Form.LABELS else ""
        case Form.VALUE:
            choices, several = f"a number{f' in {outputs.unit}' if outputs.unit else ''}", ""
        case Form.VALUES:
            choices, several = ", ".join(f"{name}=NUMBER" for name in outputs.target_names), ""
    return f"{choices}{several}  |  - skip  < undo  . quit"


def parse_typed(text: str, outputs: Outputs) -> Typed:
    """Parse what was typed: a key, a name or a number; raises InputError for anything else."""
    typed = text.strip()
    if typed in COMMANDS:
        return Typed(COMMANDS[typed])
    if typed in COMMANDS.values() and typed not in (outputs.labels or ()):
        return Typed(next(command for command in COMMANDS.values() if command == typed))
    match outputs.form:
        case Form.LABEL:
            return Typed(answer={"label": _label(typed, outputs)})
        case Form.LABELS:
            parts = [part for part in typed.split(",") if part.strip()] if typed != "0" else []
            if not parts and typed != "0":
                raise InputError.of("answer", "must name labels, or 0 for none")
            return Typed(answer={"labels": sorted({_label(part.strip(), outputs) for part in parts})})
        case Form.VALUE:
            return Typed(answer={"value": _number(typed)})
        case Form.VALUES:
            return Typed(answer={"values": _values(typed, outputs)})


def _label(text: str, outputs: Outputs) -> str:
    labels = outputs.labels or ()
    if (named := find_label(text, labels)) is not None:
        return named
    if text.isdecimal() and 1 <= int(text) <= len(labels):
        return labels[int(text) - 1]
    raise InputError.of("answer", f"{text!r} is none of {', '.join(labels)}")


def _number(text: str) -> float:
    number = finite_number(text)
    if number is None:
        raise InputError.of("answer", f"{text!r} is not a number")
    return number


def _values(text: str, outputs: Outputs) -> dict[str, float]:
    pairs = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if pairs.keys() != set(outputs.target_names):
        raise InputError.of("answer", f"must give {', '.join(outputs.target_names)}, each as NAME=NUMBER")
    return {name: _number(value) for name, value in pairs.items()}
