"""What a deploy needs of an account and of this machine, read from its templates and slipway.yaml."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.config import Config
from slipway.config.training import TrainingConfig

Template = Mapping[str, Any]

GPU_VCPUS = 4  # of the smallest instance with one GPU, g4dn.xlarge and g6.xlarge
_DEFAULT_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


@dataclass(frozen=True, slots=True)
class Needs:
    """A deploy's needs; vCPUs are those of the first deploy, which runs both slots, and of both slots at their most.

    ``training_gpu_vcpus`` and ``training_spot_vcpus`` are those of the largest run on GPUs, and of a run of each model.
    """

    image: bool
    heavy: bool
    snap_start: bool
    reserved_concurrency: int
    requests_per_second: float
    fargate_vcpus: float
    most_fargate_vcpus: float
    gpu_vcpus: float
    most_gpu_vcpus: float
    training_gpu_vcpus: tuple[float, float]
    training_spot_vcpus: tuple[float, float]
    zone_ids: tuple[str, ...]
    bootstrap_parameter: str
    bootstrap_version: int


def needs_of(config: Config, templates: Mapping[str, Template]) -> Needs:
    """Read the needs of a deploy."""
    heavy = [model.heavy for model in config.heavy_models.values()]
    fargate = [each for each in heavy if each.compute == "fargate"]
    gpu = [each for each in heavy if each.compute == "gpu"]
    trained = config.trained_models.values()
    parameter, version = _bootstrap(templates)
    return Needs(
        image=bool(heavy) or any(each.compute != "lambda" for each in trained),
        heavy=bool(heavy),
        snap_start=config.light.snap_start,
        reserved_concurrency=(config.light.reserved_concurrency or 0) + (config.shadow.reserved_concurrency or 0),
        requests_per_second=config.api.throttle.rate,
        fargate_vcpus=sum(2 * each.min_tasks * each.cpu for each in fargate),
        most_fargate_vcpus=sum(2 * each.max_tasks * each.cpu for each in fargate),
        gpu_vcpus=sum(2 * each.min_tasks * max(GPU_VCPUS, each.cpu) for each in gpu),
        most_gpu_vcpus=sum(2 * each.max_tasks * max(GPU_VCPUS, each.cpu) for each in gpu),
        training_gpu_vcpus=_largest_and_all(trained, spot=False),
        training_spot_vcpus=_largest_and_all(trained, spot=True),
        zone_ids=config.network.zone_ids,
        bootstrap_parameter=parameter,
        bootstrap_version=version,
    )


def _largest_and_all(trained: Iterable[TrainingConfig], *, spot: bool) -> tuple[float, float]:
    """The vCPUs of the largest run on GPUs, and of a run of each model at the same time."""
    found = [max(GPU_VCPUS, each.size.vcpus) for each in trained if each.compute == "gpu" and each.spot == spot]
    return max(found, default=0), sum(found)


def _bootstrap(templates: Mapping[str, Template]) -> tuple[str, int]:
    """The parameter with the version of `cdk bootstrap`, and the least version that the templates ask for."""
    parameter, version = _DEFAULT_BOOTSTRAP, 1
    for template in templates.values():
        parameter = template.get("Parameters", {}).get("BootstrapVersion", {}).get("Default", parameter)
        rules = template.get("Rules", {}).get("CheckBootstrapVersion", {})
        for assertion in rules.get("Assertions", []):
            if found := re.search(r"version (\d+) required", assertion.get("AssertDescription", "")):
                version = max(version, int(found[1]))
    return parameter, version
