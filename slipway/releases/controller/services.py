"""A heavy model's two ECS services: their task counts, and whether a deployment is in progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.aws.clients import answered_by, new_client


@dataclass(frozen=True, slots=True)
class Tasks:
    """A slot's tasks. ``deploying`` means that new tasks are replacing old ones.

    ``since`` is the start of the last deployment, and ``problem`` the reason if a deployment failed.
    """

    running: int
    desired: int
    deploying: bool
    since: datetime | None = None
    problem: str = ""


class SlotServices:
    """The ECS services of a model's slots, by slot; ``options`` are passed to the boto3 client."""

    def __init__(self, cluster: str, services: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self._cluster = cluster
        self._services = services
        self._client = new_client("ecs", options)

    def tasks(self) -> dict[str, Tasks]:
        """The tasks of each slot; raises UnavailableError."""
        with answered_by("ECS"):
            found = self._client.describe_services(cluster=self._cluster, services=list(self._services.values()))
        by_name = {service["serviceName"]: service for service in found["services"]}
        return {slot: _tasks(by_name.get(name, {})) for slot, name in self._services.items()}

    def run(self, slot: str, count: int, *, renew: bool) -> None:
        """Set a slot's task count; ``renew`` also replaces its running tasks. Raises UnavailableError."""
        with answered_by("ECS"):
            self._client.update_service(
                cluster=self._cluster, service=self._services[slot], desiredCount=count, forceNewDeployment=renew
            )


def _tasks(service: Mapping[str, Any]) -> Tasks:
    deployments = service.get("deployments", ())
    last: Mapping[str, Any] = max(deployments, key=lambda each: each["createdAt"], default={})
    failed = [each for each in deployments if each.get("rolloutState") == "FAILED"]
    return Tasks(
        service.get("runningCount", 0),
        service.get("desiredCount", 0),
        any(each.get("rolloutState") == "IN_PROGRESS" for each in deployments),
        last.get("createdAt"),
        " ".join(each.get("rolloutStateReason", "the deployment failed") for each in failed),
    )
