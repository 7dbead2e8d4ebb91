"""The task of one slot: a container that can write only to /tmp, on Fargate or on a GPU instance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from slipway.config.deployment.environment import SLOT, VERSION
from slipway.config.heavy import HeavyConfig, Slot

PORT = 8080
USER = "10001:10001"
"""As in container/Dockerfile; set on the task too, so that no image can run as root."""

WRITABLE = "/tmp"  # noqa: S108 - the task's own volume
CONTAINER = "model"
ARCHITECTURES = {"x86_64": ecs.CpuArchitecture.X86_64, "arm64": ecs.CpuArchitecture.ARM64}


@dataclass(frozen=True)
class Roles:
    """The role of the code in a container, and the role that ECS starts it with."""

    task: iam.Role
    execution: iam.Role


@dataclass(frozen=True)
class Workload:
    """The workload that both slots of a model run."""

    settings: HeavyConfig
    image: ecs.ContainerImage
    environment: Mapping[str, str]
    roles: Roles
    logs: logs.ILogGroup


_LEAST_BETWEEN_RESTARTS = cdk.Duration.minutes(1)


def task_definition(
    scope: Construct, workload: Workload, *, slot: Slot, version: ssm.IStringParameter
) -> ecs.TaskDefinition:
    """The task definition ``Task`` with its only container; it grants nothing to the roles.

    A task reads ``version`` only when it starts.
    """
    settings = workload.settings
    definition = ecs.TaskDefinition(
        scope,
        "Task",
        compatibility=compatibility(settings),
        cpu=str(math.ceil(settings.cpu * 1024)),
        memory_mib=str(settings.memory_mb),
        network_mode=ecs.NetworkMode.AWS_VPC,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ARCHITECTURES[settings.architecture],
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
        ),
        # CDK would grant more than necessary; the model's construct grants what is needed.
        task_role=workload.roles.task.without_policy_updates(),
        execution_role=workload.roles.execution.without_policy_updates(),
        volumes=[ecs.Volume(name="tmp")],
    )
    container = definition.add_container(
        CONTAINER,
        image=workload.image,
        environment={SLOT: slot, **workload.environment},
        secrets={VERSION: ecs.Secret.from_ssm_parameter(version)},
        port_mappings=[ecs.PortMapping(container_port=PORT)],
        gpu_count=settings.gpus or None,
        readonly_root_filesystem=True,
        user=USER,
        stop_timeout=cdk.Duration.seconds(settings.stop_timeout_seconds),
        # A process that died starts again in its task, in seconds; a new task has to be placed and pull the image.
        enable_restart_policy=settings.compute == "fargate",
        restart_attempt_period=_LEAST_BETWEEN_RESTARTS if settings.compute == "fargate" else None,
        # If logging is slow or down, lines are lost instead of predictions being delayed.
        logging=ecs.LogDrivers.aws_logs(
            stream_prefix=slot,
            log_group=workload.logs,
            mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            max_buffer_size=cdk.Size.mebibytes(25),
        ),
    )
    container.add_mount_points(ecs.MountPoint(container_path=WRITABLE, source_volume="tmp", read_only=False))
    acknowledge(definition, {"AwsSolutions-ECS2": "The variables are names of tables and of the slot, not secrets."})
    return definition


def compatibility(settings: HeavyConfig) -> ecs.Compatibility:
    """What a task of these settings runs on."""
    return ecs.Compatibility.MANAGED_INSTANCES if settings.compute == "gpu" else ecs.Compatibility.FARGATE
