import os
import socket
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from local.environment import state
from local.environment.local_environment import LocalEnvironment
from local.environment.processes import Child
from local.environment.state import Credentials, Process, State
from slipway.errors import ConfigError, ConflictError, NotFoundError

CONFIG = "models:\n  m:\n    versions: [1]\n    stable: 1\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the files that starting requires."""
    root = tmp_path / "checkout"
    for name in ("app.py", "slipway.yaml", "node_modules/.bin/cdk"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(CONFIG if name == "slipway.yaml" else "", encoding="utf-8")
    return root


def written(folder: Path, child: Child) -> State:
    made = State(
        api="http://127.0.0.1:8080",
        emulator="http://127.0.0.1:4566",
        region="us-east-1",
        credentials=Credentials(access_key_id="test", secret_access_key="test"),
        processes=[Process(**asdict(child))],
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
