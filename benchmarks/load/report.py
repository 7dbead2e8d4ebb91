"""Prints the findings of a run as tables, and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from http import HTTPStatus

from benchmarks.load.findings import Findings, Process
from benchmarks.load.growth import Memory
from benchmarks.load.outcomes import NO_ANSWER, Figures

_KIND = "{:<22} {:>8} {:>6} {:>7} {:>7} {:>7} {:>7} {:>9} {:>10}  {}"
_PROCESS = "{:<34} {:>7} {:>5} {:>6} {:>6} {:>6} {:>6} {:>9} {:>6} {:>9}  {}"
_SHOWN = 10


def lines(findings: Findings) -> Iterator[str]:
    """Yield the report."""
    yield _KIND.format("kind", "requests", "/s", "p50", "p95", "p99", "max", "processor", "unexpected", "statuses")
    for kind, figures in findings.kinds.items():
        yield _of_kind(kind, figures, findings.processor_ms.get(kind))
    yield "Latencies and processor time in ms; 0 is no answer. A latency counts from when the request was due."
    yield f"{findings.cached} predictions came from the cache."
    yield ""
    yield _PROCESS.format(
        *("process", "pid", "s", "start", "middle", "end", "peak", "MiB/min", "bound", "processor", "verdict")
    )
    yield from map(_of_process, findings.processes)
    yield "Memory is resident, in MiB; processor time in s."
    yield ""
    yield f"Canary: {findings.release}"
    for what, count in list(findings.unexpected.items())[:_SHOWN]:
        yield f"{count} × {what}"
    yield from findings.log_errors[:_SHOWN]
    yield "Held." if not findings.problems else f"Not held: {'; '.join(findings.problems)}."


def as_json(findings: Findings, conditions: dict[str, object]) -> str:
    """The findings as a JSON document."""
    problems = findings.problems
    return json.dumps(
        {"conditions": conditions, "held": not problems, "problems": problems, **asdict(findings)}, indent=1
    )


def _of_kind(kind: str, figures: Figures, processor: float | None) -> str:
    took = (f"{value:.0f}" for value in (figures.p50, figures.p95, figures.p99, figures.longest))
    used = "" if processor is None else f"{processor:.1f}"
    rate = f"{figures.per_second:.2f}"
    return _KIND.format(kind, figures.requests, rate, *took, used, figures.unexpected, _statuses(figures))


def _statuses(figures: Figures) -> str:
    return ", ".join(
        f"{count:,}" if status == HTTPStatus.OK else f"{count:,} × {status if status != NO_ANSWER else 'no answer'}"
        for status, count in figures.statuses.items()
    )


def _of_process(process: Process) -> str:
    found: Memory = process.memory
    sizes = (f"{value:.0f}" for value in (found.start, found.middle, found.end, found.peak))
    slope = "" if found.slope is None else f"{found.slope:+.2f}"
    tail = (slope, f"{process.bound:.2f}", f"{process.processor_seconds:.1f}", found.verdict)
    return _PROCESS.format(process.name, process.pid, f"{process.seconds:.0f}", *sizes, *tail)
