"""The life cycle of a service in MiniStack's ECS with processes as containers, and a small server in each."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from ministack.core.responses import request_scope
from ministack.services import alb, cloudwatch_logs, ecs, iam, ssm, sts

from local.emulator.balancing import health
from local.emulator.containers import Containers, Engine
from local.environment.settings import ACCOUNT, REGION

SERVER = """
import http.server, json, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"pid": os.getpid(), **os.environ}).encode())

    def log_message(self, *args):
        pass

if os.environ["SLIPWAY_VERSION"] == "3":
    sys.exit("this version is broken")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = http.server.HTTPServer((os.environ["SLIPWAY_HOST"], int(os.environ["PORT"])), Handler)
print(json.dumps({"started": os.environ["SLIPWAY_VERSION"]}), flush=True)
server.serve_forever()
"""
SECONDS = 120.0
VERSION = "/demo/large/blue/version"


class Blue:
    """One slot's service, and its observable state."""

    def __init__(self, group: str) -> None:
        self.group = group

    @property
    def service(self) -> dict[str, Any]:
        with request_scope(ACCOUNT, REGION):
            found = json.loads(ecs._describe_services({"cluster": "demo", "services": ["blue"]})[2])
        return dict(found["services"][0])

    @property
    def targets(self) -> list[dict[str, Any]]:
        with request_scope(ACCOUNT, REGION):
            return list(alb._targets[self.group])

    def environment(self) -> dict[str, Any]:
        """The environment of the one process that is a target."""
        (target,) = self.targets
        return self.environment_of(target)

    def environment_of(self, target: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"http://{target['Id']}:{target['Port']}/").json()
        return found

    def update(self, **changes: Any) -> None:
        with request_scope(ACCOUNT, REGION):
            assert ecs._update_service({"cluster": "demo", "service": "blue", **changes})[0] == 200

    def publish(self, version: int) -> None:
        with request_scope(ACCOUNT, REGION):
            ssm._put_parameter({"Name": VERSION, "Type": "String", "Value": str(version), "Overwrite": True})

    def logged(self) -> list[str]:
        with request_scope(ACCOUNT, REGION):
            streams = cloudwatch_logs._log_groups["tasks"]["streams"].values()
        return [event["message"] for stream in streams for event in stream["events"]]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def task_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ministack-ecs-task")]


@pytest.fixture
def containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Containers]:
    server = tmp_path / "server.py"
    server.write_text(SERVER, encoding="utf-8")
    monkeypatch.setenv("GATEWAY_PORT", "4566")
    made = Containers([sys.executable, str(server)], tmp_path, tmp_path, tmp_path / "logs")
    monkeypatch.setattr(ecs, "_docker", Engine(made))
    yield made
    made.close()


@pytest.fixture
def blue(containers: Containers) -> Iterator[Blue]:
    with request_scope(ACCOUNT, REGION):
        iam._roles["task"] = {"Arn": f"arn:aws:iam::{ACCOUNT}:role/task", "RoleName": "task"}
        cloudwatch_logs._create_log_group({"logGroupName": "tasks"})
        ssm._put_parameter({"Name": VERSION, "Type": "String", "Value": "1"})
        alb._create_tg({"Name": ["blue"], "Port": ["8080"], "TargetType": ["ip"], "VpcId": ["vpc"]})
        (group,) = alb._tgs
        ecs._create_cluster({"clusterName": "demo"})
        ecs._register_task_definition(definition())
        balancers = [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}]
        service = {"cluster": "demo", "serviceName": "blue", "taskDefinition": "blue", "loadBalancers": balancers}
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        ecs._create_service({**service, "desiredCount": 1, "deploymentConfiguration": breaker})
    made = Blue(group)
    until(lambda: made.service["runningCount"] == 1)
    yield made
    with request_scope(ACCOUNT, REGION):
        ecs._delete_service({"cluster": "demo", "service": "blue", "force": True})
    containers.close()
    until(lambda: not task_threads())  # what they still look up is there until then
    for module in (ecs, alb, ssm, cloudwatch_logs, iam):
        module.reset()


