"""The outcome of the gates, as a table or as JSON."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.models.gates.rules import Check, GateResult


def check_document(check: Check) -> dict[str, Any]:
    """A check for programs."""
    return {"passed": check.passed, **asdict(check)}


def print_check(console: Console, title: str, check: Check) -> None:
    """A row for each gate, and below it what is wrong with those that failed."""
    against = f"against {check.against}" if check.against else "with no version before it"
    data = f", on {check.data.name} ({check.data.rows:,} records)" if check.data else ""
    if not check.results:
        console.print(f"{title} has no gates, so nothing was checked. docs/registry.md says how to set them.")
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
            "Not checked: the figures of quality. Without labelled records (--data) they are those of the manifest, "
            "and there is no agreement."
        )
    for result in check.failed:
        console.print(f"[red]failed[/] {escape(result.name)}: {escape(result.sentence)}", soft_wrap=True)


def _numbers(result: GateResult) -> list[str]:
    values = (result.measured, result.allowed, result.by_how_much)
    return ["–" if value is None else number(value) for value in values]


def number(value: float) -> str:
    """A figure for a table: whole bytes, and four digits of what is small."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
