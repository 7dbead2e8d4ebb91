"""`slipway local` as a user runs it: in the foreground, in the background, and when something is in its way."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support.embedded import unused_port

from local.environment.start_lock import is_locked
from local.environment.state import State

Slipway = Callable[..., subprocess.CompletedProcess[str]]

SLIPWAY = Path(sys.executable).with_name("slipway")
START_SECONDS = 180  # a start takes a tenth of this where nothing else runs
STOP_SECONDS = 30
# As on a laptop of a company; nothing listens there.
PROXIES = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
PROXIES |= dict.fromkeys(("ALL_PROXY", "all_proxy"), "socks5://127.0.0.1:9")


@pytest.fixture
def folder(running: State, state_folder: Path, tmp_path: Path) -> Path:
    """A state folder that has the assembly already, since synthesis is not what these tests are about."""
    made = tmp_path / "state"
    made.mkdir()
    shutil.copytree(state_folder / "cdk.out", made / "cdk.out")
    shutil.copy(state_folder / "cdk.out.fingerprint", made)
    return made


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command here has proxies in its environment."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, proxy in PROXIES.items():
        monkeypatch.setenv(name, proxy)


@pytest.fixture
def slipway(checkout: Path) -> Slipway:
    """Runs `slipway local` to its end."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [SLIPWAY, "local", *map(str, arguments)]
        return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=START_SECONDS, check=False)

    return run


@pytest.fixture
def foreground(checkout: Path, folder: Path, slipway: Slipway) -> Iterator[subprocess.Popen[str]]:
    """`slipway local up` as `make run` starts it."""
    command = [SLIPWAY, "local", "up", "--state", folder, "--port", str(unused_port()), "--text", "it's good"]
    with subprocess.Popen(
        command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process
        process.kill()
    slipway("down", "--state", folder)


def recorded(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / "local.json").read_text(encoding="utf-8"))
    return state


def family(folder: Path) -> list[psutil.Process]:
    """All processes that a state names, and those they started."""
    parents = [psutil.Process(process["pid"]) for process in recorded(folder)["processes"]]
    return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]


def assert_gone(processes: list[psutil.Process], folder: Path) -> None:
    alive = [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert alive == []
    assert not (folder / "local.json").exists()
    assert not (folder / "tmp").exists()


def shown_until_up(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    shown = ""
    while "Ctrl-C stops" not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    return shown


def test_in_the_foreground_it_predicts_and_stops_on_ctrl_c_whoever_else_starts(
    foreground: subprocess.Popen[str], folder: Path, slipway: Slipway
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_locked(folder):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    second = slipway("up", "--state", folder, "--port", unused_port())
    assert second.returncode == 1
    assert f"`slipway local up` (process {foreground.pid})" in second.stderr

    shown = shown_until_up(foreground)
    processes = family(folder)
    assert len(processes) >= 3  # the emulator, the front door, a function
    assert "tweet-sentiment says: positive" in shown
    console = recorded(folder)["console"]
    assert f"The console is at {console}." in shown
    assert "tweet-sentiment" in httpx.get(console, trust_env=False, timeout=START_SECONDS).text
    assert '-d \'{"inputs": [{"text": "it\'"\'"\'s good"}]}\'' in shown

    foreground.send_signal(signal.SIGINT)

    assert foreground.wait(STOP_SECONDS) == 0
    assert_gone(processes, folder)


def test_an_emulator_that_is_killed_leaves_no_task(foreground: subprocess.Popen[str], folder: Path) -> None:
    shown_until_up(foreground)
    processes = family(folder)
    emulator = next(each["pid"] for each in recorded(folder)["processes"] if each["name"] == "emulator")

    os.kill(emulator, signal.SIGKILL)

    shown, _ = foreground.communicate(timeout=STOP_SECONDS)
    assert foreground.returncode == 1
    assert "the emulator ended" in shown
    assert_gone(processes, folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing_behind(
    foreground: subprocess.Popen[str], folder: Path, number: signal.Signals
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "local.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    processes = [*family(folder), *psutil.Process(foreground.pid).children(recursive=True)]

    foreground.send_signal(number)

    assert foreground.wait(STOP_SECONDS) == 128 + number
    assert_gone(processes, folder)


def test_in_the_background_it_stays_until_it_is_told(folder: Path, slipway: Slipway) -> None:
    port = unused_port()
    up = slipway("up", "--detach", "--state", folder, "--port", port)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        state = recorded(folder)
        assert state["api"] == f"http://127.0.0.1:{port}"
        assert httpx.get(f"{state['api']}/v1/models", trust_env=False, timeout=START_SECONDS).status_code == 200
        assert json.loads(slipway("status", "--json", "--state", folder).stdout)["emulator"] == state["emulator"]
        processes = family(folder)
        door = next(each["pid"] for each in state["processes"] if each["name"] == "front door")
        os.kill(door, signal.SIGKILL)
        told, deployed = slipway("status", "--state", folder), slipway("deploy", "--state", folder)
        assert (told.returncode, deployed.returncode) == (4, 4)
        assert "the front door has ended" in told.stdout
        assert "the front door has ended" in deployed.stderr
    finally:
        down = slipway("down", "--state", folder)

    assert down.returncode == 0
    assert_gone(processes, folder)
    again = slipway("status", "--json", "--state", folder)
    assert (again.returncode, json.loads(again.stdout)) == (4, {"up": False})


def test_a_second_start_is_refused_and_harms_nothing(running: State, state_folder: Path, slipway: Slipway) -> None:
    second = slipway("up", "--state", state_folder, "--port", unused_port())

    assert second.returncode == 1
    assert running.api in second.stderr
    assert "slipway local down" in second.stderr
    assert httpx.get(f"{running.api}/v2/health/ready", trust_env=False, timeout=START_SECONDS).status_code == 200


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path, slipway: Slipway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = slipway("up", "--state", tmp_path / "state", "--port", port)

    assert refused.returncode == 1
    assert str(port) in refused.stderr
    assert "--port" in refused.stderr


def test_outside_a_checkout_it_says_what_is_missing(tmp_path: Path) -> None:
    command = [SLIPWAY, "local", "up"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "make setup" in done.stderr
