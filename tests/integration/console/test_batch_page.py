"""The page of batch jobs: what it says where none are deployed, and what its orders do where they are."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.testclient import TestClient
from support.calibrated import MODEL
from support.console_forms import hidden, send

from slipway.batch.account.executions import RUNNING, Described, Execution, Shards
from slipway.batch.account.jobs import Jobs
from slipway.batch.account.runs import Run
from slipway.cli.batch.target import BatchTarget
from slipway.console.app import create_app
from slipway.console.queries import batch as batch_queries
from slipway.console.settings import ConsoleSettings
from slipway.console.workspace import Workspace

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)


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
