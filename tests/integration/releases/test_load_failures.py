"""The controller reads why a version is refused: in a log of moto, and from an API over real HTTP."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.releases.records import NOW

from slipway.errors import GoldenError
from slipway.monitoring.telemetry.golden import golden_failure_line
from slipway.releases.controller.load_failures import LogLoadFailures
from slipway.releases.controller.smoke_test import ApiLoadTest

OPTIONS = {"region_name": "eu-west-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
GROUP = "/large"
WHY = 'record 3 of 32 differs by 0.5: expected {"value": 1.0}, found {"value": 1.5}'


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("logs", **OPTIONS)
        client.create_log_group(logGroupName=GROUP)
        client.create_log_stream(logGroupName=GROUP, logStreamName="green")
        yield client


def write(logs: Any, *lines: str) -> None:
    milliseconds = int(NOW.timestamp() * 1000)
    events = [{"timestamp": milliseconds, "message": line} for line in lines]
    logs.put_log_events(logGroupName=GROUP, logStreamName="green", logEvents=events)


def failure(version: int) -> str:
    error = GoldenError("golden.json", brief=WHY, record='{"text": "secret"}')
    return golden_failure_line("demo", "large", version, error, clock=NOW.timestamp).strip()


def test_the_reason_of_a_refused_version_is_found(logs: Any) -> None:
    write(logs, "GoldenFailures is no JSON", '["GoldenFailures"]', '{"message": "other"}', failure(7), failure(2))
    find = LogLoadFailures(GROUP, OPTIONS)
    assert find("large", 2, NOW - timedelta(minutes=1)) == WHY
    assert find("large", 3, NOW - timedelta(minutes=1)) == ""
    assert find("other", 2, NOW - timedelta(minutes=1)) == ""


def test_failures_of_earlier_tasks_do_not_count(logs: Any) -> None:
    write(logs, failure(2))
    assert LogLoadFailures(GROUP, OPTIONS)("large", 2, NOW + timedelta(minutes=1)) == ""


def test_a_log_that_is_not_there_tells_nothing(logs: Any) -> None:
    assert LogLoadFailures("/nowhere", OPTIONS)("large", 2, NOW) == ""


def test_a_line_is_a_metric_without_the_record() -> None:
    line = json.loads(failure(2))
    assert line["GoldenFailures"] == 1
    assert [each["Dimensions"] for each in line["_aws"]["CloudWatchMetrics"]] == [
        [["Project"]],
        [["Project", "Model"]],
        [["Project", "Model", "Version"]],
    ]
    assert "secret" not in failure(2)


@pytest.fixture
def api() -> Iterator[tuple[dict[str, Any], str]]:
    """An API that answers `versions` for every model, and its address."""
    state: dict[str, Any] = {"versions": [], "paths": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state["paths"].append(self.path)
            body = json.dumps({"name": "small", "versions": state["versions"]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield state, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ({"version": 2, "ready": False, "reason": WHY}, WHY),
        ({"version": 2, "task": "text-classification"}, ""),
        ({"version": 2}, ""),
    ],
)
def test_the_api_says_whether_a_version_was_loaded(api: Any, listed: dict[str, Any], why: str) -> None:
    state, url = api
    state["versions"] = [{"version": 1, "ready": False, "reason": "another"}, listed]
    assert ApiLoadTest(url, "eu-west-1", signed=False)("small", 2) == why
    # The version's own route first: it makes a process load what it could not fetch as it started.
    assert state["paths"] == ["/v2/models/small/versions/2", "/v1/models/small"]


def test_an_api_that_does_not_answer_tells_nothing() -> None:
    assert ApiLoadTest("http://127.0.0.1:9", "eu-west-1", signed=False)("small", 2) == ""
