"""The training task: what it needs, what it stores when it is stopped or fails, and what it says."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.training import MODEL, Workplace, points, workplace

from container import train as task
from container.train import INTERRUPTED, TrainingSettings
from slipway.config import Config, parse_config
from slipway.config.deployment.environment import CONTROL_TABLE, MODEL_BUCKET, TRAINING_BUCKET, TRAINING_RUN
from slipway.errors import ConfigError
from slipway.training.account.data import BucketDataSets
from slipway.training.account.drafts import Drafts
from slipway.training.account.workspace import Workspace
from slipway.training.ports import Ports
from slipway.training.run import Run
from slipway.training.steps import assemble

FAILS = """
def train(data, draft, parent):
    raise KeyError("no such column")
"""
IS_STOPPED = """
import os, signal


def train(data, draft, parent):
    (draft.checkpoints / "epoch").write_text("3")
    os.kill(os.getpid(), signal.SIGTERM)
    raise AssertionError("it was stopped")
"""


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    (tmp_path / "project").mkdir()
    return workplace(tmp_path / "project", "recipe_of_task", points(120))


@pytest.fixture
def config() -> Config:
    return parse_config(f'models: {{{MODEL}: {{versions: [1], stable: 1, training: "recipe_of_task:train"}}}}')


@pytest.fixture
def here(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The task reaches moto's bucket, and a folder of its own."""
    monkeypatch.setattr(task, "Workspace", lambda _: workspace)
    monkeypatch.setattr(task, "scratch", lambda *parts: tmp_path.joinpath("scratch", *parts))
    before = signal.getsignal(signal.SIGTERM)
    yield workspace
    assert signal.getsignal(signal.SIGTERM) == before


def run_task(place: Workplace, config: Config, workspace: Workspace, folder: Path, recipe: str = "") -> tuple[int, Run]:
    """Assemble a run's data, and train in a task."""
    run = place.run()
    if recipe:
        name = f"recipe_{folder.parent.name.replace('-', '_')}_{folder.name}"
        (place.root / f"{name}.py").write_text(recipe, encoding="utf-8")
        run = place.run(recipe=f"{name}:train")
    assemble(Ports(place.examples, BucketDataSets(workspace, folder / "data"), place.versions), run)
    settings = TrainingSettings(run, "control", "models", "training", place.root)
    return task.train(settings, config, folder / "work"), run


def test_a_draft_is_stored(place: Workplace, config: Config, here: Workspace, tmp_path: Path) -> None:
    Drafts(here).say_failure(place.run(), "of an earlier attempt")
    code, run = run_task(place, config, here, tmp_path / "one")
    assert code == 0
    assert Drafts(here).failure(run) == ""
    assert Drafts(here).is_done(run)


def test_a_recipe_that_fails_is_said_and_leaves_no_draft(
    place: Workplace, config: Config, here: Workspace, tmp_path: Path
) -> None:
    code, run = run_task(place, config, here, tmp_path / "failing", FAILS)
    assert code == 1
    assert Drafts(here).failure(run) == "the recipe raised KeyError: 'no such column'"
    assert not Drafts(here).is_done(run)


def test_a_stopped_task_stores_what_it_had(place: Workplace, config: Config, here: Workspace, tmp_path: Path) -> None:
    code, run = run_task(place, config, here, tmp_path / "stopped", IS_STOPPED)
    assert code == INTERRUPTED
    assert not Drafts(here).is_done(run)
    assert Drafts(here).fetch_attempt(run, tmp_path / "next")
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "next").rglob("epoch")] == ["3"]


@pytest.mark.parametrize(("compute", "busy", "warned"), [("gpu", None, 1), ("gpu", 0.0, 0), ("fargate", None, 0)])
def test_a_task_without_the_gpu_that_it_asks_for_says_so_and_trains(  # noqa: PLR0917 - its fixtures
    place: Workplace,
    here: Workspace,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    compute: str,
    busy: float | None,
    warned: int,
) -> None:
    monkeypatch.setattr(task, "gpu_utilization", lambda: busy)
    training = f'{{recipe: "recipe_of_task:train", compute: {compute}}}'
    config = parse_config(f"models: {{{MODEL}: {{versions: [1], stable: 1, training: {training}}}}}")
    code, run = run_task(place, config, here, tmp_path / "gpu")
    assert (code, Drafts(here).is_done(run), Drafts(here).has_started(run)) == (0, True, True)
    assert len([each for each in caplog.messages if "nvidia-smi finds none here" in each]) == warned


def test_what_the_environment_lacks_is_named() -> None:
    with pytest.raises(ConfigError, match=TRAINING_BUCKET):
        TrainingSettings.of({})


def test_a_run_that_is_none_is_said() -> None:
    others = dict.fromkeys((CONTROL_TABLE, MODEL_BUCKET, TRAINING_BUCKET), "there")
    with pytest.raises(ConfigError, match=f"{TRAINING_RUN}.*must be a run as JSON"):
        TrainingSettings.of({TRAINING_RUN: '{"id": 1}', **others})


def test_the_settings_are_those_of_the_template(place: Workplace) -> None:
    run = place.run()
    environment = {
        TRAINING_RUN: json.dumps(run.model_dump(mode="json")),
        CONTROL_TABLE: "control",
        MODEL_BUCKET: "models",
        TRAINING_BUCKET: "training",
        "SLIPWAY_ROOT": os.fspath(place.root),
    }
    settings = TrainingSettings.of(environment)
    assert settings == TrainingSettings(run, "control", "models", "training", place.root)
