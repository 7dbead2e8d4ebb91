"""Waits for the services of heavy models to have all their tasks."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.clients import client
from local.processes import StartError

_SECONDS = 120.0
_POLL_SECONDS = 0.2


def await_services(emulator: str, logs: Path) -> None:
    """Wait until every service runs as many tasks as it wants, all of them of its last deployment.

    Raises:
        StartError: they do not, with the end of the latest log in ``logs``.
    """
    ecs = client("ecs", emulator)
    deadline = time.monotonic() + _SECONDS
    while waiting := [service["serviceName"] for service in _services(ecs) if not _is_settled(service)]:
        if time.monotonic() > deadline:
            raise StartError(f"not all tasks of {', '.join(waiting)} got ready", _latest(logs))
        time.sleep(_POLL_SECONDS)


def _services(ecs: Any) -> Iterator[dict[str, Any]]:
    for cluster in ecs.list_clusters()["clusterArns"]:
        if services := ecs.list_services(cluster=cluster)["serviceArns"]:
            yield from ecs.describe_services(cluster=cluster, services=services)["services"]


def _is_settled(service: dict[str, Any]) -> bool:
    rolling = len(service["deployments"]) > 1
    return service["status"] != "ACTIVE" or (service["runningCount"] == service["desiredCount"] and not rolling)


def _latest(logs: Path) -> Path:
    return max(logs.glob("*.log"), key=lambda log: log.stat().st_mtime, default=logs / "none.log")
