"""`slipway train` in the account: what it starts, answers and shows, over runs in memory."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.training_runs import RunsInMemory
from fakes.training_target import ExecutionsInMemory, TargetInMemory
from typer.testing import CliRunner, Result

from slipway.cli import app
from slipway.cli.deployed import Deployed
from slipway.cli.train import account
from slipway.cli.train.target import TrainingTarget
from slipway.config import load_config
from slipway.config.training import TrainingConfig
from slipway.errors import ConflictError, InputError, NotFoundError
from slipway.training.account.executions import Answer
from slipway.training.account.progress import Data, Phase, Progress, started
from slipway.training.account.table import Question
from slipway.training.run import Trigger, new_run

MODEL = "points"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
CONFIG = (
    'models: { points: { versions: [1], stable: 1, training: "recipe:train" }, fixed: { versions: [1], stable: 1 } }'
)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TargetInMemory:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runs = RunsInMemory()
    executions = ExecutionsInMemory(runs, progress)
    made = TargetInMemory(load_config(Path("slipway.yaml")), Deployed("memory", {}), runs, executions, "arn:ann")
    monkeypatch.setattr(account, "find_training", lambda *_: made)
    return made


def progress(name: str, execution: str = "arn:old") -> Progress:
    training = TrainingConfig(recipe="recipe:train")
    run = new_run(MODEL, training, id=name, trigger=Trigger(), parent=1, now=NOW, by="ann")
    return started(run, execution, NOW)


def train(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["train", *arguments])


def test_a_run_is_started_for_somebody_with_a_reason(target: TargetInMemory) -> None:
    done = train("start", MODEL, "-m", "new carrier")
    assert done.exit_code == 0, done.output
    (given,) = target.executions.started
    assert given["trigger"] == {"kind": "hand", "reason": "new carrier"}
    assert (given["model"], given["by"]) == (MODEL, "arn:ann")
    assert given["run"] in done.stdout


def test_the_run_that_was_started_is_said_as_json(target: TargetInMemory) -> None:
    said = json.loads(train("start", MODEL, "--json").stdout)
    assert said == {"model": MODEL, "run": target.executions.started[0]["run"], "resumed": False}


def test_there_are_no_log_groups_without_the_stack(target: TargetInMemory) -> None:
    bare = TrainingTarget(target.config, replace(target.deployed, outputs={}))
    assert bare.log_groups == []


def test_a_second_one_is_refused_while_the_first_is_active(target: TargetInMemory) -> None:
    assert train("start", MODEL).exit_code == 0
    refused = train("start", MODEL)
    assert isinstance(refused.exception, ConflictError)
    assert "is active (assembling)" in str(refused.exception)
    assert len(target.executions.started) == 1


def test_one_that_died_does_not_hinder_the_next_and_can_be_resumed(target: TargetInMemory) -> None:
    target.runs.save(progress("dead"))
    assert train("start", MODEL, "--resume").exit_code == 0
    assert target.executions.started[0]["run"] == "dead"


@pytest.mark.parametrize("phase", [Phase.RELEASED, Phase.REFUSED])
def test_only_one_that_failed_is_resumed(target: TargetInMemory, phase: Phase) -> None:
    target.runs.save(progress("one").entering(phase, NOW))
    assert "none to go on with" in str(train("start", MODEL, "--resume").exception)


@pytest.mark.parametrize(("verb", "approved"), [("approve", True), ("reject", False)])
def test_a_person_answers_the_run_that_waits(target: TargetInMemory, verb: str, approved: bool) -> None:
    target.runs.save(progress("one").entering(Phase.WAITING, NOW))
    target.runs.ask(MODEL, Question("one", 3, "token"))
    target.executions.running.add("arn:old")
    done = train(verb, MODEL, "-m", "seen")
    assert done.exit_code == 0, done.output
    assert target.executions.answers == [("token", Answer(approved, "arn:ann", "seen"))]
    assert "Version 3 of points is" in done.stdout


def test_nobody_answers_a_run_that_does_not_wait(target: TargetInMemory) -> None:
    assert "no run of points waits" in str(train("approve", MODEL).exception)
    target.runs.save(progress("one").entering(Phase.RELEASED, NOW))
    target.runs.ask(MODEL, Question("one", 3, "token"))
    assert isinstance(train("approve", MODEL).exception, ConflictError)
    assert target.executions.answers == []


def test_nobody_answers_a_run_that_nothing_works_on(target: TargetInMemory) -> None:
    target.runs.save(progress("one").entering(Phase.WAITING, NOW))
    target.runs.ask(MODEL, Question("one", 3, "token"))
    assert "no run of points waits" in str(train("approve", MODEL).exception)
    assert target.executions.answers == []


def test_a_run_is_shown_with_its_data_gates_and_steps(target: TargetInMemory) -> None:
    data = Data(rows=1234, train_rows=1000, sha256="0" * 64, since=NOW, until=NOW)
    shown = progress("one").entering(Phase.REFUSED, NOW, "The gates refused it.", data=data, gates=("drop: worse",))
    target.runs.save(shown)
    text = train("status", MODEL).stdout
    for part in ("one of points, refused", "1,234 labels", "drop: worse", "The gates refused it."):
        assert part in text
    assert train("history", MODEL).stdout.count("refused") >= 1


def test_a_run_that_nothing_works_on_says_how_to_go_on(target: TargetInMemory) -> None:
    target.runs.save(progress("dead"))
    assert "`slipway train start points --resume` goes on" in train("status", MODEL).stdout
    assert train("watch", MODEL).exit_code == 1


@pytest.mark.parametrize(("phase", "code"), [(Phase.RELEASED, 0), (Phase.DECLINED, 0), (Phase.FAILED, 1)])
def test_the_exit_code_of_watch_tells_how_the_run_ended(target: TargetInMemory, phase: Phase, code: int) -> None:
    target.runs.save(progress("one").entering(phase, NOW))
    assert train("watch", MODEL).exit_code == code


def test_without_runs_it_says_so(target: TargetInMemory) -> None:
    assert target.runs.past(MODEL) == []
    assert "There are no training runs yet." in train("status").stdout
    assert isinstance(train("status", MODEL).exception, NotFoundError)


@pytest.mark.parametrize("option", [("--data", "a.csv"), ("--version", "2"), ("--run", "one")])
def test_options_of_local_runs_are_refused(target: TargetInMemory, option: tuple[str, str]) -> None:
    refused = train("start", MODEL, *option).exception
    assert isinstance(refused, InputError)
    assert option[0] in str(refused)
    assert target.executions.started == []


def test_a_model_that_is_not_trained_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "models.fixed.training" in str(train("start", "fixed").exception)
    assert isinstance(train("status", "other").exception, NotFoundError)


def test_a_run_is_shown_of_a_model_that_is_named(target: TargetInMemory) -> None:
    assert "--run: needs the MODEL of the run" in str(train("status", "--run", "r1").exception)
