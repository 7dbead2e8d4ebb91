"""Print drift as a table of 80 columns: a line for each input and output, in order of effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from slipway.cli.monitor.drift.picture import WIDTH, pictures
from slipway.monitoring.drift.report import Line
from slipway.wording import counted

_NAMES = 30


@dataclass(frozen=True, slots=True)
class Compared:
    """A window of a version, what it is compared with, and the columns by effect."""

    model: str
    version: int
    window: str
    against: str
    records: int
    effect: float
    lines: Sequence[Line]

    @property
    def document(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return {
            "model": self.model,
            "version": self.version,
            "window": self.window,
            "against": self.against,
            "records": self.records,
            "columns": [_document(line) for line in self.lines],
        }


def print_drift(console: Console, compared: Compared) -> None:
    """Print the comparison."""
    console.print(
        f"[bold]{escape(compared.model)}[/] version {compared.version}, {escape(compared.window)}: "
        f"{counted(compared.records, 'record')}, beside {escape(compared.against)}",
        soft_wrap=True,
    )
    console.print(_table(compared))
    for note in _notes(compared):
        console.print(note, soft_wrap=True)


def _table(compared: Compared) -> Table:
    table = Table(
        Column("column", overflow="fold", max_width=_NAMES),
        Column("effect", justify="right"),
        Column("PSI", justify="right"),
        Column("before", min_width=WIDTH, no_wrap=True),
        Column("now", min_width=WIDTH, no_wrap=True),
        Column("drift", overflow="fold"),
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for line in compared.lines:
        each = line.drift
        before, now = pictures(each.expected, each.found, ordered=each.kind == "numbers")
        table.add_row(
            escape(each.column), f"{each.effect:.3f}", f"{each.psi:.3f}", before, now, _word(line, compared.effect)
        )
    return table


def _word(line: Line, least: float) -> str:
    """The verdict on a column in a word or two."""
    verdict = line.verdict
    if line.ignored:
        return "ignored"
    if verdict is None:
        return "large" if line.drift.effect >= least else "small"
    if verdict.since is not None:
        return "[red]drifted[/]"
    if line.drift.effect < least:
        return "no"
    return f"{min(verdict.evidence, 0.99):.0%}"


def _notes(compared: Compared) -> list[str]:
    lines, notes = compared.lines, []
    drifted = [line for line in lines if line.verdict and line.verdict.since]
    if drifted:
        notes.append("Drifted since: " + ", ".join(f"{escape(line.drift.column)} {_since(line)}" for line in drifted))
        notes.append(
            f"If this is the new normal: `slipway monitor acknowledge {escape(compared.model)} --version "
            f"{compared.version}`"
        )
    elif any(line.verdict for line in lines):
        notes.append(
            f"An alarm needs an effect of {compared.effect:g} and the evidence of a test. A percentage is the part of "
            "that evidence that there is."
        )
    else:
        notes.append(f"Effects from {compared.effect:g} are large. They may be chance: no test was made of this.")
    acknowledged = [line for line in lines if line.acknowledged]
    if acknowledged:
        names = ", ".join(f"{escape(line.drift.column)} ({line.acknowledged:%Y-%m-%d %H:%M})" for line in acknowledged)
        notes.append(f"Compared with an acknowledged window that ended then: {names}")
    return notes


def _since(line: Line) -> str:
    return f"({line.verdict.since:%Y-%m-%d %H:%M})" if line.verdict and line.verdict.since else ""


def _document(line: Line) -> dict[str, Any]:
    each, verdict = line.drift, line.verdict
    return {
        "column": each.column,
        "effect": each.effect,
        "psi": each.psi,
        "records": each.records,
        "drifted": None if verdict is None else verdict.since is not None,
        "since": verdict.since.isoformat() if verdict and verdict.since else None,
        "evidence": None if verdict is None else verdict.evidence,
        "acknowledged": line.acknowledged.isoformat() if line.acknowledged else None,
        "ignored": line.ignored,
        "cells": [
            {"cell": cell, "before": before, "now": now}
            for cell, before, now in zip(each.cells, each.expected, each.found, strict=True)
        ],
    }
