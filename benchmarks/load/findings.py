"""The findings of a run: what its requests, processes, releases and logs say, and whether the load was held."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.load.growth import Memory, Verdict, memory
from benchmarks.load.outcomes import Figures, Outcome, figures
from benchmarks.load.processes import CLIENT, Watched
from benchmarks.load.traffic import KINDS
from local.environment.state import EMULATOR

ALL = "all"


@dataclass(frozen=True)
class Bounds:
    """How much a process may grow, in MiB a minute; the emulator by what it stores, in KiB a request."""

    growth: float
    stored: float

    def of(self, name: str, per_second: float) -> float:
        """The bound of a process at a rate of requests, in MiB a minute."""
        return self.growth + (self.stored * 60 * per_second / 1024 if name == EMULATOR else 0.0)


@dataclass(frozen=True)
class Process:
    """One process: its memory beside its bound, and the processor time that it used."""

    name: str
    pid: int
    seconds: float
    processor_seconds: float
    bound: float
    memory: Memory


@dataclass(frozen=True)
class Findings:
    """All that a run has found. ``processor_ms`` has the processor time of a request by kind, where it is known."""

    seconds: float
    kinds: Mapping[str, Figures]
    processor_ms: Mapping[str, float]
    cached: int
    processes: Sequence[Process]
    unexpected: Mapping[str, int]
    moved: Sequence[str]
    log_errors: Sequence[str]
    release: str
    released: bool

    @property
    def problems(self) -> list[str]:
        """Why the load was not held; empty if it was."""
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        if failed := self.kinds[ALL].unexpected:
            yield f"{failed} unexpected answers"
        for each in self.processes:
            if each.memory.verdict is Verdict.GROWS and each.name != CLIENT:
                slope = f"{each.memory.slope:.2f} MiB a minute"
                yield f"{each.name} ({each.pid}) grows by {slope}, more than {each.bound:.2f}"
        if self.moved:
            yield f"{len(self.moved)} sticky values were answered by two versions"
        if self.log_errors:
            yield f"{len(self.log_errors)} errors in the logs"
        if not self.released:
            yield f"the canary ended as {self.release}"


def by_kind(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Figures]:
    """The figures of each kind of traffic, and of all together."""
    grouped: dict[str, list[Outcome]] = {kind: [] for kind in KINDS}
    for each in outcomes:
        grouped[each.kind].append(each)
    found = {kind: figures(some, seconds) for kind, some in grouped.items() if some}
    return {**found, ALL: figures(outcomes, seconds)}


def processor_by_kind(kinds: Mapping[str, Figures], processes: Sequence[Process]) -> dict[str, float]:
    """Milliseconds of processor time of a request in the processes that answer its kind, and of all in all processes.

    Kinds that share their processes have the same figure: a process does not say for which request it worked.
    """
    used: defaultdict[str, float] = defaultdict(float)
    for process in processes:
        if process.name != CLIENT:
            used[ALL] += process.processor_seconds
            used[server_of(process.name)] += process.processor_seconds
    asked: defaultdict[str, int] = defaultdict(int)
    for name in kinds.keys() & KINDS.keys():
        asked[KINDS[name].server or ""] += kinds[name].requests
    found = {
        name: 1000 * used[server] / asked[server] for name in kinds if name in KINDS and (server := KINDS[name].server)
    }
    return {**found, ALL: 1000 * used[ALL] / kinds[ALL].requests}


def server_of(name: str) -> str:
    """A process's name as `traffic.KINDS` has it: all tasks are one."""
    return "task" if name.startswith("task ") else name


def judged(watched: Sequence[Watched], begun: float, per_second: float, bounds: Bounds) -> list[Process]:
    """Each process beside its bound."""
    return [
        Process(
            each.name,
            each.pid,
            each.lived,
            each.processor_seconds(begun),
            bounds.of(each.name, per_second),
            memory(each.samples, bounds.of(each.name, per_second)),
        )
        for each in watched
    ]
