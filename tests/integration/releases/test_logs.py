"""Subscription filters and queries of log groups, in moto; and the controller's adapters on top of them."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from fakes.releases import MemoryReleaseStore
from fakes.surroundings import MemoryFilters
from moto import mock_aws
from moto.logs.models import logs_backends
from support.releases.records import make_release

from slipway.config.releases.options import Shadow
from slipway.config.releases.shadow import ShadowNames
from slipway.errors import UnavailableError
from slipway.releases.evidence.bucket_query import MOST_ROWS
from slipway.releases.evidence.log_queries import CloudWatchLogQueries
from slipway.releases.record.phases import Phase
from slipway.releases.shadow.log_filters import CloudWatchLogFilters
from slipway.releases.shadow.log_shadows import LogFilters, LogShadows

OPTIONS = {"region_name": "eu-west-1"}
GROUP = "/predict"


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("logs", **OPTIONS)
        client.create_log_group(logGroupName=GROUP)
        yield client


@pytest.fixture
def function(logs: Any) -> str:
    """The ARN of a function that moto knows."""
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = boto3.client("iam", **OPTIONS).create_role(RoleName="shadow", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    made = boto3.client("lambda", **OPTIONS).create_function(
        FunctionName="shadow", Runtime="python3.13", Role=role, Handler="handler.x", Code={"ZipFile": code.getvalue()}
    )
    return str(made["FunctionArn"])


def names(logs: Any) -> list[tuple[str, str]]:
    found = logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"]
    return [(each["filterName"], each["filterPattern"]) for each in found]


@pytest.fixture(params=["memory", "cloudwatch"])
def filters(request: pytest.FixtureRequest, logs: Any) -> LogFilters:
    return MemoryFilters() if request.param == "memory" else CloudWatchLogFilters("shop-shadow", "capture", OPTIONS)


def test_a_filter_is_put_and_deleted_and_doing_it_twice_is_doing_it_once(filters: LogFilters, function: str) -> None:
    assert filters.function(GROUP) is None
    for _ in range(2):
        filters.put(GROUP, function)
        assert filters.function(GROUP) == function
    for _ in range(2):
        filters.delete(GROUP)
        assert filters.function(GROUP) is None


def test_a_filter_has_its_name_and_its_pattern(logs: Any, function: str) -> None:
    filters = CloudWatchLogFilters("shop-shadow", "capture", OPTIONS)
    for _ in range(2):
        filters.put(GROUP, function)
    assert names(logs) == [("shop-shadow", "capture")]
    filters.delete(GROUP)
    assert names(logs) == []


def test_the_filter_of_somebody_else_stays(logs: Any, function: str) -> None:
    filters = CloudWatchLogFilters("shop-shadow", "capture", OPTIONS)
    theirs = "shop-shadow-of-another"
    logs.put_subscription_filter(logGroupName=GROUP, filterName=theirs, filterPattern="", destinationArn=function)
    assert filters.function(GROUP) is None
    filters.delete(GROUP)
    assert names(logs) == [(theirs, "")]


def test_a_log_group_that_is_gone_has_no_filter(logs: Any) -> None:
    filters = CloudWatchLogFilters("shop-shadow", "capture", OPTIONS)
    filters.delete("/gone")
    assert filters.function("/gone") is None
    with pytest.raises(UnavailableError, match="CloudWatch Logs is unavailable"):
        filters.put("/gone", "arn:aws:lambda:eu-west-1:123456789012:function:shadow")


def test_a_shadow_subscribes_its_function_and_takes_it_off_again(logs: Any, function: str) -> None:
    store = MemoryReleaseStore()
    shadows = LogShadows(
        ShadowNames(function, {"sentiment": GROUP}), CloudWatchLogFilters("shop-shadow", "capture", OPTIONS), store
    )
    record = store.start(make_release(options=Shadow(sample=0.5)))
    record = store.save(record.model_copy(update={"phase": Phase.RUNNING}))
    assert shadows.running(record) == frozenset()
    shadows.run(record, (2,), 0.5)
    assert shadows.running(record) == frozenset({2})
    record = store.save(record.model_copy(update={"phase": Phase.ROLLED_BACK}))
    assert shadows.running(record) is None
    shadows.run(record, (), 0)
    assert shadows.running(record) == frozenset()
    assert names(logs) == []


def test_a_query_of_a_log_group_gives_its_rows(logs: Any) -> None:
    now = datetime.now(UTC)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="one")
    event = {"timestamp": int(now.timestamp() * 1000), "message": "a line"}
    logs.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=[event])
    queries = CloudWatchLogQueries(OPTIONS)
    started = queries.start(GROUP, "fields @message", now - timedelta(minutes=1), now + timedelta(minutes=1))
    rows = queries.rows(started)
    assert rows is not None
    assert [row["@message"] for row in rows] == ["a line"]


@pytest.mark.parametrize("status", ["Scheduled", "Running", "Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_query_that_runs_has_no_rows_yet_and_one_that_failed_none_at_all(logs: Any, status: str) -> None:
    queries = CloudWatchLogQueries(OPTIONS)
    now = datetime.now(UTC)
    started = queries.start(GROUP, "fields @message", now, now)
    (backend,) = [each["eu-west-1"] for each in logs_backends.values() if each["eu-west-1"].queries]
    backend.queries[started].status = status
    if status in ("Scheduled", "Running"):
        assert queries.rows(started) is None
    else:
        with pytest.raises(UnavailableError, match=f"ended as {status}"):
            queries.rows(started)


def test_a_query_of_a_log_group_that_is_gone_is_an_error(logs: Any) -> None:
    now = datetime.now(UTC)
    with pytest.raises(UnavailableError, match="CloudWatch Logs is unavailable"):
        CloudWatchLogQueries(OPTIONS).start("/gone", "fields @message", now, now)


class Pages:
    """A client whose answers come in pages of two rows."""

    def __init__(self, rows: int) -> None:
        self._rows = [[{"field": "n", "value": str(number)}, {"field": "lacking"}] for number in range(rows)]

    def get_query_results(self, queryId: str, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803 - boto3's names
        end = int(nextToken) + 2
        more = {"nextToken": str(end)} if end < len(self._rows) else {}
        return {"status": "Complete", "results": self._rows[int(nextToken) : end], **more}


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_the_pages_of_an_answer_are_one(logs: Any, rows: int) -> None:
    queries = CloudWatchLogQueries(OPTIONS)
    queries._client = Pages(rows)
    assert queries.rows("one") == [{"n": str(number)} for number in range(rows)]


def test_an_answer_that_may_be_cut_off_is_none(logs: Any) -> None:
    queries = CloudWatchLogQueries(OPTIONS)
    queries._client = Pages(MOST_ROWS)
    with pytest.raises(UnavailableError, match="10,000 rows or more"):
        queries.rows("one")
