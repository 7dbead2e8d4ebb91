"""Format releases as tables."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.config.releases.options import Shadow
from slipway.releases.controller.reconciler import PassResult
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.decide import Decision
from slipway.releases.strategies.experiments import results
from slipway.releases.strategies.traffic import mismatch

_COLOURS = {"rolled-back": "red", "promoted": "green", "running": "yellow", "baking": "yellow"}


def record_table(
    record: ReleaseRecord, live: Mapping[int, float] | None = None, decision: Decision | None = None
) -> Table:
    """The state of a release: its phase, the shares wanted and live, if these are known, and the verdict."""
    phase = record.phase.value
    title = f"[bold]{record.id}[/] · {record.options.strategy} · [{_COLOURS.get(phase, 'blue')}]{phase}[/]"
    table = Table("version", "wanted", "live", "traffic", title=title, title_justify="left", caption_justify="left")
    for version, share in record.weights.items():
        role = "stable" if version == record.stable else "candidate"
        shown = "" if live is None else f"{100 * live.get(version, 0.0):.1f} %"
        table.add_row(f"{version} {role}", f"{100 * share:.1f} %", shown, _bar(share))
    lines = [record.phase.sentence, f"started {record.started_at:%Y-%m-%d %H:%M} UTC by {record.started_by}"]
    if record.held or record.conflict:
        lines.append(
            "held: " + ("traffic was moved outside of Slipway" if record.conflict else "both versions fail alike")
        )
    if record.mismatched:
        lines.append(mismatch(record) or "the requests were not shared as intended")
    lines += _judged(record, decision)
    lines.append(f"last: {record.history[-1].what}")
    table.caption = escape("\n".join(lines))
    return table


def _judged(record: ReleaseRecord, decision: Decision | None) -> Iterator[str]:
    """The verdict with its findings; for shadows, the findings on each."""
    if decision is not None and decision.verdict is not None:
        yield f"{decision.verdict.outcome.value}: {decision.verdict.sentence}"
    findings: tuple[str, ...] = ()
    if isinstance(record.options, Shadow):
        findings = results(record if decision is None else decision.record)
    elif decision is not None and decision.verdict is not None:
        findings = tuple(finding.sentence for finding in decision.verdict.findings if finding.candidate_n)
    yield from (f"  {line}" for line in findings)
    if decision is not None:
        yield from decision.left_out


def history_table(record: ReleaseRecord) -> Table:
    """The steps of a release, with their evidence."""
    title = f"[bold]{record.id}[/] · {record.options.strategy}"
    table = Table("time, UTC", "by", "phase", "what", title=title, title_justify="left")
    for entry in record.history:
        what = "\n".join((entry.what, *(f"  {line}" for line in entry.evidence)))
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", escape(entry.by), entry.phase.value, escape(what))
    return table


def print_pass(console: Console, done: PassResult) -> None:
    """What a pass did."""
    console.print(record_table(done.record, decision=done.decision))
    for problem in done.errors:
        console.print(f"[red]error:[/] {escape(problem)}")


def _bar(share: float) -> str:
    return "█" * round(20 * share)
