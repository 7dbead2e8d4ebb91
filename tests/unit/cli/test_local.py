import json
import socket
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from slipway.cli.local import app as local
from slipway.cli.local import environments
from slipway.errors import ConflictError, MissingExtraError, NotFoundError

RUNNER = CliRunner()


class Up:
    """The state of a running environment."""

    api = "http://127.0.0.1:1"  # nothing listens there
    emulator = "http://127.0.0.1:4566"
    console: str | None = None

    def model_dump(self) -> dict[str, Any]:
        return {"api": self.api, "emulator": self.emulator}


class Environment:
    """A fake environment that records its calls."""

    running: Up | None = None
    console: int | None = None
    found: list[str]
    asked: list[str]

    def __init__(self, root: Path, folder: Path, config: Path | None) -> None:
        assert config is None
        self.folder = folder

    def up(self, *, port: int, step: Any, console: int | None) -> Up:
        if self.running is not None:
            raise ConflictError("the embedded AWS is already running")
        shown: AbstractContextManager[None] = step("Starting the embedded AWS")
        with shown:
            type(self).running = Up()
        self.asked.append(f"up {port} {self.folder}")
        type(self).console = console
        type(self).running.console = None if console is None else f"http://127.0.0.1:{console}"
        return type(self).running

    def deploy(self, *, step: Any) -> Up:
        if self.running is None:
            raise NotFoundError("embedded AWS", "none is up")
        self.asked.append("deploy")
        return self.running

    def status(self) -> Up | None:
        return self.running

    def problems(self) -> list[str]:
        return self.found

    def down(self) -> bool:
        was_up = self.running is not None
        type(self).running = None
        self.asked.append("down")
        return was_up

    def wait(self) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> type[Environment]:
    """The class that is loaded in place of the embedded AWS."""
    made = type("Made", (Environment,), {"asked": [], "running": None, "found": []})
    monkeypatch.setattr(environments, "load_part", lambda _: SimpleNamespace(LocalEnvironment=made))
    monkeypatch.setattr(local, "_first_prediction", lambda *_: None)
    return made


def test_in_the_foreground_ctrl_c_stops_what_it_started(environment: type[Environment]) -> None:
    done = RUNNER.invoke(local.app, ["up", "--port", "8123", "--state", "here"])

    assert done.exit_code == 0
    assert environment.asked == ["up 8123 here", "down"]
    assert "Starting the embedded AWS" in done.output


def test_in_the_background_it_is_left_running(environment: type[Environment]) -> None:
    done = RUNNER.invoke(local.app, ["up", "--detach"])

    assert done.exit_code == 0
    assert environment.asked == ["up 8080 .slipway"]
    assert "slipway local down" in done.output


def test_the_console_is_started_beside_the_api(environment: type[Environment]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = RUNNER.invoke(local.app, ["up", "--detach", "--port", str(port - 1)])
    assert (done.exit_code, environment.console) == (0, 0)  # the port after the API's is taken, so any other

    environment.running = None
    done = RUNNER.invoke(local.app, ["up", "--detach", "--console-port", "8123"])
    assert environment.console == 8123
    assert "The console is at http://127.0.0.1:8123." in done.output

    environment.running = None
    done = RUNNER.invoke(local.app, ["up", "--detach", "--no-console"])
    assert environment.console is None
    assert "The console is at" not in done.output


def test_a_failed_first_prediction_stops_what_it_started(
    environment: type[Environment], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NotFoundError("model", "tweet-sentiment")

    monkeypatch.setattr(local, "_first_prediction", fail)

    done = RUNNER.invoke(local.app, ["up", "--detach"])

    assert isinstance(done.exception, NotFoundError)
    assert environment.asked[-1] == "down"


def test_a_refused_start_stops_nothing(environment: type[Environment]) -> None:
    environment.running = Up()

    done = RUNNER.invoke(local.app, ["up"])

    assert isinstance(done.exception, ConflictError)
    assert environment.asked == []


def test_the_status_is_told_to_people_and_programs(environment: type[Environment]) -> None:
    nothing = RUNNER.invoke(local.app, ["status", "--json"])
    environment.running = Up()
    up = RUNNER.invoke(local.app, ["status", "--json"])

    assert (nothing.exit_code, json.loads(nothing.output)) == (4, {"up": False})
    shown = {"up": True, "problems": [], "api": Up.api, "emulator": Up.emulator}
    assert (up.exit_code, json.loads(up.output)) == (0, shown)
    assert Up.api in RUNNER.invoke(local.app, ["status"]).output


def test_a_part_that_is_missing_is_told_to_people_and_programs(environment: type[Environment]) -> None:
    environment.running, environment.found = Up(), ["the front door has ended"]

    people, programs = (RUNNER.invoke(local.app, ["status", *how]) for how in ([], ["--json"]))

    assert (people.exit_code, programs.exit_code) == (4, 4)
    assert "the front door has ended" in people.output
    assert Up.api not in people.output
    assert (json.loads(programs.output)["up"], json.loads(programs.output)["problems"]) == (False, environment.found)


def test_down_says_whether_there_was_anything(environment: type[Environment]) -> None:
    environment.running = Up()

    outputs = [RUNNER.invoke(local.app, ["down"]).output.strip() for _ in range(2)]

    assert outputs == ["Stopped.", "Nothing was up."]


def test_without_the_libraries_of_the_embedded_aws_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "local"]:
        monkeypatch.delitem(sys.modules, name)

    done = RUNNER.invoke(local.app, ["status"])

    assert isinstance(done.exception, MissingExtraError)
    assert "psutil is not installed; run `pip install 'slipway[project]'`" in str(done.exception)


def text_model(name: str, task: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "task": task, "release": {"stable": 2}, "versions": [{"version": 2, "inputs": list(fields)}]}


def test_the_first_prediction_is_for_a_model_that_a_text_is_enough_for() -> None:
    two = text_model("two", "text-classification", {"name": "text"}, {"name": "title"})
    numbers = text_model("numbers", "tabular-classification", {"name": "x"})
    tweets = text_model("tweets", "text-classification", {"name": "tweet"}, {"name": "language", "default": "en"})

    assert local._text_model([two, numbers, tweets]) == ("tweets", "tweet")
    assert local._text_model([two, numbers]) is None


def test_deploy_brings_a_changed_checkout_to_what_is_up(environment: type[Environment]) -> None:
    environment.running = Up()

    shown = RUNNER.invoke(local.app, ["deploy"])

    assert environment.asked == ["deploy"]
    assert Up.api in shown.stdout


@pytest.mark.usefixtures("environment")
def test_deploy_with_nothing_up_says_so() -> None:
    assert isinstance(RUNNER.invoke(local.app, ["deploy"]).exception, NotFoundError)
