"""A heavy model in the embedded AWS, for its tests: a project, and the slots as AWS's own calls show them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from local.environment.state import State
from support.embedded import Aws
from support.packages import make_text_package

MODEL = "large-sentiment"
SLOTS = ("blue", "green")
SECONDS = 240.0
CONFIG = """
project: heavy-test
batch: {{enabled: false}}
models:
  small-sentiment: {{versions: [1], stable: 1, path: models/small}}
  large-sentiment:
    tier: heavy
    path: models/large
    versions: [1, 2]
    stable: 1
    cache: {{enabled: false}}
    heavy: {{max_tasks: {max_tasks}, sessions: 1, threads: 1, max_batch: 1, max_wait_ms: 0}}
"""


def write_project(folder: Path) -> Path:
    """Fill a folder with a slipway.yaml and the packages that it names."""
    make_text_package(folder / "models/small/1", name="small-sentiment")
    for version in (1, 2):
        make_text_package(folder / f"models/large/{version}", name=MODEL, version=version)
    write_config(folder)
    return folder


def write_config(folder: Path, *, max_tasks: int = 4) -> None:
    """Write slipway.yaml; another number of tasks makes another template of it."""
    (folder / "slipway.yaml").write_text(CONFIG.format(max_tasks=max_tasks), encoding="utf-8")


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Heavy:
    """A heavy model, by default that of `write_project`."""

    def __init__(self, running: State, aws: Aws, model: str = MODEL, project: str = "heavy-test") -> None:
        outputs = {name: value for stack in running.outputs.values() for name, value in stack.items()}
        prefix = "".join(part.capitalize() for part in model.split("-"))
        self._rule = outputs[f"{prefix}Rule"]
        self._cluster = outputs["ClusterName"]
        self._services = {slot: outputs[f"{prefix}{slot.capitalize()}Service"] for slot in SLOTS}
        self._groups = {slot: outputs[f"{prefix}{slot.capitalize()}Targets"] for slot in SLOTS}
        self._parameters = f"/{project}/{model}"
        self.log_group = outputs[f"{prefix}Logs"]
        self.path = f"/v1/models/{model}/predict"
        self._aws = aws

    def weights(self) -> dict[str, int]:
        """The weight of each slot, as the load balancer has it."""
        action = self._aws("elbv2").describe_rules(RuleArns=[self._rule])["Rules"][0]["Actions"][0]
        by_group = {group["TargetGroupArn"]: group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]}
        return {slot: by_group[group] for slot, group in self._groups.items()}

    def set_weights(self, **weights: int) -> None:
        """Set them as a release does: the parameters that the next deploy reads, then the rule."""
        for slot, weight in weights.items():
            self._aws("ssm").put_parameter(Name=self.parameter(slot, "weight"), Value=str(weight), Overwrite=True)
        groups = [{"TargetGroupArn": self._groups[slot], "Weight": weight} for slot, weight in weights.items()]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        self._aws("elbv2").modify_rule(RuleArn=self._rule, Actions=[action])

    def version(self, slot: str) -> int:
        """The version that a slot's parameter says."""
        found = self._aws("ssm").get_parameter(Name=self.parameter(slot, "version"))
        return int(found["Parameter"]["Value"])

    def set_version(self, slot: str, version: int) -> None:
        """Have a slot serve another version, by a new deployment of its service."""
        self._aws("ssm").put_parameter(Name=self.parameter(slot, "version"), Value=str(version), Overwrite=True)
        self._aws("ecs").update_service(cluster=self._cluster, service=self._services[slot], forceNewDeployment=True)
        self.await_settled()

    def set_tasks(self, slot: str, count: int) -> None:
        """Have a slot run so many tasks."""
        self._aws("ecs").update_service(cluster=self._cluster, service=self._services[slot], desiredCount=count)
        self.await_settled()

    def process(self, slot: str) -> psutil.Process:
        """The one process of a slot, found by the address that its target has."""
        (address,) = self.addresses(slot)
        for process in psutil.process_iter():
            try:
                if any(each.laddr.ip == address for each in process.net_connections("inet") if each.laddr):
                    return process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        raise AssertionError(f"no process at {address}")

    def addresses(self, slot: str) -> list[str]:
        """The addresses of a slot's healthy targets."""
        found = self._aws("elbv2").describe_target_health(TargetGroupArn=self._groups[slot])
        return [
            each["Target"]["Id"]
            for each in found["TargetHealthDescriptions"]
            if each["TargetHealth"]["State"] == "healthy"
        ]

    def await_settled(self) -> None:
        """Wait until each slot has the tasks it wants, of one deployment, all healthy."""
        until(lambda: all(self._is_settled(slot) for slot in SLOTS))

    def _is_settled(self, slot: str) -> bool:
        service = self._service(slot)
        wanted = service["desiredCount"]
        one = len(service["deployments"]) == 1
        return one and service["runningCount"] == wanted == len(self.addresses(slot))

    def _service(self, slot: str) -> dict[str, Any]:
        services = self._aws("ecs").describe_services(cluster=self._cluster, services=[self._services[slot]])
        return dict(services["services"][0])

    def parameter(self, slot: str, value: str) -> str:
        """The name of one of a slot's parameters."""
        return f"{self._parameters}/{slot}/{value}"
