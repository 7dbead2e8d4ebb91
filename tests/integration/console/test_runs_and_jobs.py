"""The pages of training and of batch jobs: what they say where nothing is deployed, and what they do where it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fakes.training_runs import RunsInMemory
from starlette.testclient import TestClient
from support.calibrated import MODEL

from slipway.cli.deployed import Deployed
from slipway.cli.train.target import TrainingTarget
from slipway.config.training import TrainingConfig
from slipway.console.app import create_app
from slipway.console.queries import batch as batch_queries
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


@dataclass
class FakeExecutions:
    """Executions in memory, each of which writes its run down as the desk does."""

    runs: RunsInMemory
    running: set[str] = field(default_factory=lambda: {"arn:r1"})
    started: list[Mapping[str, Any]] = field(default_factory=list)
    given: list[tuple[str, Answer]] = field(default_factory=list)

    def start(self, name: str, given: Mapping[str, Any]) -> str:
        self.started.append(given)
        self.running.add(f"arn:{name}")
        self.runs.save(progress(given["run"], f"arn:{name}", NOW + timedelta(hours=1)))
        return f"arn:{name}"

    def is_running(self, arn: str) -> bool:
        return arn in self.running

    def answer(self, token: str, given: Answer) -> None:
        self.given.append((token, given))
        self.end(Phase.RELEASED if given.approved else Phase.REJECTED)

    def end(self, phase: Phase) -> None:
        """End the run r1."""
        self.runs.save(self.runs.get(MODEL, "r1").entering(phase, NOW))
        self.running.clear()


@dataclass(frozen=True)
class FakeTraining(TrainingTarget):
    """A deployment in memory with one run, which waits for a person."""

    kept: RunsInMemory = field(default_factory=RunsInMemory)
    made: list[FakeExecutions] = field(default_factory=list)

    @property
    def runs(self) -> Any:
        return self.kept

    @property
    def executions(self) -> Any:
        if not self.made:
            self.made.append(FakeExecutions(self.kept))
        return self.made[0]

    def caller(self) -> str:
        return "arn:aws:iam::1:user/me"


def progress(name: str, execution: str, at: datetime = NOW) -> Progress:
    trigger = Trigger(kind="drift", reason="<img src=x onerror=alert(1)>")
    training = TrainingConfig(recipe="recipes.flights:train")
    run = new_run(MODEL, training, id=name, trigger=trigger, parent=1, now=at, by="the monitor")
    return started(run, execution, at)


@pytest.fixture
def training(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    workspace.config_file.write_text(TRAINED, encoding="utf-8")
    made = FakeTraining(workspace.config(), Deployed("memory", {}))
    monkeypatch.setattr(training_queries, "open_training", lambda _workspace: made)
    data = Data(rows=1234, train_rows=1000, sha256="0" * 64, since=NOW, until=NOW)
    gates = ("log loss 0.41 is better than 0.44 of version 1",)
    waiting = progress("r1", "arn:r1").entering(Phase.WAITING, NOW, "Waits", data=data, gates=gates, version=2)
    made.kept.save(waiting)
    made.kept.ask(MODEL, Question("r1", 2, "the token"))
    return made


def send(client: TestClient, settings: ConsoleSettings, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"token": settings.token, **fields}, headers={"origin": settings.address})


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page that asks, but the token."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return {name: value for name, value in found.items() if name != "token"}


def test_where_nothing_is_trained_the_page_says_how_to_begin(client: TestClient) -> None:
    page = client.get("/training")
    assert page.status_code == 200
    assert "No model is trained again here" in page.text
    assert client.get(f"/training/{MODEL}/approve").status_code == 404


def test_runs_have_steps_and_gates(client: TestClient, training: FakeTraining) -> None:
    page = client.get("/training").text
    for said in ("1,234", "recipes.flights:train", "log loss 0.41", "assembling", "waiting", "drift: &lt;img"):
        assert said in page
    assert "<img" not in page
    assert f"/training/{MODEL}/approve" in page
    assert f"/training/{MODEL}/start" not in page  # one run at a time
    assert "/training/unwatched/start" not in page


def test_a_run_that_nothing_works_on_is_stopped_and_asks_nobody(client: TestClient, training: FakeTraining) -> None:
    training.executions.running.clear()
    page = client.get("/training").text
    assert "stopped" in page
    assert f"/training/{MODEL}/resume" in page
    assert f"/training/{MODEL}/approve" not in page


def test_the_page_follows_the_run_until_it_has_ended(client: TestClient, training: FakeTraining) -> None:
    assert 'hx-sse:connect="/training/stream"' in client.get("/training").text
    training.executions.end(Phase.RELEASED)
    assert "hx-sse:connect" not in client.get("/training").text
    text = client.get("/training/stream").text
    assert "released" in text
    assert "event: ended" in text


@pytest.mark.parametrize(("said", "approved"), [("approve", True), ("reject", False)])
def test_a_person_answers_after_the_page_has_said_what_will_happen(
    client: TestClient, settings: ConsoleSettings, training: FakeTraining, said: str, approved: bool
) -> None:
    asked = client.get(f"/training/{MODEL}/{said}").text
    assert "Version 2, which run r1 has trained" in asked
    fields = hidden(asked)
    answer = send(client, settings, f"/training/{MODEL}/{said}", reason="looks good", **fields)
    assert answer.status_code == 200
    assert training.executions.given == [("the token", Answer(approved, "arn:aws:iam::1:user/me", "looks good"))]
    assert "released" in answer.text or "rejected" in answer.text
    # The same form again: the run does not wait any more.
    assert send(client, settings, f"/training/{MODEL}/{said}", **fields).status_code == 409
    assert len(training.executions.given) == 1


def test_an_answer_needs_the_token_and_the_run_that_was_shown(
    client: TestClient, settings: ConsoleSettings, training: FakeTraining
) -> None:
    path = f"/training/{MODEL}/approve"
    assert client.post(path, data={"run": "r1"}, headers={"origin": settings.address}).status_code == 403
    assert send(client, settings, path, run="another").status_code == 409
    assert training.executions.given == []


def test_a_run_is_started_after_the_page_has_said_what_will_happen(
    client: TestClient, settings: ConsoleSettings, training: FakeTraining
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
    client: TestClient, settings: ConsoleSettings, training: FakeTraining
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
    settings: ConsoleSettings, workspace: Workspace, training: FakeTraining
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
    assert training.executions.given == []


def test_where_no_jobs_are_deployed_the_page_says_so(client: TestClient) -> None:
    page = client.get("/batch")
    assert page.status_code == 200
    assert "No batch jobs are deployed" in page.text
    assert client.get("/batch/any").status_code == 404


def test_jobs_are_listed_and_one_has_its_shards(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    started = datetime.fromisoformat(AT).astimezone(UTC)
    execution = SimpleNamespace(arn="arn", name="job-1_2", status="RUNNING", started=started, stopped=None)
    jobs = SimpleNamespace(
        recent=lambda _most: [execution],
        find=lambda _job: SimpleNamespace(execution=execution),
        executions=SimpleNamespace(shards=lambda _arn: None),
    )
    monkeypatch.setattr(batch_queries, "open_batch", lambda _workspace: SimpleNamespace(jobs=jobs))
    counts = {"total": 4, "succeeded": 3, "failed": 0, "running": 1}
    document = {
        "job": "job-1",
        "model": MODEL,
        "version": 1,
        "status": "RUNNING",
        "started": AT,
        "stopped": None,
        "input": "s3://in/",
        "output": "s3://out/",
        "shards": counts,
        "scored": None,
        "reason": None,
    }
    monkeypatch.setattr(batch_queries, "document_of", lambda _target, _found, _shards: document)
    listed = client.get("/batch").text
    assert '<a href="/batch/job-1">job-1</a>' in listed
    assert "running" in listed
    page = client.get("/batch/job-1").text
    assert '<progress id="progress" max="4" value="3">' in page
    assert "slipway batch cancel job-1" in page
