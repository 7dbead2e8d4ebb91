import json
import os
import stat
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from local.environment import state
from local.environment.processes import Child
from local.environment.state import Credentials, Process, State
from slipway.errors import ConfigError

NOBODY = Child("emulator", 2**22 - 3, 0.0, "emulator.log")


def some_state(child: Child = NOBODY) -> State:
    return State(
        api="http://127.0.0.1:8080",
        emulator="http://127.0.0.1:4566",
        region="us-east-1",
        credentials=Credentials(access_key_id="test", secret_access_key="test"),
        outputs={"slipway-serving": {"ApiId": "abc"}},
        processes=[Process(**asdict(child))],
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state.write(tmp_path / "new", some_state())

    assert state.read(tmp_path / "new") == some_state()


def test_the_file_is_json_with_the_addresses_for_its_owner_only(tmp_path: Path) -> None:
    state.write(tmp_path, some_state())

    file = tmp_path / "local.json"
    written = json.loads(file.read_text(encoding="utf-8"))
    assert (written["api"], written["emulator"]) == ("http://127.0.0.1:8080", "http://127.0.0.1:4566")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_there_is_nothing_before_it_is_written_and_after_it_is_cleared(tmp_path: Path) -> None:
    assert state.read(tmp_path) is None
    state.write(tmp_path, some_state())
    state.clear(tmp_path)
    state.clear(tmp_path)
    assert state.read(tmp_path) is None


def test_a_state_lives_as_long_as_one_of_its_processes() -> None:
    me = Child("me", os.getpid(), psutil.Process().create_time(), "log")

    assert not some_state().alive
    assert some_state().with_child(me).alive


@pytest.mark.parametrize("text", ["", "{}", '{"api": 3}', "["])
def test_a_file_that_is_no_state_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "local.json").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=r"local\.json"):
        state.read(tmp_path)
