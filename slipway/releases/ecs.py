"""A heavy model's two services: how many tasks they run, and whether a deployment is under way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.boto import answered_by, new_client


@dataclass(frozen=True, slots=True)
class Tasks:
    """A slot's tasks. ``deploying`` says that old ones are being replaced by new ones."""

    running: int
    desired: int
    deploying: bool


class SlotServices:
    """The services of a model's slots, by their names; ``options`` are those of boto3's client."""

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


def _tasks(service: Mapping[str, Any]) -> Tasks:
    unfinished = [each for each in service.get("deployments", ()) if each.get("rolloutState") == "IN_PROGRESS"]
    return Tasks(service.get("runningCount", 0), service.get("desiredCount", 0), bool(unfinished))
