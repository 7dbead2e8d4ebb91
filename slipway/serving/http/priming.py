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
    """Yield a prediction request for each loaded version. Records are complete, so that no features are fetched.

    A candidate is primed as the stable version is, so that a process is as new for one as for the other.
    """
    for name in models.config.models:
        stable = models.releases.of(name).stable
        for number, version in models.loaded(name).items():
            inputs = [{field.name: example_value(field) for field in version.manifest.inputs}]
            of_version = "" if number == stable else f"/versions/{number}"
            yield post_event(f"/v1/models/{name}{of_version}/predict", {"inputs": inputs})


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
