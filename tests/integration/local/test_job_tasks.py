"""Tasks that run a command to its end, by ECS and by Step Functions' `ecs:runTask.sync`."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs, ecs, iam, stepfunctions

from local.emulator import task_runs
from local.emulator.cloudformation import capacity
from local.emulator.containers import Containers, Engine
from local.environment.settings import ACCOUNT, REGION

JOB = """
import os, sys, time

command, *rest = sys.argv[1:]
print("ran", command, *rest, os.environ.get("SHARD"), flush=True)
while command == "wait":
    time.sleep(0.1)
sys.exit(int(rest[0]) if command == "exit" else 0)
"""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/task"
_CHANGED = ("_execute_task", "_run_sub_machine", "_fail_execution", "_error_matches", "_poll_ecs_tasks")

_SECONDS = 120.0


def eventually(look: Callable[[], object]) -> object:
    """What is seen as soon as it is true; an AssertionError if it never is."""
    deadline = time.monotonic() + _SECONDS
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    return seen


@pytest.fixture
def containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Containers]:
    job = tmp_path / "job.py"
    job.write_text(JOB, encoding="utf-8")
    monkeypatch.setenv("GATEWAY_PORT", "4566")
    made = Containers([sys.executable, str(job)], tmp_path, tmp_path, tmp_path / "logs")
    monkeypatch.setattr(ecs, "_docker", Engine(made))
    for name in _CHANGED:
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))  # so that they are put back
    task_runs.install()
    with request_scope(ACCOUNT, REGION):
        iam._roles["task"] = {"Arn": ROLE, "RoleName": "task"}
        cloudwatch_logs._create_log_group({"logGroupName": "jobs"})
        ecs._create_cluster({"clusterName": "demo"})
        ecs._register_task_definition(definition())
    yield made
    made.close()
    eventually(lambda: not [each for each in threading.enumerate() if each.name.startswith("ministack-ecs-task")])
    for module in (ecs, cloudwatch_logs, iam, stepfunctions):
        module.reset()


def definition() -> dict[str, Any]:
    log = {"logDriver": "awslogs", "options": {"awslogs-group": "jobs", "awslogs-stream-prefix": "batch"}}
    container = {"name": "app", "image": "registry.example/slipway:latest", "logConfiguration": log}
    return {"family": "job", "networkMode": "awsvpc", "taskRoleArn": ROLE, "containerDefinitions": [container]}


def overrides(*command: str) -> dict[str, Any]:
    environment = [{"name": "SHARD", "value": "7"}]
    return {"containerOverrides": [{"name": "app", "command": list(command), "environment": environment}]}


def run(*command: str) -> str:
    with request_scope(ACCOUNT, REGION):
        request = {"cluster": "demo", "taskDefinition": "job", "overrides": overrides(*command)}
        started = json.loads(ecs._run_task(request)[2])
    task: str = started["tasks"][0]["taskArn"]
    return task


def described(task: str) -> dict[str, Any]:
    with request_scope(ACCOUNT, REGION):
        (found,) = json.loads(ecs._describe_tasks({"cluster": "demo", "tasks": [task]})[2])["tasks"]
    return dict(found)


def logged() -> list[str]:
    with request_scope(ACCOUNT, REGION):
        streams = cloudwatch_logs._log_groups["jobs"]["streams"].values()
    return [event["message"] for stream in streams for event in stream["events"]]


@pytest.mark.parametrize("code", [0, 3])
def test_a_job_runs_its_command_to_the_end_and_reports_its_exit_code(containers: Containers, code: int) -> None:
    task = run("exit", str(code))

    eventually(lambda: described(task)["lastStatus"] == "STOPPED")
    stopped = described(task)

    assert [each["exitCode"] for each in stopped["containers"]] == [code]
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("EssentialContainerExited", "Essential container exited")
    assert eventually(lambda: f"ran exit {code} 7" in logged())
    assert containers.list() == []


def test_failing_jobs_do_not_hold_up_the_next_one(containers: Containers) -> None:
    tasks = [run("exit", "1") for _ in range(12)]  # the back-off of a service's tasks would take minutes

    for task in tasks:
        eventually(lambda task=task: described(task)["lastStatus"] == "STOPPED")


def test_a_running_job_can_be_stopped(containers: Containers) -> None:
    task = run("wait")
    eventually(lambda: described(task)["lastStatus"] == "RUNNING")

    with request_scope(ACCOUNT, REGION):
        ecs._stop_task({"cluster": "demo", "task": task, "reason": "no longer needed"})

    assert eventually(lambda: not containers.list())
    assert described(task)["stoppedReason"] == "no longer needed"


def started(states: Mapping[str, Any], given: object = None) -> str:
    machine = {"StartAt": next(iter(states)), "States": states}
    with request_scope(ACCOUNT, REGION):
        made = {"name": "machine", "definition": json.dumps(machine), "roleArn": ROLE}
        arn = json.loads(stepfunctions._create_state_machine(made)[2])["stateMachineArn"]
        begun = stepfunctions._start_execution({"stateMachineArn": arn, "input": json.dumps(given)})
    execution: str = json.loads(begun[2])["executionArn"]
    return execution


def execution_of(arn: str) -> dict[str, Any]:
    with request_scope(ACCOUNT, REGION):
        return dict(stepfunctions._executions[arn])


def task_state(*command: str, **more: Any) -> dict[str, Any]:
    parameters = {"Cluster": "demo", "TaskDefinition": "job", "Overrides": _pascal(overrides(*command))}
    resource = "arn:aws:states:::ecs:runTask.sync"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def _pascal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: _pascal(each) for key, each in value.items()}
    return [_pascal(each) for each in value] if isinstance(value, list) else value


def test_a_state_that_runs_a_task_ends_with_it(containers: Containers) -> None:
    execution = started({"Run": task_state("exit", "0")})

    assert eventually(lambda: execution_of(execution)["status"] == "SUCCEEDED")


def test_a_state_fails_by_the_exit_code_of_its_task_and_is_retried_as_it_says(containers: Containers) -> None:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    execution = started({"Run": task_state("exit", "4", Retry=retry)})

    assert eventually(lambda: execution_of(execution)["status"] == "FAILED")

    assert execution_of(execution)["error"] == "States.TaskFailed"
    assert json.loads(execution_of(execution)["cause"])["containers"][0]["exitCode"] == 4
    assert eventually(lambda: logged().count("ran exit 4 7") == 2)


def test_a_task_on_gpus_is_a_process_of_this_machine_like_any_other(containers: Containers) -> None:
    requires = [{"type": "GPU", "value": "1"}]
    (container,) = definition()["containerDefinitions"]
    on_gpus = {"containerDefinitions": [{**container, "resourceRequirements": requires}]}
    create = capacity.handlers({})["AWS::ECS::CapacityProvider"]["create"]
    with request_scope(ACCOUNT, REGION):
        name, _ = create("Gpus", {"ClusterName": "demo", "ManagedInstancesProvider": {}}, "stack")
        ecs._register_task_definition({**definition(), **on_gpus, "requiresCompatibilities": ["MANAGED_INSTANCES"]})
    state = task_state("exit", "0")
    state["Parameters"]["CapacityProviderStrategy"] = [{"CapacityProvider": name, "Weight": 1}]

    execution = started({"Run": state})

    assert eventually(lambda: execution_of(execution)["status"] != "RUNNING")
    assert execution_of(execution)["status"] == "SUCCEEDED", execution_of(execution)
    assert eventually(lambda: "ran exit 0 7" in logged())


def test_a_stopped_execution_stops_its_tasks_and_starts_no_more_of_its_map(containers: Containers) -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3, "IntervalSeconds": 1}]
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    work = {"StartAt": "Run", "States": {"Run": task_state("wait", Retry=retry)}, "ProcessorConfig": config}
    execution = started({"Each": {"Type": "Map", "ItemProcessor": work, "MaxConcurrency": 2, "End": True}}, [1, 2, 3])
    eventually(lambda: len(containers.list()) == 2)

    with request_scope(ACCOUNT, REGION):
        stepfunctions._stop_execution({"executionArn": execution})

    children = [each for each in stepfunctions._executions.values() if each.get("mapRunArn")]
    assert eventually(lambda: not containers.list() and _ended())
    assert len(children) <= 3
    assert execution_of(execution)["status"] == "ABORTED"
    assert sum(line.startswith("ran wait") for line in logged()) == 2


def _ended() -> bool:
    with request_scope(ACCOUNT, REGION):
        return all(run["status"] != "RUNNING" for run in stepfunctions._map_runs.values())
