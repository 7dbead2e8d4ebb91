"""Start and stop the processes of the embedded AWS, each in its own process group."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from slipway.errors import SlipwayError

_GRACE_SECONDS = 5.0
_CLOCK_SLACK_SECONDS = 2.0  # start times are in system time, and the clock may be adjusted
_POLL_SECONDS = 0.05
_LOG_LINES = 15


class StartError(SlipwayError):
    """A process of the embedded AWS failed; the message ends with the last lines of its log, without tracebacks."""

    def __init__(self, what: str, log: Path) -> None:
        self.log = log
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        tail = "\n".join(f"  {line}" for line in without_frames(text.splitlines())[-_LOG_LINES:])
        super().__init__(f"{what}; the end of {log}:\n{tail}")


def without_frames(lines: Iterable[str]) -> list[str]:
    """The lines without the frames of Python's tracebacks; their last lines, which say what is wrong, stay."""
    kept: list[str] = []
    in_traceback = False
    for line in lines:
        in_traceback = line.lstrip(" |+").startswith("Traceback (most recent call last)") or (
            in_traceback and line.startswith((" ", "\t"))
        )
        if not in_traceback:
            kept.append(line)
    return kept


@dataclass(frozen=True, slots=True)
class Child:
    """A started process. Its start time distinguishes it from a later process with the same id."""

    name: str
    pid: int
    started: float
    log: str

    @property
    def alive(self) -> bool:
        """Whether this process is still running, or stopped by a signal."""
        return self._status() not in (None, psutil.STATUS_ZOMBIE)

    @property
    def problem(self) -> str | None:
        """Why this process does no work, or None if it runs."""
        match self._status():
            case None | psutil.STATUS_ZOMBIE:
                return "has ended"
            case psutil.STATUS_STOPPED | psutil.STATUS_TRACING_STOP:
                return f"is stopped by a signal (`kill -CONT {self.pid}` continues it)"
            case _:
                return None

    @property
    def owns_group(self) -> bool:
        """Whether the process group of this id is its own: no other process may have the id of a group in use."""
        return self._status() is not None or not psutil.pid_exists(self.pid)

    def _status(self) -> str | None:
        """The system's word for its state; None if there is no such process."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _CLOCK_SLACK_SECONDS
            return process.status() if same else None
        except psutil.NoSuchProcess:
            return None


def start(name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path) -> Child:
    """Start a process in its own session, so that a terminal's Ctrl-C reaches it only through `stop`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Child queries the system, so the Popen object need not outlive this call.
    process.returncode = 0
    return Child(name, process.pid, psutil.Process(process.pid).create_time(), str(log))


def run(name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path) -> None:
    """Run a command to its end; raises as `finish` does."""
    finish(start(name, command, folder=folder, environment=environment, log=log))


def finish(child: Child) -> None:
    """Wait for a process to end; an interruption of the wait stops it.

    Raises:
        StartError: it ended with an error.
    """
    try:
        code = psutil.Process(child.pid).wait()
    except BaseException:
        stop([child])
        raise
    if code != 0:
        raise StartError(f"{child.name} failed with exit code {code}", Path(child.log))


def stop(children: Iterable[Child]) -> bool:
    """Stop processes and their descendants, and kill those that ignore SIGTERM for five seconds.

    Returns whether any was running; descendants may outlive the process that started them.
    """
    groups = [child.pid for child in children if child.owns_group]
    were_running = any(_members(group) for group in groups)
    _signal(groups, signal.SIGTERM)
    _signal(groups, signal.SIGCONT)  # a stopped process could not act on it
    if not _gone(groups, time.monotonic() + _GRACE_SECONDS):
        _signal(groups, signal.SIGKILL)
        _gone(groups, time.monotonic() + _GRACE_SECONDS)
    return were_running


def _gone(groups: Sequence[int], deadline: float) -> bool:
    while any(_members(group) for group in groups):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(groups: Iterable[int], number: signal.Signals) -> None:
    for group in groups:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            continue


def _members(group: int) -> list[psutil.Process]:
    """The live processes of a group; also reaps ended children of this process."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) != group:
                continue
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
            elif process.ppid() == os.getpid():
                process.wait(0)
        except (psutil.NoSuchProcess, psutil.TimeoutExpired, ProcessLookupError, PermissionError):
            continue
    return found
