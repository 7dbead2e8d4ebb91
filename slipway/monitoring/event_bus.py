"""Puts findings on the account's default event bus, where rules send them to whatever should hear of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.errors import UnavailableError
from slipway.monitoring.steps import Event, EventKind

SOURCE = "slipway"
DETAIL_TYPES: Mapping[EventKind, str] = {
    "drift": "Slipway Drift",
    "accuracy": "Slipway Accuracy",
    "skew": "Slipway Skew",
}
_MOST = 10  # of PutEvents


class EventBus:
    """The default bus; ``options`` are passed to the boto3 client, which is created when there is an event."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options

    def put(self, events: Sequence[Event]) -> None:
        """Put events in their order; raises UnavailableError if any was not taken."""
        for batch in _batches(events):
            with answered_by("EventBridge"):
                answer = self._client.put_events(Entries=[_entry(event) for event in batch])
            for each in answer["Entries"]:
                if code := each.get("ErrorCode"):
                    raise UnavailableError("EventBridge", f"{code}: {each.get('ErrorMessage')}")

    @cached_property
    def _client(self) -> Any:
        return new_client("events", self._options)


def _batches(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    return (events[at : at + _MOST] for at in range(0, len(events), _MOST))


def _entry(event: Event) -> dict[str, str]:
    detail = json.dumps(event.detail, ensure_ascii=False, allow_nan=False)
    return {"Source": SOURCE, "DetailType": DETAIL_TYPES[event.kind], "Detail": detail}
