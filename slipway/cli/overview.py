"""Both tiers at a glance: what is deployed, whether it is well, and what it did in the last minutes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.cli.deployed import Deployed
from slipway.heavy_tier import SLOTS
from slipway.monitoring import metrics
from slipway.monitoring.cloudwatch import P99, SUM, CloudWatchMetrics, Series
from slipway.releases.alb import SlotBalancer
from slipway.releases.ecs import SlotServices
from slipway.releases.ssm import SlotParameters


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests; those that were answered with an error, and of these the service's own; and the 99th percentile."""

    requests: int
    errors: int
    faults: int
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """A version of a light model; ``p99_ms`` is of its inference alone."""

    version: int
    stable: bool
    predictions: int
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """A slot of a heavy model. ``weight`` is its part of the sum of both."""

    slot: str
    version: int | None
    weight: int
    running: int
    desired: int
    healthy: int
    deploying: bool
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model: a light one has versions, a heavy one slots."""

    model: str
    tier: str
    traffic: Traffic
    versions: tuple[VersionStatus, ...] = ()
    slots: tuple[SlotStatus, ...] = ()


class Observer:
    """Looks at what is deployed of a project."""

    def __init__(self, project: str, deployed: Deployed, *, now: datetime, minutes: int) -> None:
        self._project = project
        self._deployed = deployed
        self._metrics = CloudWatchMetrics(deployed.options)
        self._now, self._minutes = now, minutes

    def observe(self, models: Iterable[Mapping[str, Any]]) -> list[ModelStatus]:
        """The status of models, which are as `GET /v1/models` lists them; raises UnavailableError."""
        return [self._heavy(model) if model["tier"] == "heavy" else self._light(model) for model in models]

    def _light(self, model: Mapping[str, Any]) -> ModelStatus:
        name = model["name"]
        numbers = [version["version"] for version in model["versions"]]
        made = {n: self._series(metrics.PREDICTIONS, SUM, Model=name, Version=str(n)) for n in numbers}
        latency = {n: self._series(metrics.INFERENCE_LATENCY, P99, Model=name, Version=str(n)) for n in numbers}
        found = self._read([*made.values(), *latency.values()])
        stable = model["release"]["stable"]
        versions = (VersionStatus(n, n == stable, int(found.get(made[n], 0)), found.get(latency[n])) for n in numbers)
        return ModelStatus(name, "light", self._traffic_of_model(name), versions=tuple(versions))

    def _heavy(self, model: Mapping[str, Any]) -> ModelStatus:
        name = model["name"]
        output, options = self._deployed.output, self._deployed.options
        prefix = "".join(part.capitalize() for part in name.split("-"))
        groups: dict[str, str] = {slot: output(f"{prefix}{slot.capitalize()}Targets") for slot in SLOTS}
        services: dict[str, str] = {slot: output(f"{prefix}{slot.capitalize()}Service") for slot in SLOTS}
        balancer = SlotBalancer(output(f"{prefix}Rule"), groups, options)
        tasks = SlotServices(output("ClusterName"), services, options).tasks()
        versions, weights = SlotParameters(self._project, options).versions(name), balancer.weights()
        slots = (
            SlotStatus(
                slot=slot,
                version=versions.get(slot),
                weight=weights[slot],
                running=tasks[slot].running,
                desired=tasks[slot].desired,
                healthy=balancer.health(slot).healthy,
                deploying=tasks[slot].deploying,
                traffic=self._traffic_of_slot(name, slot),
            )
            for slot in SLOTS
        )
        return ModelStatus(name, "heavy", self._traffic_of_model(name), slots=tuple(slots))

    def _traffic_of_model(self, model: str) -> Traffic:
        """Errors of a model are counted by kind, so they are asked for by kind."""
        requests = self._series(metrics.REQUESTS, SUM, Model=model)
        latency = self._series(metrics.LATENCY, P99, Model=model)
        errors = {kind: self._series(metrics.ERRORS, SUM, Model=model, Kind=kind) for kind in metrics.Kind}
        found = self._read([requests, latency, *errors.values()])
        counted = {kind: int(found.get(series, 0)) for kind, series in errors.items()}
        faults = sum(count for kind, count in counted.items() if kind in metrics.FAULT_KINDS)
        return Traffic(int(found.get(requests, 0)), sum(counted.values()), faults, found.get(latency))

    def _traffic_of_slot(self, model: str, slot: str) -> Traffic:
        counts = [
            self._series(name, SUM, Model=model, Slot=slot)
            for name in (metrics.REQUESTS, metrics.ERRORS, metrics.FAULTS)
        ]
        latency = self._series(metrics.LATENCY, P99, Model=model, Slot=slot)
        found = self._read([*counts, latency])
        requests, errors, faults = (int(found.get(series, 0)) for series in counts)
        return Traffic(requests, errors, faults, found.get(latency))

    def _read(self, wanted: Sequence[Series]) -> dict[Series, float]:
        return self._metrics.read(wanted, now=self._now, minutes=self._minutes)

    def _series(self, metric: str, statistic: str, **dimensions: str) -> Series:
        return Series(metric, statistic, ((metrics.PROJECT, self._project), *dimensions.items()))
