"""The page of training: what it says where nothing is trained, and what its orders do where it is."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes.training_runs import RunsInMemory
from fakes.training_target import ExecutionsInMemory, TargetInMemory
from starlette.testclient import TestClient
from support.calibrated import MODEL
from support.console_forms import hidden, send

from slipway.cli.deployed import Deployed
from slipway.config.training import TrainingConfig
from slipway.console.app import create_app
from slipway.console.queries import training as training_queries
from slipway.console.settings import ConsoleSettings
from slipway.console.workspace import Workspace
from slipway.training.account.executions import Answer
from slipway.training.account.progress import Data, Phase, Progress, started
from slipway.training.account.table import Question
from slipway.training.run import Trigger, new_run

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
AT = NOW.isoformat()
TRAINED = f"""
project: demo
models:
  {MODEL}: {{versions: [1], stable: 1, capture: {{sample: 1.0}}, training: "recipes.flights:train"}}
  unwatched: {{versions: [1], stable: 1}}
"""


class EndingExecutions(ExecutionsInMemory):
    """Executions of which r1 ends by an answer, as the state machine does."""

    def answer(self, token: str, given: Answer) -> None:
        super().answer(token, given)
        self.end(Phase.RELEASED if given.approved else Phase.REJECTED)

    def end(self, phase: Phase) -> None:
        """End the run r1."""
        self.runs.save(self.runs.get(MODEL, "r1").entering(phase, NOW))
        self.running.clear()


def progress(name: str, execution: str, at: datetime = NOW) -> Progress:
    trigger = Trigger(kind="drift", reason="<img src=x onerror=alert(1)>")
    training = TrainingConfig(recipe="recipes.flights:train")
    run = new_run(MODEL, training, id=name, trigger=trigger, parent=1, now=at, by="the monitor")
    return started(run, execution, at)


@pytest.fixture
def training(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> TargetInMemory:
    workspace.config_file.write_text(TRAINED, encoding="utf-8")
    runs = RunsInMemory()
    later = NOW + timedelta(hours=1)
    executions = EndingExecutions(runs, lambda run, arn: progress(run, arn, later), running={"arn:r1"})
    made = TargetInMemory(workspace.config(), Deployed("memory", {}), runs, executions, "arn:aws:iam::1:user/me")
    monkeypatch.setattr(training_queries, "open_training", lambda _workspace: made)
    data = Data(rows=1234, train_rows=1000, sha256="0" * 64, since=NOW, until=NOW)
    gates = ("log loss 0.41 is better than 0.44 of version 1",)
    waiting = progress("r1", "arn:r1").entering(Phase.WAITING, NOW, "Waits", data=data, gates=gates, version=2)
    made.runs.save(waiting)
    made.runs.ask(MODEL, Question("r1", 2, "the token"))
    return made


def test_where_nothing_is_trained_the_page_says_how_to_begin(client: TestClient) -> None:
    page = client.get("/training")
    assert page.status_code == 200
    assert "No model is trained again here" in page.text
    assert client.get(f"/training/{MODEL}/approve").status_code == 404


def test_runs_have_steps_and_gates(client: TestClient, training: TargetInMemory) -> None:
    page = client.get("/training").text
    for said in ("1,234", "recipes.flights:train", "log loss 0.41", "assembling", "waiting", "drift: &lt;img"):
        assert said in page
    assert "<img" not in page
    assert f"/training/{MODEL}/approve" in page
    assert f"/training/{MODEL}/start" not in page  # one run at a time
    assert "/training/unwatched/start" not in page


def test_a_run_that_nothing_works_on_is_stopped_and_asks_nobody(client: TestClient, training: TargetInMemory) -> None:
    training.executions.running.clear()
    page = client.get("/training").text
    assert "stopped" in page
    assert f"/training/{MODEL}/resume" in page
    assert f"/training/{MODEL}/approve" not in page


def test_the_page_follows_the_run_until_it_has_ended(client: TestClient, training: TargetInMemory) -> None:
    assert 'hx-sse:connect="/training/stream"' in client.get("/training").text
    training.executions.end(Phase.RELEASED)
    assert "hx-sse:connect" not in client.get("/training").text
    text = client.get("/training/stream").text
    assert "released" in text
    assert "event: ended" in text


@pytest.mark.parametrize(("said", "approved"), [("approve", True), ("reject", False)])
def test_a_person_answers_after_the_page_has_said_what_will_happen(
    client: TestClient, settings: ConsoleSettings, training: TargetInMemory, said: str, approved: bool
) -> None:
    asked = client.get(f"/training/{MODEL}/{said}").text
    assert "Version 2, which run r1 has trained" in asked
    fields = hidden(asked)
    answer = send(client, settings, f"/training/{MODEL}/{said}", reason="looks good", **fields)
    assert answer.status_code == 200
    assert training.executions.answers == [("the token", Answer(approved, "arn:aws:iam::1:user/me", "looks good"))]
    assert "released" in answer.text or "rejected" in answer.text
    # The same form again: the run does not wait any more.
    assert send(client, settings, f"/training/{MODEL}/{said}", **fields).status_code == 409
    assert len(training.executions.answers) == 1


def test_an_answer_needs_the_token_and_the_run_that_was_shown(
    client: TestClient, settings: ConsoleSettings, training: TargetInMemory
) -> None:
    path = f"/training/{MODEL}/approve"
    assert client.post(path, data={"run": "r1"}, headers={"origin": settings.address}).status_code == 403
    assert send(client, settings, path, run="another").status_code == 409
    assert training.executions.answers == []


def test_a_run_is_started_after_the_page_has_said_what_will_happen(
    client: TestClient, settings: ConsoleSettings, training: TargetInMemory
) -> None:
    path = f"/training/{MODEL}/start"
    assert client.get(path).status_code == 409  # another is active
    training.executions.end(Phase.DECLINED)
    assert path in client.get("/training").text
    asked = client.get(path).text
    assert "With fewer than 1,000 new labels, the run ends there." in asked
    assert hidden(asked) == {"run": "r1"}
    assert send(client, settings, path, run="r1", reason="a new carrier").status_code == 200
    (given,) = training.executions.started
    assert given["trigger"] == {"kind": "hand", "reason": "a new carrier"}
    assert (given["model"], given["by"]) == (MODEL, "arn:aws:iam::1:user/me")
    # Once that one has ended, the form that was about the run before starts nothing.
    training.executions.running.clear()
    assert send(client, settings, path, run="r1").status_code == 409
    assert len(training.executions.started) == 1


def test_a_failed_run_is_resumed_and_no_other(
    client: TestClient, settings: ConsoleSettings, training: TargetInMemory
) -> None:
    path = f"/training/{MODEL}/resume"
    training.executions.end(Phase.FAILED)
    assert path in client.get("/training").text
    asked = client.get(path).text
    assert "Run r1 goes on where it stopped" in asked
    assert send(client, settings, path, **hidden(asked)).status_code == 200
    assert training.executions.started[0]["run"] == "r1"
    training.executions.end(Phase.RELEASED)
    assert client.get(path).status_code == 409


def test_a_read_only_console_orders_nothing(
    settings: ConsoleSettings, workspace: Workspace, training: TargetInMemory
) -> None:
    only = replace(settings, read_only=True)
    with TestClient(create_app(only, workspace), base_url=only.address) as reader:
        for end in (None, Phase.FAILED):
            if end:
                training.executions.end(end)
            page = reader.get("/training").text
            assert "r1" in page
            assert not re.findall('/(approve|reject|start|resume)"', page)
        for action in ("approve", "reject", "start", "resume"):
            assert send(reader, only, f"/training/{MODEL}/{action}", run="r1").status_code == 403
    assert training.executions.started == []
    assert training.executions.answers == []
