"""Kill and stop each process of the embedded AWS under load, and print what failed and for how long.

`python -m benchmarks.faults` starts an embedded AWS of its own in a temporary folder. It prints a row per fault and
kind of request: those to a function (light), and those to a task of a heavy model. `longest` is the slowest request,
`outage` the time from the first failed request to the last one.
"""

import argparse
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from local.emulator.addresses import held
from local.environment.local_environment import LocalEnvironment
from local.environment.state import EMULATOR, FRONT_DOOR, State
from slipway.config import load_config

ROOT = Path(__file__).parents[1]
CLIENTS = 4  # of each kind
TIMEOUT_SECONDS = 40.0
STOPPED_SECONDS = 3.0
TEXT = {"inputs": [{"text": "Finally Friday, and the sun is out!"}]}


@dataclass(frozen=True)
class Reply:
    """One request: when it ended, how long it took, and its status, or the error's name."""

    at: float
    seconds: float
    status: str


@dataclass
class Load:
    """Closed-loop clients of both tiers; ``replies`` are those of the fault that is being measured."""

    api: str
    models: dict[str, str]
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Send requests while the block runs."""
        self.reset()
        threads = [threading.Thread(target=self._client, args=(kind,)) for kind in self.models for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def reset(self) -> None:
        """Forget the replies so far."""
        self.replies = {kind: [] for kind in self.models}

    def _client(self, kind: str) -> None:
        url = f"{self.api}/v1/models/{self.models[kind]}/predict"
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._over.is_set():
                began = time.monotonic()
                status = _status(client, url)
                self.replies[kind].append(Reply(time.monotonic(), time.monotonic() - began, status))
                if status != "200":
                    self._over.wait(0.05)  # a refused connection takes no time


def _status(client: httpx.Client, url: str) -> str:
    try:
        return str(client.post(url, json=TEXT).status_code)
    except httpx.TransportError as error:
        return type(error).__name__


def process(state: State, name: str) -> psutil.Process:
    """The emulator or the front door."""
    return next(psutil.Process(each.pid) for each in state.processes if each.name == name)


def front_door(state: State) -> psutil.Process:
    """The front door."""
    return process(state, FRONT_DOOR)


def emulator(state: State) -> psutil.Process:
    """The emulator."""
    return process(state, EMULATOR)


def function(state: State) -> psutil.Process:
    """Of the processes of the function that predicts, the one that has worked most."""
    workers = [each for each in emulator(state).children() if "Predict" in each.cwd()]
    return max(workers, key=lambda each: sum(each.cpu_times()[:2]))


def task(state: State) -> psutil.Process:
    """The task in blue, the slot that has all traffic."""
    return next(each for each in emulator(state).children() if each.environ().get("SLIPWAY_SLOT") == "blue")


@dataclass(frozen=True)
class Fault:
    """What is done to which process, and how long its effects are watched."""

    name: str
    find: Callable[[State], psutil.Process]
    number: signal.Signals
    watch_seconds: float
    continued: bool = False

    def apply(self, state: State) -> None:
        """Send the signal."""
        found = self.find(state)
        os.kill(found.pid, self.number)
        if self.continued:
            time.sleep(STOPPED_SECONDS)
            os.kill(found.pid, signal.SIGCONT)


FAULTS = (
    Fault("a function is killed", function, signal.SIGKILL, 15),
    Fault("a function is stopped", function, signal.SIGSTOP, 40),
    Fault("the serving task is killed", task, signal.SIGKILL, 20),
    Fault("the serving task is stopped", task, signal.SIGSTOP, 40),
    Fault(f"the front door is stopped for {STOPPED_SECONDS:.0f} s", front_door, signal.SIGSTOP, 10, continued=True),
    Fault(f"the emulator is stopped for {STOPPED_SECONDS:.0f} s", emulator, signal.SIGSTOP, 10, continued=True),
    Fault("the emulator is killed", emulator, signal.SIGKILL, 5),
)


def report(name: str, load: Load) -> None:
    """Print the rows of one fault."""
    for kind, replies in load.replies.items():
        failed = [reply for reply in replies if reply.status != "200"]
        outage = failed[-1].at - failed[0].at if failed else 0.0
        longest = max((reply.seconds for reply in replies), default=0.0)
        kinds = ", ".join(f"{count} × {status}" for status, count in Counter(r.status for r in failed).most_common())
        row = f"{name:<36} {kind:<6} {len(replies):>6} {len(failed):>6} {outage:>8.1f} {longest:>9.1f}  {kinds}"
        print(row.rstrip(), flush=True)


def measure(folder: Path, watch: float) -> None:
    """Start an embedded AWS in a folder, apply one fault after the other, and stop it."""
    heavy = next(iter(load_config(ROOT / "slipway.yaml").heavy_models))
    with held(0) as port:
        pass
    environment = LocalEnvironment(ROOT, folder)
    state = environment.up(port=port, step=lambda _: nullcontext())
    try:
        with Load(state.api, {"light": "tweet-sentiment", "heavy": heavy}).running() as load:
            print(f"{'fault':<36} {'kind':<6} {'sent':>6} {'failed':>6} {'outage/s':>8} {'longest/s':>9}")
            time.sleep(10 * watch)
            report("none", load)
            for fault in FAULTS:
                load.reset()
                fault.apply(state)
                time.sleep(fault.watch_seconds * watch)
                report(fault.name, load)
        print("`slipway local status` says:", "; ".join(environment.problems()))
    finally:
        environment.down()
    print("processes left after `slipway local down`:", sum(_is_of(each, folder) for each in psutil.process_iter()))


def _is_of(each: psutil.Process, folder: Path) -> bool:
    try:
        return any(str(folder) in part for part in each.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watch", type=float, default=1.0, help="multiply the seconds that each fault is watched")
    with tempfile.TemporaryDirectory(prefix="slipway-faults-") as made:
        measure(Path(made), parser.parse_args().watch)
