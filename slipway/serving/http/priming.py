"""Primes a process with synthetic requests, so that its first real request does not pay for lazy initialization.

On AWS this happens before SnapStart takes its snapshot.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from slipway.monitoring.telemetry.requests import Telemetry
from slipway.serving.http.openapi_examples import example_value
from slipway.serving.prediction.served import ServedModels

Event = dict[str, Any]


def prime(handler: Callable[[Event, Any], Any], telemetry: Telemetry, events: Iterable[Event]) -> None:
    """Send synthetic requests to ``handler`` without recording telemetry."""
    with telemetry.silenced():
        for event in events:
            handler(event, None)


def prediction_events(models: ServedModels) -> Iterator[Event]:
    """Yield a prediction request for each loaded model. Records are complete, so that no features are fetched."""
    for name in models.config.models:
        if models.is_loaded(name):
            record = {field.name: example_value(field) for field in models.version(name).manifest.inputs}
            yield post_event(f"/v1/models/{name}/predict", {"inputs": [record]})


def post_event(path: str, body: Any) -> Event:
    """Return a request as an HTTP API event of payload format 2.0."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "127.0.0.1"}},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
