"""Lambda's metrics of an alias: `Invocations`, `Errors` and `Duration`.

MiniStack records metrics only per function and only for `Invoke`, which its API and schedules do not use. `install`
wraps the one function that logs all calls.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import cloudwatch, lambda_svc

_NAMESPACE = "AWS/Lambda"


def install() -> None:
    """Make this process's MiniStack record these metrics."""
    log = lambda_svc._emit_lambda_logs

    def log_and_record(*call: Any, **options: Any) -> None:
        log(*call, **options)
        func, _, _, error, duration_ms = call
        config: Mapping[str, Any] = func.get("config") or func
        for alias in aliases_of(config["FunctionName"], str(config.get("Version"))):
            _record(config["FunctionName"], alias, failed=bool(error), duration_ms=duration_ms)

    lambda_svc._emit_lambda_logs = log_and_record


def aliases_of(function: str, version: str) -> Iterator[str]:
    """The aliases of a version of a function, through which all calls are made here."""
    aliases: Mapping[str, Any] = lambda_svc._functions.get(function, {}).get("aliases", {})
    return (name for name, alias in aliases.items() if alias.get("FunctionVersion") == version)


def _record(function: str, alias: str, *, failed: bool, duration_ms: int) -> None:
    dimensions = {"FunctionName": function, "Resource": f"{function}:{alias}"}
    values = (("Invocations", 1, "Count"), ("Errors", int(failed), "Count"), ("Duration", duration_ms, "Milliseconds"))
    for name, value, unit in values:
        cloudwatch.record_metric(_NAMESPACE, name, value, unit, dimensions)
