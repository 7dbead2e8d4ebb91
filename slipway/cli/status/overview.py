"""The status of both tiers: what is deployed, whether it is healthy, and its recent traffic."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.aws.metric_data import MetricQuery
from slipway.cli.deployed import Deployed
from slipway.config.heavy import SLOTS
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.cloudwatch import P99, SUM, CloudWatchMetrics
from slipway.releases.controller.listener import SlotBalancer
from slipway.releases.controller.parameters import SlotParameters
from slipway.releases.controller.services import SlotServices

Found = Mapping[MetricQuery, float]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests, errors, the errors that are the service's own faults, and the p99 latency."""

    requests: int
    errors: int
    faults: int
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """A version of a light model; ``p99_ms`` covers only inference."""

    version: int
    stable: bool
    predictions: int
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """A slot of a heavy model. ``weight`` is relative to the sum of both."""

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
    """Reads the status of a project's deployment."""

    def __init__(self, project: str, deployed: Deployed, *, now: datetime, minutes: int) -> None:
        self._project = project
        self._deployed = deployed
        self._now, self._minutes = now, minutes

    def observe(self, models: Iterable[Mapping[str, Any]]) -> list[ModelStatus]:
        """The status of models as `GET /v1/models` lists them; raises UnavailableError."""
        listed = list(models)
        # One request for all models, so that the wait does not grow with their number.
        metrics_now = CloudWatchMetrics(self._deployed.options)
        found = metrics_now.read(self.wanted(listed), now=self._now, minutes=self._minutes)
        return [self.status(model, found) for model in listed]

    def wanted(self, models: Iterable[Mapping[str, Any]]) -> list[MetricQuery]:
        """The metrics that the status of these models is made of."""
        return [series for model in models for series in self._wanted(model)]

    def status(self, model: Mapping[str, Any], found: Found) -> ModelStatus:
        """The status of one model, of metrics that were read."""
        return self._heavy(model, found) if model["tier"] == "heavy" else self._light(model, found)

    def _wanted(self, model: Mapping[str, Any]) -> Iterator[MetricQuery]:
        name = model["name"]
        yield from self._of_model(name)
        if model["tier"] == "heavy":
            for slot in SLOTS:
                yield from self._of_slot(name, slot)
        else:
            for version in model["versions"]:
                yield from self._of_version(name, version["version"])

    def _light(self, model: Mapping[str, Any], found: Found) -> ModelStatus:
        name, stable = model["name"], model["release"]["stable"]
        versions = []
        for number in (version["version"] for version in model["versions"]):
            made, latency = self._of_version(name, number)
            versions.append(VersionStatus(number, number == stable, int(found.get(made, 0)), found.get(latency)))
        return ModelStatus(name, "light", self._traffic_of_model(name, found), versions=tuple(versions))

    def _heavy(self, model: Mapping[str, Any], found: Found) -> ModelStatus:
        name, options = model["name"], self._deployed.options
        names = self._deployed.slots(name)
        balancer = SlotBalancer(names.rule, names.groups, options)
        tasks = SlotServices(names.cluster, names.services, options).tasks()
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
                traffic=self._traffic_of_slot(name, slot, found),
            )
            for slot in SLOTS
        )
        return ModelStatus(name, "heavy", self._traffic_of_model(name, found), slots=tuple(slots))

    def _traffic_of_model(self, model: str, found: Found) -> Traffic:
        requests, latency, *errors = self._of_model(model)
        counted = {kind: int(found.get(series, 0)) for kind, series in zip(metrics.Kind, errors, strict=True)}
        faults = sum(count for kind, count in counted.items() if kind in metrics.FAULT_KINDS)
        return Traffic(int(found.get(requests, 0)), sum(counted.values()), faults, found.get(latency))

    def _traffic_of_slot(self, model: str, slot: str, found: Found) -> Traffic:
        *counts, latency = self._of_slot(model, slot)
        requests, errors, faults = (int(found.get(series, 0)) for series in counts)
        return Traffic(requests, errors, faults, found.get(latency))

    def _of_model(self, model: str) -> tuple[MetricQuery, ...]:
        """Requests, latency, and the errors of each kind: those of a model are counted by kind."""
        requests = self._series(metrics.REQUESTS, SUM, Model=model)
        latency = self._series(metrics.LATENCY, P99, Model=model)
        return requests, latency, *(self._series(metrics.ERRORS, SUM, Model=model, Kind=kind) for kind in metrics.Kind)

    def _of_slot(self, model: str, slot: str) -> tuple[MetricQuery, ...]:
        """Requests, errors, faults, and latency."""
        names = (metrics.REQUESTS, metrics.ERRORS, metrics.FAULTS)
        counts = (self._series(name, SUM, Model=model, Slot=slot) for name in names)
        return *counts, self._series(metrics.LATENCY, P99, Model=model, Slot=slot)

    def _of_version(self, model: str, version: int) -> tuple[MetricQuery, MetricQuery]:
        """Predictions, and the latency of inference."""
        of = {"Model": model, "Version": str(version)}
        return self._series(metrics.PREDICTIONS, SUM, **of), self._series(metrics.INFERENCE_LATENCY, P99, **of)

    def _series(self, metric: str, statistic: str, **dimensions: str) -> MetricQuery:
        return MetricQuery(
            metrics.NAMESPACE, metric, statistic, ((metrics.PROJECT, self._project), *dimensions.items())
        )
