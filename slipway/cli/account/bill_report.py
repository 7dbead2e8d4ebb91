"""Print a bill: line by line, what it cannot price, and how it differs from what is deployed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from slipway.cost.bill import Bill, Change, Line, cents, difference, total
from slipway.cost.prices import Prices


def print_bill(console: Console, bill: Bill, prices: Prices) -> None:
    """Print all parts of a bill."""
    console.print(f"List prices of {prices.region}, in USD before tax, as of {prices.as_of}.", highlight=False)
    _print_lines(console, "When idle, a month", bill.idle)
    if bill.deploy:
        _print_lines(console, "Once for each deploy that changes functions", bill.deploy)
    for tier, lines in bill.requests.items():
        _print_lines(console, f"A million requests to a {tier} model", lines)
    if bill.training:
        _print_lines(console, "An hour of GPU training for each model (no GPU runs when idle)", bill.training)
    console.print("Charged by use besides, and nothing when idle but storage:")
    for type_, what in bill.by_use.items():
        console.print(f"  {type_}: {what}", highlight=False, soft_wrap=True)
    for type_, count in bill.unpriced.items():
        console.print(f"[yellow]not priced:[/] {count} × {type_}", highlight=False, soft_wrap=True)


def print_changes(console: Console, changes: Sequence[Change], *, before: Decimal, after: Decimal) -> None:
    """Print how the monthly cost when idle differs from what is deployed."""
    for change in changes:
        delta = cents(change.after) - cents(change.before)
        console.print(f"  {change.item}: {cents(change.before)} → {cents(change.after)} ({delta:+})", highlight=False)
    delta = cents(after) - cents(before)
    said = f"Deployed now: ${cents(before)} a month when idle; after this deploy: ${cents(after)} ({delta:+})."
    console.print(f"[bold]{said}[/]", highlight=False, soft_wrap=True)


def bill_as_json(bill: Bill, prices: Prices, deployed: Bill | None) -> dict[str, Any]:
    """The bill for programs; amounts are strings, because JSON's numbers are binary."""
    found: dict[str, Any] = {
        "region": prices.region,
        "as_of": prices.as_of.isoformat(),
        "idle": _part(bill.idle),
        "deploy": _part(bill.deploy),
        "requests": {tier: _part(lines) for tier, lines in bill.requests.items()},
        "training": _part(bill.training),
        "by_use": bill.by_use,
        "unpriced": bill.unpriced,
    }
    if deployed is not None:
        changes = difference(deployed, bill)
        found["deployed"] = {
            "idle": str(cents(total(deployed.idle))),
            "changes": [{"item": c.item, "before": str(c.before), "after": str(c.after)} for c in changes],
        }
    return found


def _part(lines: Sequence[Line]) -> dict[str, Any]:
    rows = [
        {
            "item": line.item,
            "count": line.count,
            "how": line.how,
            "quantity": str(line.quantity),
            "unit": line.unit,
            "free": str(line.free),
            "price": str(line.price),
            "amount": str(cents(line.amount)),
        }
        for line in lines
    ]
    return {"lines": rows, "total": str(cents(total(lines)))}


def _print_lines(console: Console, title: str, lines: Sequence[Line]) -> None:
    table = Table("", "count", "quantity", "free", "unit price", "USD", title=title, title_justify="left")
    for name in ("count", "quantity", "free", "unit price", "USD"):
        next(column for column in table.columns if column.header == name).justify = "right"
    for line in lines:
        item = f"{line.item}\n[dim]{line.how}[/]" if line.how else line.item
        quantity = f"{line.quantity.quantize(Decimal('0.001')).normalize():,f} {line.unit}"
        free = f"{line.free:f}" if line.free else ""
        table.add_row(item, str(line.count), quantity, free, f"{line.price.normalize():f}", str(cents(line.amount)))
    table.add_section()
    table.add_row("[bold]in all[/]", "", "", "", "", f"[bold]{cents(total(lines))}[/]")
    console.print(table)
