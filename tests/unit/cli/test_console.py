"""`slipway console`: where it serves, what it may do there, and which embedded AWS it finds."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from slipway.cli import app
from slipway.cli.embedded import find_embedded
from slipway.console.settings import ConsoleSettings
from slipway.console.workspace import Workspace
from slipway.errors import ConflictError, UnavailableError

STATE = {
    "ready": False,
    "api": "http://127.0.0.1:1",
    "emulator": "http://127.0.0.1:2",
    "region": "us-east-1",
    "credentials": {"access_key_id": "a", "secret_access_key": "b"},
    "outputs": {},
}


class Served:
    """What would be served, and what there is to be found by it."""

    settings: ConsoleSettings
    workspace: Workspace
    found: object = None

    def __call__(self, settings: ConsoleSettings, workspace: Workspace) -> None:
        self.settings, self.workspace = settings, workspace
        try:
            self.found = find_embedded()
        except UnavailableError as error:
            self.found = error.reason


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Served:
    made = Served()
    monkeypatch.setattr("slipway.console.server.serve", made)
    monkeypatch.chdir(tmp_path)
    return made


def console(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["console", *arguments])


def unused() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_it_says_where_it_is(served: Served):
    port = unused()
    done = console("--port", str(port), "--config", "here/slipway.yaml")
    assert done.exit_code == 0
    assert f"The console is at http://127.0.0.1:{port}." in done.output
    assert served.settings.address == f"http://127.0.0.1:{port}"
    assert served.settings.node_modules == Path("here/node_modules")
    assert served.workspace.config_file == Path("here/slipway.yaml")
    assert served.found is None


def test_it_can_be_read_only(served: Served):
    done = console("--read-only", "--port", str(unused()))
    assert "read-only" in done.output
    assert served.settings.read_only


def test_it_has_no_option_for_another_address(served: Served):
    assert console("--host", "0.0.0.0").exit_code == 2  # noqa: S104 - which must be refused


def test_a_port_that_is_taken_is_named(served: Served):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = console("--port", str(taken.getsockname()[1]))
    assert isinstance(done.exception, ConflictError)
    assert str(taken) not in str(done.exception)
    assert "choose another --port" in str(done.exception)


def test_it_finds_the_embedded_aws_of_another_folder(served: Served, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "local.json").write_text(json.dumps(STATE), encoding="utf-8")
    console("--state", "elsewhere", "--port", str(unused()))
    assert "still starting" in str(served.found)


def test_commands_after_it_find_their_own(served: Served, tmp_path: Path):
    test_it_finds_the_embedded_aws_of_another_folder(served, tmp_path)
    console("--port", str(unused()))
    assert served.found is None
