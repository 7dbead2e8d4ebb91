"""Subscriptions to log groups: what is logged goes on in batches, and again where the function fails, as in AWS.

MiniStack calls the function for the lines of each request by themselves, in a process of their own, and never calls it
again.
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
    """Have the MiniStack in this process deliver so."""
    cloudwatch_logs._fanout_to_subscription_filters = Deliveries().add


def in_a_moment(call: Callable[[], None]) -> None:
    """Call it in ``DELAY_SECONDS``, in a thread."""
    timer = threading.Timer(DELAY_SECONDS, call)
    timer.daemon = True
    timer.start()


class Deliveries:
    """Lines of log groups that wait a moment for others; those of all streams of a group go together."""

    def __init__(self, later: Later = in_a_moment) -> None:
        self._later = later
        self._waiting: dict[str, list[Event]] = defaultdict(list)
        self._lock = threading.Lock()

    def add(self, group: str, stream: str, events: Sequence[Event]) -> None:
        """Take lines that were logged."""
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
    """What a function is called with."""
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
        _log.warning("the subscription %s is of the function %s, which is not there", subscription["filterName"], name)
    else:
        lambda_svc.invoke_async_with_retry(function, event)
