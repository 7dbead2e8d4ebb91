"""Queries of logs: the emulator's sums, and the adapter's edges and patience."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from local.emulator.log_queries import Sums
from local.environment import settings
from slipway.aws.log_queries import LogQueries
from slipway.errors import UnavailableError

OPTIONS = {
    "region_name": settings.REGION,
    "aws_access_key_id": settings.ACCESS_KEY,
    "aws_secret_access_key": settings.SECRET_KEY,
}
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
QUERY = 'filter a.tag = "x" | stats sum(a.n) as n, sum(a.none) as none by a.v, a.g | limit 10'


def event(seconds: float, **members: Any) -> dict[str, Any]:
    at = NOW + timedelta(seconds=seconds)
    return {"timestamp": round(at.timestamp() * 1000), "message": json.dumps({"a": members})}


def test_events_on_the_edges_of_two_queries_count_once(emulator: str, aws: Callable[[str], Any]) -> None:
    logs, group = aws("logs"), "/test/queries"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    events = [event(seconds, tag="x", v=2, g=0, n=1) for seconds in (0, 59.999, 60, 60.5, 119.9, 120)]
    events += [event(1, tag="other", v=2, g=0, n=100), {**event(1), "message": "START RequestId"}]
    logs.put_log_events(
        logGroupName=group, logStreamName="one", logEvents=sorted(events, key=lambda each: each["timestamp"])
    )
    queries = LogQueries({**OPTIONS, "endpoint_url": emulator})
    minutes = [NOW + timedelta(minutes=minute) for minute in range(3)]
    found = [queries.read(group, QUERY, start, end) for start, end in pairwise(minutes)]
    assert found == [[{"a.v": "2", "a.g": "0", "n": "2"}], [{"a.v": "2", "a.g": "0", "n": "3"}]]


def test_a_group_that_is_not_there_is_unavailable(emulator: str) -> None:
    with pytest.raises(UnavailableError, match="does not exist"):
        LogQueries({**OPTIONS, "endpoint_url": emulator}).read("/test/none", QUERY, NOW, NOW)


class Slow:
    """A client whose queries are in these states, one after the other."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.stopped = False

    def start_query(self, **_: Any) -> dict[str, str]:
        return {"queryId": "q"}

    def get_query_results(self, *, queryId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        row = [{"field": "n", "value": "1"}, {"field": "none"}]
        return {"status": status, "results": [row] if status == "Complete" else []}

    def stop_query(self, *, queryId: str) -> None:  # noqa: N803 - boto3's name
        self.stopped = True


def reads(client: Slow, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    monkeypatch.setattr("slipway.aws.log_queries.new_client", lambda *_: client)
    return LogQueries({}, sleep=lambda _: None).read("group", QUERY, NOW, NOW)


def test_a_query_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reads(Slow("Scheduled", "Running", "Complete"), monkeypatch) == [{"n": "1"}]


@pytest.mark.parametrize(("state", "stops"), [("Failed", False), ("Timeout", False), ("Running", True)])
def test_a_query_that_fails_or_does_not_end_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, state: str, stops: bool
) -> None:
    client = Slow(state)
    with pytest.raises(UnavailableError):
        reads(client, monkeypatch)
    assert client.stopped is stops


def test_sums_are_by_group_and_leave_out_what_no_event_has() -> None:
    sums = Sums.of(QUERY)
    assert sums is not None
    lines = ['{"a": {"tag": "x", "v": 1, "n": 0.25}}', '{"a": {"tag": "x", "v": 1, "n": 1}}', '{"a": {"tag": "y"}}']
    assert sums.rows(iter(lines)) == [
        [{"field": "a.v", "value": "1"}, {"field": "a.g", "value": ""}, {"field": "n", "value": "1.25"}]
    ]
    assert Sums.of("fields @message | limit 3") is None