def definition() -> dict[str, Any]:
    version = {"name": "SLIPWAY_VERSION", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{VERSION}"}
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "tasks", "awslogs-stream-prefix": "large"}}
    container = {
        "name": "app",
        "image": "registry.example/slipway:latest",
        "portMappings": [{"containerPort": 8080}],
        "environment": [{"name": "SLIPWAY_SLOT", "value": "blue"}],
        "secrets": [version],
        "logConfiguration": log,
    }
    return {
        "family": "blue",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/task",
        "containerDefinitions": [container],
    }


def test_a_task_is_a_process_with_its_environment_on_an_address_of_its_own(blue: Blue, tmp_path: Path) -> None:
    environment = blue.environment()

    assert environment["SLIPWAY_HOST"] == blue.targets[0]["Id"] != "127.0.0.1"
    assert (environment["SLIPWAY_SLOT"], environment["SLIPWAY_VERSION"], environment["PORT"]) == ("blue", "1", "8080")
    assert environment["SLIPWAY_ROOT"] == str(tmp_path)
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert "AWS_CONTAINER_CREDENTIALS_FULL_URI" not in environment
    assert sts._sessions[environment["AWS_ACCESS_KEY_ID"]]["Arn"].startswith(
        "arn:aws:sts::000000000000:assumed-role/task/"
    )


def test_what_it_prints_is_in_the_log_group_of_the_task(blue: Blue) -> None:
    until(lambda: '{"started": "1"}' in blue.logged())


def test_a_killed_process_is_replaced(blue: Blue) -> None:
    killed = blue.environment()["pid"]
    os.kill(killed, signal.SIGKILL)

    until(lambda: blue.targets == [])
    until(lambda: blue.service["runningCount"] == 1)

    assert blue.environment()["pid"] != killed


def _answering(blue: Blue) -> int | None:
    """The process that is a target and answers; None while there is none."""
    try:
        pid: int = blue.environment()["pid"]
    except (ValueError, httpx.TransportError):
        return None
    return pid


def test_a_process_that_hangs_is_killed_and_replaced(
    monkeypatch: pytest.MonkeyPatch, blue: Blue, containers: Containers
) -> None:
    monkeypatch.setattr(health, "_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("local.emulator.containers._CHECK_EVERY_SECONDS", 0.1)
    hung = blue.environment()["pid"]
    (log,) = containers.logs.glob("*.log")
    os.kill(hung, signal.SIGSTOP)

    until(lambda: not psutil.pid_exists(hung) or psutil.Process(hung).status() == psutil.STATUS_ZOMBIE)
    until(lambda: _answering(blue) not in (None, hung))

    assert "killed: it answered none of 3 health checks" in log.read_text(encoding="utf-8")


def test_a_new_deployment_reads_the_version_anew_and_never_leaves_the_group_empty(blue: Blue) -> None:
    before = blue.environment()["pid"]
    blue.publish(2)
    blue.update(forceNewDeployment=True)

    seen = set()
    deadline = time.monotonic() + SECONDS
    while psutil.pid_exists(before) and time.monotonic() < deadline:
        seen.add(len(blue.targets))
        time.sleep(0.05)

    assert 0 not in seen
    assert blue.environment()["SLIPWAY_VERSION"] == "2"


def test_a_version_that_does_not_start_takes_nothing_away(blue: Blue) -> None:
    (serving,) = blue.targets
    before = blue.environment()["pid"]
    blue.publish(3)
    blue.update(forceNewDeployment=True)

    until(lambda: "this version is broken" in blue.logged())

    # The broken task may be a target beside it for a moment; the load balancer asks no task that fails.
    assert serving["Id"] in [target["Id"] for target in blue.targets]
    assert blue.environment_of(serving)["pid"] == before


def test_a_slot_without_tasks_has_no_process(blue: Blue, containers: Containers) -> None:
    blue.update(desiredCount=0)
    until(lambda: containers.list() == [])
    assert blue.targets == []

    blue.update(desiredCount=1)
    until(lambda: blue.service["runningCount"] == 1)
    assert blue.environment()["SLIPWAY_VERSION"] == "1"


def test_closing_stops_all_and_starts_no_more(blue: Blue, containers: Containers) -> None:
    process = psutil.Process(blue.environment()["pid"])

    containers.close()
    time.sleep(0.5)

    assert not process.is_running()
    assert containers.list() == []
