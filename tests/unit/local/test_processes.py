import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.environment.processes import Child, StartError, finish, run, start, stop

Starter = Callable[[str], Child]

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(grandchild.pid, flush=True)
time.sleep(600)
"""
PARENT = STUBBORN.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n", "")


@pytest.fixture
def start_python(tmp_path: Path) -> Iterator[Starter]:
    """Starts a Python script, and stops it after the test."""
    started: list[Child] = []

    def starter(script: str) -> Child:
        command = [sys.executable, "-c", script]
        started.append(start("script", command, folder=tmp_path, environment=os.environ, log=tmp_path / "script.log"))
        return started[-1]

    yield starter
    for child in started:
        if child.alive:
            os.killpg(child.pid, signal.SIGKILL)


def grandchild_of(child: Child) -> psutil.Process:
    deadline = time.monotonic() + 60
    while not (text := Path(child.log).read_text(encoding="utf-8").strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return psutil.Process(int(text))


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_stop_ends_a_process_and_what_it_started(start_python: Starter) -> None:
    child = start_python(PARENT)
    grandchild = grandchild_of(child)

    stop([child])

    assert not child.alive
    assert has_ended(grandchild)


def test_stop_ends_what_is_left_of_a_process_that_has_ended(start_python: Starter) -> None:
    child = start_python(PARENT)
    grandchild = grandchild_of(child)
    os.kill(child.pid, signal.SIGKILL)
    psutil.Process(child.pid).wait()

    stop([child])

    assert has_ended(grandchild)


def test_stop_ends_what_is_left_of_a_process_that_nobody_has_waited_for(start_python: Starter) -> None:
    child = start_python(PARENT)
    grandchild = grandchild_of(child)
    os.kill(child.pid, signal.SIGKILL)
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)

    assert stop([child])

    assert has_ended(grandchild)
    assert not stop([child])


def test_a_process_that_is_stopped_by_a_signal_is_told_and_ended(start_python: Starter) -> None:
    child = start_python("import time; time.sleep(600)")
    assert child.problem is None
    os.kill(child.pid, signal.SIGSTOP)
    while psutil.Process(child.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)

    assert child.alive
    assert "is stopped by a signal" in str(child.problem)
    stop([child])

    assert child.problem == "has ended"


def test_what_ignores_sigterm_is_killed(start_python: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.environment.processes._GRACE_SECONDS", 0.3)
    child = start_python(STUBBORN)
    grandchild_of(child)

    stop([child])

    assert not child.alive


def test_a_later_process_with_the_same_id_is_not_taken_for_it_and_lives_on(start_python: Starter) -> None:
    other = start_python("import time; time.sleep(600)")
    earlier = Child("earlier", other.pid, other.started - 3600, other.log)

    stop([earlier])

    assert not earlier.alive
    assert other.alive


def test_stop_knows_that_a_process_is_long_gone() -> None:
    stop([Child("gone", 2**22 - 3, 0.0, "none")])


def test_run_ends_with_the_command(tmp_path: Path) -> None:
    log = tmp_path / "log"

    run("greeting", [sys.executable, "-c", "print('hello')"], folder=tmp_path, environment={}, log=log)

    assert log.read_text(encoding="utf-8") == "hello\n"


def test_an_error_ends_with_the_end_of_the_log(start_python: Starter) -> None:
    child = start_python("print('\\n'.join(map(str, range(100)))); raise SystemExit(7)")

    with pytest.raises(StartError, match="exit code 7") as caught:
        finish(child)

    assert str(caught.value).splitlines()[-1].strip() == "99"
    assert "  80" not in str(caught.value).splitlines()


def test_an_error_is_told_without_its_traceback(start_python: Starter) -> None:
    child = start_python("def deep():\n    raise ValueError('the port is odd')\nprint('starting')\ndeep()")

    with pytest.raises(StartError) as caught:
        finish(child)

    assert [line.strip() for line in str(caught.value).splitlines()[1:]] == ["starting", "ValueError: the port is odd"]


def test_an_interrupted_wait_stops_the_process(start_python: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    child = start_python("import time; time.sleep(600)")

    def interrupted(_process: psutil.Process, timeout: float | None = None) -> int:
        monkeypatch.undo()
        raise KeyboardInterrupt

    # A signal after a time would miss the wait on a slow machine, and interrupt pytest itself.
    monkeypatch.setattr(psutil.Process, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        finish(child)

    assert not child.alive
