"""The results of the gates, as a table or as JSON."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.models.gates.rules import Check, GateResult
from slipway.wording import counted


def check_document(check: Check) -> dict[str, Any]:
    """A check as JSON values."""
    return {"passed": check.passed, **asdict(check)}


def print_check(console: Console, title: str, check: Check) -> None:
    """Print one row per gate, and below the table the reason of each failure."""
    against = f"against {check.against}" if check.against else "with no version before it"
    data = f", on {check.data.name} ({counted(check.data.rows, 'record')})" if check.data else ""
    if not check.results:
        console.print(f"{title} has no gates, so nothing was checked. docs/registry.md explains how to set them.")
        return
    table = Table(
        "gate", "outcome", "measured", "allowed", "by", title=f"{title} {against}{data}", title_justify="left"
    )
    for result in check.results:
        outcome = "[green]passed[/]" if result.passed else "[red]failed[/]"
        table.add_row(result.name, outcome, *_numbers(result))
    console.print(table)
    if check.data is None:
        console.print(
            "Quality was not measured: without labelled records (--data), the manifest's figures are used, and there "
            "is no agreement."
        )
    for result in check.failed:
        console.print(f"[red]failed[/] {escape(result.name)}: {escape(result.sentence)}", soft_wrap=True)


def _numbers(result: GateResult) -> list[str]:
    values = (result.measured, result.allowed, result.by_how_much)
    return ["–" if value is None else number(value) for value in values]


def number(value: float) -> str:
    """Format a figure for a table: whole from 1,000, else with four digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
