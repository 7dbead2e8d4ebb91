"""The metrics of functions by alias, which the controller's alarms read."""

from typing import Any

import pytest
from ministack.services import cloudwatch, lambda_svc

from local.emulator import function_metrics

FUNCTION = {"config": {"FunctionName": "controller", "Version": "2"}}
ALIASES = {"live": {"FunctionVersion": "2"}, "before": {"FunctionVersion": "1"}}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Logs a call as MiniStack does at the end of each."""
    # Recorded here, so that both are put back.
    monkeypatch.setattr(lambda_svc, "_emit_lambda_logs", lambda *_, **__: None)
    monkeypatch.setitem(lambda_svc._functions, "controller", {"aliases": ALIASES})
    function_metrics.install()
    return lambda *, error: lambda_svc._emit_lambda_logs(FUNCTION, "id", "", error, 52, log_source=None)


def points(name: str, resource: str) -> list[float]:
    dimensions = cloudwatch._dims_key({"FunctionName": "controller", "Resource": resource})
    return [point["Value"] for point in cloudwatch._metrics.get(("AWS/Lambda", name, dimensions)) or []]


def test_calls_errors_and_durations_are_the_aliass(call: Any) -> None:
    call(error=False)
    call(error=True)

    assert points("Invocations", "controller:live") == [1, 1]
    assert points("Errors", "controller:live") == [0, 1]
    assert points("Duration", "controller:live") == [52, 52]
    assert points("Invocations", "controller:before") == []
