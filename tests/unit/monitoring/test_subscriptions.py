"""Events of CloudWatch Logs: what is packed in them, and what is none."""

import base64
import gzip
import json
from typing import Any

import pytest

from slipway.errors import InputError, MalformedError, TooLargeError
from slipway.monitoring.captures import subscriptions
from slipway.monitoring.captures.subscriptions import subscribed_lines


def packed(content: Any) -> dict[str, Any]:
    data = gzip.compress(content if isinstance(content, bytes) else json.dumps(content).encode())
    return {"awslogs": {"data": base64.b64encode(data).decode()}}


def content(*messages: str, kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    events = [{"id": str(place), "timestamp": 5, "message": message} for place, message in enumerate(messages)]
    where = {"owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"]}
    return {"messageType": kind, **where, "logEvents": events}


def test_lines_come_in_their_order() -> None:
    assert list(subscribed_lines(packed(content("b", "a", "b")))) == ["b", "a", "b"]


def test_a_control_message_has_no_lines() -> None:
    said = "CWL CONTROL MESSAGE: Checking health of destination Lambda function."
    assert list(subscribed_lines(packed(content(said, kind="CONTROL_MESSAGE")))) == []


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (None, "(file)"),
        ({}, "awslogs"),
        ({"awslogs": {"data": 5}}, "awslogs.data"),
        ({"awslogs": {"data": "é!"}}, "awslogs.data"),
        ({"awslogs": {"data": base64.b64encode(b"plain").decode()}}, "awslogs.data"),
        ({"awslogs": {"data": base64.b64encode(gzip.compress(b"{}" * 99, mtime=0)[:-9]).decode()}}, "awslogs.data"),
        (packed(b"no json"), "awslogs.data"),
        (packed({"messageType": "DATA_MESSAGE"}), "awslogs.data.owner"),
        (packed({**content(), "logEvents": None}), "awslogs.data.logEvents"),
        (packed({**content(), "logEvents": [{"id": "1", "timestamp": 5}]}), "awslogs.data.logEvents[0].message"),
    ],
)
def test_what_is_no_event_is_said_by_field(event: Any, field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        subscribed_lines(event)
    assert caught.value.problems[0].field == field


def test_no_more_is_unpacked_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST_BYTES", 1000)
    assert len(subscribed_lines(packed(content("x" * 500)))) == 1
    with pytest.raises(TooLargeError, match=r"awslogs\.data: unpacks to more than 1000 bytes"):
        subscribed_lines(packed(content("x" * 2000)))


def test_no_more_is_packed_than_the_limit() -> None:
    with pytest.raises(InputError, match=r"awslogs\.data: must have at most"):
        subscribed_lines({"awslogs": {"data": "A" * (9 * 1024 * 1024)}})
