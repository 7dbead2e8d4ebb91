"""Events go to the bus in batches, and one that is not taken is an error."""

from typing import Any

import pytest

from slipway.errors import UnavailableError
from slipway.monitoring.event_bus import EventBus
from slipway.monitoring.steps import Event


class Client:
    """A client of EventBridge that refuses events with ``refused`` in their detail."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, str]]] = []

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.batches.append(Entries)
        refused = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
        return {"Entries": [refused if "refused" in each["Detail"] else {"EventId": "1"} for each in Entries]}


def bus(client: Client) -> EventBus:
    made = EventBus("demo", {})
    made.__dict__["_client"] = client
    return made


def test_ten_events_go_at_once_in_their_order() -> None:
    client = Client()
    bus(client).put([Event("accuracy", {"number": number}) for number in range(12)])
    assert [len(batch) for batch in client.batches] == [10, 2]
    detail = '{"project": "demo", "number": 11}'
    assert client.batches[1][1] == {"Source": "slipway", "DetailType": "Slipway Accuracy", "Detail": detail}


def test_an_event_that_is_not_taken_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="InternalFailure: try again"):
        bus(Client()).put([Event("drift", {}), Event("drift", {"refused": True})])


def test_without_events_there_is_no_client() -> None:
    EventBus("demo", {"region_name": None}).put([])
