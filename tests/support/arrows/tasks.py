"""The tasks that a state machine runs: what its role must be allowed to start one and to await its end."""

from collections.abc import Iterator, Mapping
from typing import Any

from support.arrows.policies import may
from support.arrows.templates import Resource, World

_AT = "<AWS::Region>:<AWS::AccountId>"
_ECS = f"arn:<AWS::Partition>:ecs:{_AT}"
_RULE = f"arn:<AWS::Partition>:events:{_AT}:rule/StepFunctionsGetEventsForECSTaskRule"
_ROLES = ("TaskRoleArn", "ExecutionRoleArn")


def runs_task(world: World, role: Resource, parameters: Mapping[str, Any]) -> bool:
    """Whether a role may take a step of ``ecs:runTask.sync``, whose task is named by its family or by itself."""
    cluster = world.target(role.stack, parameters["Cluster"])
    tasks = list(_tasks(world, parameters["TaskDefinition"]))
    return (
        bool(tasks)
        and cluster is not None
        and _has_capacity(world, role.stack, parameters, cluster)
        and all(_runs(world, role, task, cluster) for task in tasks)
    )


def _has_capacity(world: World, stack: str, parameters: Mapping[str, Any], cluster: Resource) -> bool:
    """Whether the capacity providers of a step are Fargate's, or of its cluster."""
    named = [each["CapacityProvider"] for each in parameters.get("CapacityProviderStrategy", ())]
    own = [world.target(stack, each) for each in named if each not in ("FARGATE", "FARGATE_SPOT")]
    return all(each and world.target(each.stack, each.properties["ClusterName"]) == cluster for each in own)


def _tasks(world: World, named: str) -> Iterator[Resource]:
    return (
        each
        for each in world.of_type("AWS::ECS::TaskDefinition")
        if named in (each.name, world.text(each.stack, each.properties["Family"]))
    )


def _runs(world: World, role: Resource, task: Resource, cluster: Resource) -> bool:
    """Whether a role may run any revision of a task in its cluster, hand it its roles, stop it, and hear of its end."""
    family = world.text(task.stack, task.properties["Family"])
    definition, running = f"{_ECS}:task-definition/{family}:7", f"{_ECS}:task/{cluster.name}/id"
    clusters = ({"ecs:cluster": name} for name in (cluster.name, f"{_ECS}:cluster/{cluster.name}"))
    passed = [world.target(task.stack, task.properties[name]) for name in _ROLES]
    to_tasks = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    return (
        any(may(world, role, "ecs:RunTask", definition, given=each) for each in clusters)
        and all(each is not None and may(world, role, "iam:PassRole", each.name, given=to_tasks) for each in passed)
        and all(may(world, role, f"ecs:{each}", running) for each in ("DescribeTasks", "StopTask"))
        and all(may(world, role, f"events:{each}", _RULE) for each in ("PutTargets", "PutRule", "DescribeRule"))
    )
