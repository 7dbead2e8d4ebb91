"""The part of slipway.yaml that says how a heavy model runs: compute, number of tasks, and serving parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from slipway.config.deployment.sizes import check_fargate_size
from slipway.config.deployment.zones import ZONE_ID_PATTERN, ZONES, without_vpc_links
from slipway.config.validation import Section

Slot = Literal["blue", "green"]
"""One of a heavy model's two services."""

SLOTS: tuple[Slot, ...] = get_args(Slot)


def slot_parameter(project: str, model: str, slot: Slot, value: Literal["version", "weight"]) -> str:
    """The name of the SSM parameter that holds a slot's version, or its weight from 0 to 999."""
    return f"/{project}/{model}/{slot}/{value}"


def names_parameter(project: str, model: str) -> str:
    """The name of the SSM parameter that holds a heavy model's `SlotNames` as JSON."""
    return f"/{project}/{model}/names"


def output_prefix(model: str) -> str:
    """The prefix of a heavy model's construct ids and stack outputs, e.g. `TweetSentimentLarge`."""
    return "".join(part.capitalize() for part in model.split("-"))


@dataclass(frozen=True, slots=True)
class SlotNames:
    """The AWS names of a heavy model's slots: services and target groups by slot, and the rule with the weights."""

    cluster: str
    rule: str
    services: Mapping[str, str]
    groups: Mapping[str, str]


DRAIN_SECONDS = 5
"""How long a stopping task still accepts requests while the load balancer deregisters it."""


def version_paths(model: str, version: str) -> tuple[str, ...]:
    """The path patterns of a listener rule that address one version of a heavy model."""
    v2 = f"/v2/models/{model}/versions/{version}"
    return f"/v1/models/{model}/versions/{version}/*", v2, f"{v2}/*"


InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z0-9*-]+$")]


class HeavyConfig(Section):
    """The tasks of one heavy model; both slots start with the same number.

    ``compute`` is Fargate, or ECS Managed Instances with a GPU. A task tunes each of ``sessions``, ``threads``,
    ``max_batch``, ``max_wait_ms`` and ``queue`` that is None by measuring on its machine at start.
    """

    compute: Literal["fargate", "gpu"] = "fargate"
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    cpu: Annotated[FiniteFloat, Field(gt=0, le=192)] = 2
    memory_mb: Annotated[int, Field(ge=512, le=1_572_864)] = 4096
    gpus: Annotated[int, Field(ge=0, le=8)] = 0
    instance_types: tuple[InstanceType, ...] = ("g4dn.*", "g5.*", "g6.*")

    min_tasks: Annotated[int, Field(ge=1, le=1000)] = 1
    max_tasks: Annotated[int, Field(ge=1, le=1000)] = 4
    target_cpu_percent: Annotated[int, Field(ge=10, le=95)] = 60
    target_requests_per_task: Annotated[int, Field(ge=1)] = 20_000  # per minute, as the load balancer counts

    start_seconds: Annotated[int, Field(ge=30, le=7200)] = 120  # until a task is ready: fetch, load and tune
    timeout_seconds: Annotated[FiniteFloat, Field(gt=0, le=28)] = 15  # the API gives up after 29 s
    stop_timeout_seconds: Annotated[int, Field(ge=2, le=120)] = 30  # Fargate kills a task after 120 s at the latest
    queue: Annotated[int, Field(ge=1)] | None = None
    sessions: Annotated[int, Field(ge=1, le=256)] | None = None
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    max_batch: Annotated[int, Field(ge=1, le=1024)] | None = None
    max_wait_ms: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _gpu_means_one(cls, data: Any) -> Any:
        return {"gpus": 1, **data} if isinstance(data, dict) and data.get("compute") == "gpu" else data

    @model_validator(mode="after")
    def _compute_has_the_gpus(self) -> Self:
        if self.compute == "fargate" and self.gpus:
            raise ValueError(
                f"`gpus: {self.gpus}` is set, but Fargate has no GPUs; `compute: gpu` runs the tasks on ECS Managed "
                "Instances"
            )
        if self.compute == "gpu" and not self.gpus:
            raise ValueError("`compute: gpu` needs `gpus` of at least 1; without a GPU, write `compute: fargate`")
        if self.compute == "gpu" and self.architecture != "x86_64":
            raise ValueError("`compute: gpu` needs `architecture: x86_64`: the GPU image is built for it")
        if self.compute == "fargate" and "instance_types" in self.model_fields_set:
            raise ValueError("`instance_types` needs `compute: gpu`; Fargate has no instance types")
        return self

    @model_validator(mode="after")
    def _fargate_has_the_size(self) -> Self:
        if self.compute == "fargate":
            check_fargate_size(self.cpu, self.memory_mb, names=("cpu", "memory_mb"))
        return self

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> Self:
        if self.stop_timeout_seconds < self.timeout_seconds + DRAIN_SECONDS:
            raise ValueError(
                f"`stop_timeout_seconds: {self.stop_timeout_seconds}` is too short: a stopping task serves for "
                f"{DRAIN_SECONDS} s more and then finishes the requests it has accepted, for up to "
                f"`timeout_seconds: {self.timeout_seconds:g}`"
            )
        if self.min_tasks > self.max_tasks:
            raise ValueError(f"`min_tasks: {self.min_tasks}` is more than `max_tasks: {self.max_tasks}`")
        return self


class NetworkConfig(Section):
    """The VPC of the heavy tier. Without NAT gateways, tasks reach AWS through VPC endpoints and nothing else.

    ``zone_ids`` are two zones by id, e.g. `use1-az4`; by default the region's first two that can have a VPC link.
    """

    nat_gateways: Annotated[int, Field(ge=0, le=2)] = 0
    cidr: Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3}){3}/(1[6-9]|2[0-4])$")] = "10.0.0.0/16"
    zone_ids: tuple[Annotated[str, StringConstraints(pattern=ZONE_ID_PATTERN)], ...] = ()

    @model_validator(mode="after")
    def _zones_have_vpc_links(self) -> Self:
        if self.zone_ids and len(set(self.zone_ids)) != ZONES:
            raise ValueError(f"`zone_ids` needs two different zones, or none: {list(self.zone_ids)}")
        if unable := without_vpc_links(self.zone_ids):
            raise ValueError(f"`zone_ids`: an HTTP API's VPC link cannot be in {', '.join(unable)}; AWS says in which")
        return self


def with_nat_for_gpus(network: NetworkConfig, models: Mapping[str, HeavyConfig]) -> NetworkConfig:
    """Return ``network``; raises ValueError if GPU instances would lack the NAT gateway that AWS requires for them.

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ManagedInstancesNetworkConfiguration.html
    """
    gpus = [name for name, settings in models.items() if settings.compute == "gpu"]
    if gpus and not network.nat_gateways:
        raise ValueError(
            f"`nat_gateways: 0` leaves the GPU instances of {', '.join(gpus)} without the internet access that ECS "
            "Managed Instances need: write `network: { nat_gateways: 1 }`, or 2 for one in each zone"
        )
    return network
