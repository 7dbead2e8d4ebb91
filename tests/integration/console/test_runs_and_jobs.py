"""The pages of training and of batch jobs: what they say where nothing is deployed, and what they do where it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fakes.training_runs import RunsInMemory
from starlette.testclient import TestClient
from support.calibrated import MODEL

from slipway.batch.account.executions import RUNNING, Described, Execution, Shards
from slipway.batch.account.jobs import Jobs
from slipway.batch.account.runs import Run
from slipway.cli.batch.target import BatchTarget
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


class FakeJobs:
    """The state machine of batch jobs in memory."""

    def __init__(self) -> None:
        self.made: list[tuple[Execution, Run]] = []

    def start(self, name: str, run: Run) -> str:
        self.made.insert(0, (Execution(f"arn:{name}", name, RUNNING, NOW, None), run))
        return f"arn:{name}"

    def stop(self, execution: Execution) -> None:
        self.end("ABORTED")

    def end(self, status: str) -> None:
        """End the latest run."""
        execution, run = self.made[0]
        self.made[0] = (replace(execution, status=status, stopped=NOW), run)

    def recent(self, most: int = 1000) -> list[Execution]:
        return [execution for execution, _ in self.made]

    def describe(self, arn: str) -> Described:
        ((execution, run),) = (each for each in self.made if each[0].arn == arn)
        return Described(execution, run, {}, None)

    def shards(self, arn: str) -> Shards:
        return Shards(total=4, succeeded=3, running=1)


@pytest.fixture
def jobs(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> FakeJobs:
    made = FakeJobs()
    target = BatchTarget(workspace.config(), Jobs(made, "jobs"), "memory", {})  # type: ignore[arg-type]
    monkeypatch.setattr(batch_queries, "open_batch", lambda _workspace: target)
    return made


def begin(client: TestClient, settings: ConsoleSettings) -> str:
    """Start a job by its form, and return the address of its page."""
    asked = client.get("/batch/start", params={"model": MODEL, "source": "s3://rows/today/"})
    assert f"Every row of s3://rows/today/ is scored with the version of {MODEL} that serves then" in asked.text
    done = send(client, settings, "/batch/start", **hidden(asked.text))
    assert done.status_code == 200, done.text
    return done.url.path


def test_a_job_is_started_listed_and_shown_with_its_shards(
    client: TestClient, settings: ConsoleSettings, jobs: FakeJobs
) -> None:
    path = begin(client, settings)
    ((execution, run),) = jobs.made
    assert (run.source, run.output, run.version) == ("s3://rows/today/", None, None)
    assert path == f"/batch/{execution.name}"
    listed = client.get("/batch").text
    assert f'<a href="{path}">{execution.name}</a>' in listed
    page = client.get(path).text
    assert '<progress id="progress" max="4" value="3">' in page
    assert f"{path}/cancel" in page
    assert f"{path}/rerun" not in page
    assert f'hx-sse:connect="{path}/stream"' in page


@pytest.mark.parametrize(
    "fields",
    [
        {"model": MODEL, "source": "/etc/passwd"},
        {"model": "none", "source": "s3://rows/today/"},
        {"model": MODEL, "source": "s3://rows/", "output": "here"},
        {"model": MODEL, "source": "s3://rows/", "version": "x"},
    ],
)
def test_what_cannot_be_scored_is_refused_before_it_is_asked_for(
    client: TestClient, settings: ConsoleSettings, jobs: FakeJobs, fields: dict[str, str]
) -> None:
    assert client.get("/batch/start", params=fields).status_code in (404, 422)
    assert send(client, settings, "/batch/start", **fields).status_code in (404, 422)
    assert jobs.made == []


def test_a_job_is_stopped_and_run_again_after_the_page_has_said_what_happens(
    client: TestClient, settings: ConsoleSettings, jobs: FakeJobs
) -> None:
    path = begin(client, settings)
    asked = client.get(f"{path}/cancel").text
    assert "The 3 that are done stay in s3://jobs/jobs/" in asked
    assert client.get(f"{path}/rerun").status_code == 409  # it runs
    first = hidden(asked)
    assert client.post(f"{path}/cancel", data=first, headers={"origin": settings.address}).status_code == 403
    assert jobs.made[0][0].status == RUNNING
    stopped = send(client, settings, f"{path}/cancel", **first)
    assert "aborted" in stopped.text
    assert "hx-sse:connect" not in stopped.text
    assert client.get(f"{path}/cancel").status_code == 409
    again = client.get(f"{path}/rerun").text
    assert "answers that are there stay" in again
    assert "running" in send(client, settings, f"{path}/rerun", **hidden(again)).text
    assert [execution.name for execution, _ in jobs.made] == [f"{path.removeprefix('/batch/')}_2", first["execution"]]
    # The forms of the first run do nothing to the second.
    assert send(client, settings, f"{path}/cancel", **first).status_code == 409
    assert jobs.made[0][0].status == RUNNING
    jobs.end("SUCCEEDED")
    assert "event: ended" in client.get(f"{path}/stream").text


def test_a_read_only_console_has_no_forms_of_jobs(
    client: TestClient, settings: ConsoleSettings, workspace: Workspace, jobs: FakeJobs
) -> None:
    path = begin(client, settings)
    only = replace(settings, read_only=True)
    with TestClient(create_app(only, workspace), base_url=only.address) as reader:
        assert "Start a job" not in reader.get("/batch").text
        for status in (None, "FAILED"):
            if status:
                jobs.end(status)
            assert not re.findall('/(cancel|rerun)"', reader.get(path).text)
        for action in ("start", f"{path.removeprefix('/batch/')}/cancel", f"{path.removeprefix('/batch/')}/rerun"):
            assert send(reader, only, f"/batch/{action}", execution="x").status_code == 403
    assert len(jobs.made) == 1
