import os
import socket
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from local.environment import state
from local.environment.local_environment import LocalEnvironment
from local.environment.processes import Child, start, stop
from local.environment.start_lock import locked
from local.environment.state import Credentials, Process, State
from slipway.errors import ConfigError, ConflictError, InputError, NotFoundError, UnavailableError

CONFIG = "models:\n  m:\n    versions: [1]\n    stable: 1\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the files that starting requires."""
    root = tmp_path / "checkout"
    for name in ("app.py", "slipway.yaml", "node_modules/.bin/cdk"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(CONFIG if name == "slipway.yaml" else "", encoding="utf-8")
    return root


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    """A process that stands in for the emulator."""
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    child = start("emulator", command, folder=tmp_path, environment={}, log=tmp_path / "sleeper.log")
    yield child
    stop([child])


def written(folder: Path, *children: Child, ready: bool = True) -> State:
    made = State(
        ready=ready,
        api="http://127.0.0.1:8080",
        emulator="http://127.0.0.1:4566",
        region="us-east-1",
        credentials=Credentials(access_key_id="test", secret_access_key="test"),
        processes=[Process(**asdict(child)) for child in children],
    )
    state.write(folder, made)
    return made


def up(environment: LocalEnvironment, port: int = 0) -> State:
    return environment.up(port=port, step=lambda _: nullcontext())


def test_a_second_start_is_refused_with_the_way_out(root: Path, tmp_path: Path) -> None:
    written(tmp_path, Child("emulator", os.getpid(), psutil.Process().create_time(), "log"))

    with pytest.raises(ConflictError, match=r"already running at http://127\.0\.0\.1:8080; `slipway local down`"):
        up(LocalEnvironment(root, tmp_path))

    assert state.read(tmp_path) is not None


def test_of_two_starts_at_once_the_second_says_who_has_the_first(root: Path, tmp_path: Path) -> None:
    with locked(tmp_path, "up"), pytest.raises(ConflictError, match=rf"slipway local up` \(process {os.getpid()}\)"):
        up(LocalEnvironment(root, tmp_path))


def test_a_deploy_does_not_meet_another(root: Path, tmp_path: Path, sleeper: Child) -> None:
    written(tmp_path, sleeper)

    with locked(tmp_path, "deploy"), pytest.raises(ConflictError, match="slipway local deploy"):
        LocalEnvironment(root, tmp_path).deploy(step=lambda _: nullcontext())


@pytest.mark.parametrize(("ready", "name"), [(False, "emulator"), (True, "front door")])
def test_a_start_clears_what_a_broken_one_or_a_dead_emulator_left(
    root: Path, tmp_path: Path, sleeper: Child, *, ready: bool, name: str
) -> None:
    written(tmp_path, replace(sleeper, name=name), ready=ready)
    (root / "slipway.yaml").write_text("models: {}", encoding="utf-8")  # it goes no further

    with pytest.raises(ConfigError):
        up(LocalEnvironment(root, tmp_path))

    assert not sleeper.alive


def test_what_is_missing_is_told(root: Path, tmp_path: Path, sleeper: Child) -> None:
    environment = LocalEnvironment(root, tmp_path)
    assert environment.problems() == []

    written(tmp_path, sleeper)
    assert environment.problems() == []

    written(tmp_path, sleeper, Child("front door", 2**22 - 3, 0.0, "log"))
    assert environment.problems() == ["the front door has ended; `slipway local down` stops the rest"]
    with pytest.raises(UnavailableError, match="the front door has ended"):
        environment.deploy(step=lambda _: nullcontext())

    written(tmp_path, sleeper, ready=False)
    assert "broken off" in environment.problems()[0]
    with locked(tmp_path, "up"):
        assert environment.problems() == ["it is still starting"]


@pytest.mark.parametrize("call", ["up", "status", "down", "problems"])
def test_a_state_folder_that_is_a_file_is_named(root: Path, tmp_path: Path, call: str) -> None:
    file = tmp_path / "file"
    file.touch()
    environment = LocalEnvironment(root, file)

    with pytest.raises(InputError, match=r"--state: .*file cannot"):
        up(environment) if call == "up" else getattr(environment, call)()


def test_a_state_whose_processes_have_ended_is_nothing(root: Path, tmp_path: Path) -> None:
    written(tmp_path, Child("emulator", 2**22 - 3, 0.0, "log"))
    environment = LocalEnvironment(root, tmp_path)

    assert environment.status() is None
    assert environment.down() is False
    assert state.read(tmp_path) is None


def test_a_port_in_use_is_named_with_the_way_out(root: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError, match=rf"port {port} .*--port"):
            up(LocalEnvironment(root, tmp_path), port)


@pytest.mark.parametrize("missing", ["app.py", "slipway.yaml", "node_modules/.bin/cdk"])
def test_what_the_checkout_lacks_is_named(root: Path, tmp_path: Path, missing: str) -> None:
    (root / missing).unlink()

    with pytest.raises(NotFoundError, match=missing):
        up(LocalEnvironment(root, tmp_path))


def test_a_wrong_slipway_yaml_is_told_before_anything_starts(root: Path, tmp_path: Path) -> None:
    (root / "slipway.yaml").write_text("models: {}", encoding="utf-8")

    with pytest.raises(ConfigError, match="models"):
        up(LocalEnvironment(root, tmp_path))

    assert state.read(tmp_path) is None
    assert not (tmp_path / "tmp").exists()
