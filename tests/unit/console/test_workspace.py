"""What a workspace keeps for a minute, and shares among the threads of a page."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from slipway.cli.deployed import Deployed
from slipway.console import workspace as workspaces
from slipway.console.workspace import Workspace
from slipway.errors import ConfigError, NotFoundError

TEXT = "project: tried\nmodels: {tiny: {versions: [1], stable: 1}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "slipway.yaml"
    made.write_text(TEXT, encoding="utf-8")
    return made


def test_a_changed_file_is_read_anew(file: Path):
    workspace = Workspace(file)
    assert list(workspace.config().models) == ["tiny"]
    file.write_text(TEXT.replace("tiny", "other-one"), encoding="utf-8")
    assert list(workspace.config().models) == ["other-one"]


def test_a_model_that_is_not_there_is_named(file: Path):
    with pytest.raises(NotFoundError, match="did you mean 'tiny'"):
        Workspace(file).model("tinyy")


def test_a_mistake_in_the_file_is_said_each_time(file: Path):
    file.write_text("models: 1", encoding="utf-8")
    workspace = Workspace(file)
    for _ in range(2):
        with pytest.raises(ConfigError):
            workspace.config()


def test_threads_share_what_takes_long_to_make(file: Path):
    now = datetime(2026, 11, 27, tzinfo=UTC)
    workspace, go, made = Workspace(file, clock=lambda: now), Event(), []

    def make() -> object:
        go.wait()
        made.append(object())
        return made[-1]

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(workspace._once, "thing", make) for _ in range(4)]
        go.set()
    assert {each.result() for each in found} == {made[0]}
    now += timedelta(minutes=1)
    assert workspace._once("thing", make) is made[1]


def test_clients_are_made_anew_only_for_another_deployment(file: Path, monkeypatch: pytest.MonkeyPatch):
    now, made = datetime(2026, 11, 27, tzinfo=UTC), []
    found = [Deployed("there", {"ControlTable": "one"}, {"region_name": "us-east-1"})]
    monkeypatch.setattr(workspaces, "find_deployed", lambda _project: replace(found[0]))
    monkeypatch.setattr(workspaces, "new_client", lambda service, _options: made.append(service) or object())
    workspace = Workspace(file, clock=lambda: now)
    first = workspace.client("s3")
    now += timedelta(hours=1)
    assert workspace.client("s3") is first
    found[0] = Deployed("there", {"ControlTable": "two"}, {"region_name": "us-east-1"})
    now += timedelta(minutes=1)
    assert workspace.client("s3") is not first
    assert made == ["s3", "s3"]


def test_the_api_is_that_of_the_projects_own_file(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The console may be started elsewhere, with --config, even beside another project's slipway.yaml."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "slipway.yaml").write_text(TEXT.replace("tried", "another"), encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr("slipway.cli.api.find_embedded", lambda: None)
    monkeypatch.setattr("slipway.cli.deployed.account_output", lambda stack, _: f"https://{stack}.test")
    with Workspace(file).api() as api:
        assert api.url == "https://tried-serving.test"
