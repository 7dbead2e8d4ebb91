"""Subscriptions to log groups: deliver log lines to functions in batches with retries, as AWS does.

MiniStack calls the function separately for the lines of each request, in a new process, and without retries.
"""

import base64
import gzip
import json
import logging
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs, lambda_svc

from local.environment.settings import ACCOUNT, REGION

DELAY_SECONDS = 1.0
_EVENTS_PER_BATCH = 500

Event = Mapping[str, Any]
Later = Callable[[Callable[[], None]], None]
"""Calls something in a moment, without keeping the caller waiting."""
_log = logging.getLogger(__name__)


def install() -> None:
    """Make this process's MiniStack deliver this way."""
    cloudwatch_logs._fanout_to_subscription_filters = Deliveries().add


def in_a_moment(call: Callable[[], None]) -> None:
    """Call it in ``DELAY_SECONDS``, in a thread."""
    timer = threading.Timer(DELAY_SECONDS, call)
    timer.daemon = True
    timer.start()


class Deliveries:
    """Collects the lines of all streams of a log group for a moment and delivers them together."""

    def __init__(self, later: Later = in_a_moment) -> None:
        self._later = later
        self._waiting: dict[str, list[Event]] = defaultdict(list)
        self._lock = threading.Lock()

    def add(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """Queue log lines for delivery."""
        if not (cloudwatch_logs._log_groups.get(group) or {}).get("subscriptionFilters"):
            return
        with self._lock:
            self._waiting[group] += [{**event, "stream": stream} for event in events]
            if len(self._waiting[group]) > len(events):
                return  # somebody waits already
        self._later(partial(self._deliver, group))

    def _deliver(self, group: str) -> None:
        with self._lock:
            events = self._waiting.pop(group)
        with request_scope(ACCOUNT, REGION):
            for each in list((cloudwatch_logs._log_groups.get(group) or {}).get("subscriptionFilters", {}).values()):
                for batch in _batches(each["filterPattern"], events):
                    _call(each, packed(group, each["filterName"], batch))


def packed(group: str, name: str, events: Sequence[Event]) -> dict[str, Any]:
    """The event that the function gets."""
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": group,
        "logStream": events[0]["stream"],
        "subscriptionFilters": [name],
        "logEvents": [
            {"id": uuid.uuid4().hex, "timestamp": event["timestamp"], "message": event["message"]} for event in events
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()}}


def _batches(pattern: str, events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    matching = [each for each in events if cloudwatch_logs._subscription_pattern_matches(pattern, each["message"])]
    for first in range(0, len(matching), _EVENTS_PER_BATCH):
        yield matching[first : first + _EVENTS_PER_BATCH]


def _call(subscription: Mapping[str, Any], event: dict[str, Any]) -> None:
    name = subscription["destinationArn"].rpartition(":function:")[2].partition(":")[0]
    function = lambda_svc._functions.get(name)
    if function is None:
        _log.warning(
            "the subscription %s refers to the function %s, which does not exist", subscription["filterName"], name
        )
    else:
        lambda_svc.invoke_async_with_retry(function, event)
