"""Wait until the services of heavy models have all their tasks."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.emulator.clients import client
from local.environment.processes import StartError

_SECONDS = 120.0
_POLL_SECONDS = 0.2


def await_services(emulator: str, logs: Path) -> None:
    """Wait until every service has as many healthy targets as desired tasks, all from its last deployment.

    Raises:
        StartError: they are not ready in time; the message ends with the latest log in ``logs``.
    """
    ecs, balancers = client("ecs", emulator), client("elbv2", emulator)
    deadline = time.monotonic() + _SECONDS
    while waiting := [service["serviceName"] for service in _services(ecs) if not _is_settled(service, balancers)]:
        if time.monotonic() > deadline:
            raise StartError(f"not all tasks of {', '.join(waiting)} became ready", _latest(logs))
        time.sleep(_POLL_SECONDS)


def _services(ecs: Any) -> Iterator[dict[str, Any]]:
    for cluster in ecs.list_clusters()["clusterArns"]:
        if services := ecs.list_services(cluster=cluster)["serviceArns"]:
            yield from ecs.describe_services(cluster=cluster, services=services)["services"]


def _is_settled(service: dict[str, Any], balancers: Any) -> bool:
    one = len(service["deployments"]) == 1
    groups = [each["targetGroupArn"] for each in service["loadBalancers"]]
    return one and all(_healthy(balancers, group) == service["desiredCount"] for group in groups)


def _healthy(balancers: Any, group: str) -> int:
    targets = balancers.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sum(target["TargetHealth"]["State"] == "healthy" for target in targets)


def _latest(logs: Path) -> Path:
    return max(logs.glob("*.log"), key=lambda log: log.stat().st_mtime, default=logs / "none.log")
