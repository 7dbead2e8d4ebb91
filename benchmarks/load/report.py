"""Prints the findings of a run as tables, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from http import HTTPStatus
from itertools import groupby

from benchmarks.load.findings import Findings, Process
from benchmarks.load.growth import Verdict
from benchmarks.load.outcomes import NO_ANSWER, Figures

_KIND = "{:<22} {:>8} {:>6} {:>7} {:>7} {:>7} {:>7} {:>9} {:>10}  {}"
_PROCESS = "{:<34} {:>7} {:>5} {:>6} {:>6} {:>6} {:>6} {:>9} {:>6} {:>9}  {}"
_SHOWN = 10
_IDLE_SECONDS = 1.0


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
    for processes in _by_name(findings.processes):
        yield from _of_name(processes)
    yield f"Memory is resident, in MiB; processor time in s. Idle processes used under {_IDLE_SECONDS:g} s each: their"
    yield "memory is that of all, and their slope that of the one that grows most."
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


def _by_name(processes: Sequence[Process]) -> Iterator[list[Process]]:
    for _, some in groupby(processes, key=lambda each: each.name):
        yield list(some)


def _of_name(processes: Sequence[Process]) -> Iterator[str]:
    """Yield a line for each process of a name that has worked, and one for the others, of which there may be many."""
    idle = [each for each in processes if each.processor_seconds < _IDLE_SECONDS]
    if len(idle) < 2:
        idle = []
    for each in processes:
        if each not in idle:
            yield _of_process(each.name, str(each.pid), [each])
    if idle:
        yield _of_process(f"{idle[0].name}, {len(idle)} idle", "", idle)


def _of_process(name: str, pid: str, processes: Sequence[Process]) -> str:
    found = [each.memory for each in processes]
    sizes = (
        f"{sum(values):.0f}"
        for values in zip(*((each.start, each.middle, each.end, each.peak) for each in found), strict=True)
    )
    slopes = [each.slope for each in found if each.slope is not None]
    verdict = max((each.verdict for each in found), key=list(Verdict).index)
    used = sum(each.processor_seconds for each in processes)
    tail = (f"{max(slopes):+.2f}" if slopes else "", f"{processes[0].bound:.2f}", f"{used:.1f}", verdict)
    return _PROCESS.format(name, pid, f"{max(each.seconds for each in processes):.0f}", *sizes, *tail)
