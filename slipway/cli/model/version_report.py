"""Print versions of the registry and their differences."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape

from slipway.cli.model.gate_report import number, print_check
from slipway.cli.tables import new_table, plain_table
from slipway.models.registry.difference import Change, Difference
from slipway.models.registry.versions import RUN, Lineage, VersionRecord
from slipway.wording import counted


def print_versions(console: Console, records: list[VersionRecord]) -> None:
    """Print one row per version."""
    table = plain_table("version", "registered", "by", "size", "quality", "state")
    for record in records:
        quality = "\n".join(f"{item.metric} {item.value:.3f}" for item in record.quality)
        time = record.registered_at.strftime("%Y-%m-%d %H:%M")
        size = f"{record.size_bytes / 1e6:.2f} MB"
        by = record.origin.by.rpartition(":")[2]  # the part of an ARN that identifies a person
        row = (record.label, time, by, size, quality, _state(record))
        table.add_row(*map(escape, row))
    console.print(table)


def _state(record: VersionRecord) -> str:
    marks = [f"forced: {record.forced}"] if record.forced else []
    marks += [f"deprecated: {record.deprecated.reason}"] if record.deprecated else []
    return "\n".join(marks)


def print_lineage(console: Console, record: VersionRecord) -> None:
    """Print where a version comes from and how it was checked."""
    origin, training = record.origin, record.training
    facts: dict[str, Any] = {
        "registered": f"{record.registered_at.isoformat(timespec='seconds')} by {origin.by}",
        "from commit": origin.git_commit,
        "parent": origin.parent,
        **_run(origin.lineage),
        "trained at commit": training.git_commit,
        "teacher": training.teacher,
        "command": training.command,
        "seed": training.seed,
        "parameters": json.dumps(parameters) if (parameters := _parameters(record)) else None,
        "model.yaml": f"sha256 {record.manifest_sha256}",
        "forced": record.forced,
        "deprecated": record.deprecated.reason if record.deprecated else None,
    }
    for name, value in facts.items():
        if value is not None:
            console.print(f"[bold]{name}[/] {escape(str(value))}", soft_wrap=True, highlight=False)
    for data in training.data:
        digest = f", sha256 {data.sha256}" if data.sha256 else ""
        console.print(
            f"[bold]data[/] {escape(data.name)}, {counted(data.rows, 'row')}{digest}", soft_wrap=True, highlight=False
        )
    print_check(console, record.label, record.check)


def _run(lineage: Lineage | None) -> dict[str, Any]:
    """The training run that made a version."""
    if lineage is None:
        return {}
    span = f"{lineage.since:%Y-%m-%d %H:%M} to {lineage.until:%Y-%m-%d %H:%M} UTC"
    return {
        "training run": lineage.run,
        "trigger": lineage.trigger,
        "recipe": f"{lineage.recipe}, {lineage.mode}",
        "recipe parameters": json.dumps(lineage.parameters) if lineage.parameters else None,
        "learned from": f"{counted(lineage.data_rows, 'label')} of {span}",
    }


def _parameters(record: VersionRecord) -> dict[str, Any]:
    """The manifest's parameters; those of a run are printed by themselves."""
    own = dict(record.training.parameters)
    if record.origin.lineage is not None:
        own.pop(RUN, None)
    return own


def print_difference(console: Console, before: str, after: str, difference: Difference) -> None:
    """Print the differences in schema, files, quality and size."""
    table = new_table("", "what", before, after)
    parts = {"schema": difference.schema, "file": difference.files, "quality": difference.quality}
    for part, changes in parts.items():
        for change in changes:
            table.add_row(part, *map(escape, (change.what, _side(part, change.before), _side(part, change.after))))
    table.add_row("size", *_sizes(difference.size_bytes))
    console.print(table)


def _sizes(change: Change) -> tuple[str, str, str]:
    return f"bytes, {change.after - change.before:+,}", f"{change.before:,}", f"{change.after:,}"


def _side(part: str, value: Any) -> str:
    if value is None:
        return "–"
    if part == "file":
        return f"{value['bytes']:,} bytes, {value['sha256'][:12]}"
    if part == "quality":
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
