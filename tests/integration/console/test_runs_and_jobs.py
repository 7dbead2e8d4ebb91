"""The pages of training and of batch jobs: what they say where nothing is deployed, and what they do where it is."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient
from support.calibrated import MODEL

from slipway.console.queries import batch as batch_queries
from slipway.console.queries import training as training_queries
from slipway.console.queries.training import Answer
from slipway.console.settings import ConsoleSettings
from slipway.training.account.progress import Phase, Progress

AT = "2026-11-27T10:00:00+00:00"
RUN = Progress.model_validate(
    {
        "run": {
            "id": "r1",
            "model": MODEL,
            "trigger": {"kind": "drift", "reason": "<img src=x onerror=alert(1)>"},
            "recipe": "recipes.flights:train",
            "parent": 1,
            "window": {"since": "2026-11-20T10:00:00+00:00", "until": AT},
            "min_new_labels": 500,
            "validation": 0.2,
            "started_at": AT,
            "by": "the monitor",
        },
        "phase": "waiting",
        "execution": "arn:aws:states:eu-west-1:1:execution:training:r1",
        "data": {
            "rows": 1234,
            "train_rows": 987,
            "sha256": "0" * 64,
            "since": "2026-11-20T10:00:00+00:00",
            "until": AT,
        },
        "gates": ("log loss 0.41 is better than 0.44 of version 1",),
        "version": 2,
        "history": (
            {"at": AT, "phase": "assembling", "what": "1,234 labels"},
            {"at": AT, "phase": "waiting", "what": "Waits"},
        ),
    }
)


@dataclass
class FakeTraining:
    """A deployment with one run, which waits for a person."""

    records: list[Progress] = field(default_factory=lambda: [RUN])
    dead: bool = False
    given: list[tuple[str, Answer]] = field(default_factory=list)

    @property
    def runs(self) -> "FakeTraining":
        return self

    @property
    def executions(self) -> "FakeTraining":
        return self

    def past(self, model: str) -> list[Progress]:
        return self.records if model == MODEL else []

    def asked(self, model: str) -> Any:
        return SimpleNamespace(run="r1", version=2, token="the token")

    def answer(self, token: str, given: Answer) -> None:
        self.given.append((token, given))
        self.records = [RUN.model_copy(update={"phase": Phase.RELEASED})]

    def is_dead(self, progress: Progress) -> bool:
        return self.dead

    def caller(self) -> str:
        return "arn:aws:iam::1:user/me"


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    made = FakeTraining()
    monkeypatch.setattr(training_queries, "open_training", lambda _workspace: made)
    return made


def send(client: TestClient, settings: ConsoleSettings, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"token": settings.token, **fields}, headers={"origin": settings.address})


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


def test_a_run_that_nothing_works_on_is_stopped_and_asks_nobody(client: TestClient, training: FakeTraining) -> None:
    training.dead = True
    page = client.get("/training").text
    assert "stopped" in page
    assert "--resume" in page
    assert f"/training/{MODEL}/approve" not in page


@pytest.mark.parametrize(("said", "approved"), [("approve", True), ("reject", False)])
def test_a_person_answers_after_the_page_has_said_what_will_happen(
    client: TestClient, settings: ConsoleSettings, training: FakeTraining, said: str, approved: bool
) -> None:
    asked = client.get(f"/training/{MODEL}/{said}").text
    assert "Version 2, which run r1 has trained" in asked
    fields = dict(re.findall(r'<input type="hidden" name="(run)" value="([^"]*)"', asked))
    answer = send(client, settings, f"/training/{MODEL}/{said}", reason="looks good", **fields)
    assert answer.status_code == 200
    assert training.given == [("the token", Answer(approved, "arn:aws:iam::1:user/me", "looks good"))]
    assert "released" in answer.text
    # The same form again: the run does not wait any more.
    assert send(client, settings, f"/training/{MODEL}/{said}", **fields).status_code == 409
    assert len(training.given) == 1


def test_an_answer_needs_the_token_and_the_run_that_was_shown(
    client: TestClient, settings: ConsoleSettings, training: FakeTraining
) -> None:
    path = f"/training/{MODEL}/approve"
    assert client.post(path, data={"run": "r1"}, headers={"origin": settings.address}).status_code == 403
    assert send(client, settings, path, run="another").status_code == 409
    assert training.given == []


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
