"""What people are told of a finding: a subject, and a text with the command that shows more."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.monitoring.steps import Event, EventKind

Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people."""

    subject: str
    text: str


def notice(project: str, event: Event) -> Notice:
    """The message for an event of the monitor."""
    detail, (what, lines) = event.detail, _OF_KIND[event.kind]
    model = f"{detail['model']} {detail['version']}"
    command = f"slipway monitor {event.kind} {detail['model']}{_version(event)}"
    text = [f"{project}: {model} {what}.", *(f"- {line}" for line in lines(detail)), f"`{command}` shows more."]
    return Notice(f"{model} {what}", "\n".join(text))


def _version(event: Event) -> str:
    return "" if event.kind == "skew" else f" --version {event.detail['version']}"


def _drift(detail: Detail) -> Iterator[str]:
    for column in detail["columns"]:
        moved = ", ".join(
            f"{each['cell']} {100 * each['expected']:.1f} % -> {100 * each['found']:.1f} %" for each in column["moved"]
        )
        yield f"{column['column']}: Jensen-Shannon distance {column['effect']:.3f}; {moved}"


def _accuracy(detail: Detail) -> Iterator[str]:
    known = "was acknowledged" if detail.get("acknowledged") else "was measured at sealing"
    yield f"{100 * detail['found']:.1f} % where {100 * detail['reference']:.1f} % {known}"
    yield f"found by {detail['by']}, with a chance of {100 * detail['false_alarms']:g} % to say so for no reason"


def _skew(detail: Detail) -> Iterator[str]:
    features = ", ".join(f"{name} ({count})" for name, count in detail["features"].items())
    yield f"{detail['differing']} of {detail['rows']} rows that were compared differ: {features}"


_OF_KIND: Mapping[EventKind, tuple[str, Callable[[Detail], Iterator[str]]]] = {
    "drift": ("has drifted", _drift),
    "accuracy": ("is less accurate than it was", _accuracy),
    "skew": ("is served other features than its history has", _skew),
}
