"""Samples of every process of the embedded AWS while the load runs."""

import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from benchmarks.load.growth import Sample
from local.environment.state import EMULATOR, State

EVERY_SECONDS = 3.0
CLIENT = "client"
_FUNCTION = re.compile(r"-([A-Za-z]+)Function[0-9A-F]{8}")


@dataclass
class Watched:
    """One process with its name, e.g. `function Predict`, and its samples in the order of time."""

    name: str
    pid: int
    started: float
    samples: list[Sample] = field(default_factory=list)

    @property
    def lived(self) -> float:
        """For how many seconds it was seen."""
        return self.samples[-1].at - self.samples[0].at

    def processor_seconds(self, begun: float) -> float:
        """The processor time since ``begun``, of which nothing is missing if the process started later."""
        before = self.samples[0].processor if self.started < begun else 0.0
        return self.samples[-1].processor - before


def name_of(environment: Mapping[str, str]) -> str:
    """The name of a process that the emulator has started, by its environment."""
    if function := environment.get("AWS_LAMBDA_FUNCTION_NAME"):
        found = _FUNCTION.search(function)
        return f"function {found[1] if found else function}"
    if slot := environment.get("SLIPWAY_SLOT"):
        return f"task {environment.get('SLIPWAY_MODEL', '')} {slot}"
    return "other"


class Sampler:
    """Samples the processes of an environment, and the client, in a thread of its own."""

    def __init__(self, state: State, client: int) -> None:
        self._named = {**{each.pid: each.name for each in state.processes}, client: CLIENT}
        self._emulator = next(each.pid for each in state.processes if each.name == EMULATOR)
        self._watched: dict[tuple[int, float], Watched] = {}
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Sampler"]:
        """Sample while the block runs, and once more at its end."""
        thread = threading.Thread(target=self._run, name="sampler")
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            self._sample()

    @property
    def watched(self) -> list[Watched]:
        """The processes by name and start."""
        return sorted(self._watched.values(), key=lambda each: (each.name, each.started))

    def _run(self) -> None:
        self._sample()
        while not self._over.wait(EVERY_SECONDS):
            self._sample()

    def _sample(self) -> None:
        for process in _living([*self._named, *(each.pid for each in _children(self._emulator))]):
            try:
                self._add(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # it has just ended

    def _add(self, process: psutil.Process) -> None:
        with process.oneshot():
            key = (process.pid, process.create_time())
            sample = Sample(time.time(), process.memory_info().rss, sum(process.cpu_times()[:2]))
        if sample.resident == 0:
            return  # a zombie
        if key not in self._watched:
            name = self._named.get(process.pid) or name_of(process.environ())
            self._watched[key] = Watched(name, *key)
        self._watched[key].samples.append(sample)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _living(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        try:
            yield psutil.Process(pid)
        except psutil.NoSuchProcess:
            continue
