"""The training task of one model: what it runs, and the roles of its code and of its start."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.basics.starting import allow_start
from infra.constructs.basics.trust import service_of_account
from infra.constructs.heavy.task import USER, WRITABLE
from slipway.config.deployment.environment import LOG_LEVEL, MODEL, SERVICE_NAME
from slipway.config.monitoring import MonitoringConfig
from slipway.config.training import TrainingConfig

CONTAINER = "training"
# Spot gives two minutes from its signal on, and a task stores what it has in that time.
_STOP = cdk.Duration.minutes(2)
_DISK_GIB = 50


@dataclass(frozen=True)
class TaskImage:
    """The image of training tasks, and the repository to pull it from; None if nothing is pulled."""

    container: ecs.ContainerImage
    repository: ecr.IRepository | None = None


class TrainingTask(Construct):
    """A task definition with one container, on Fargate or an instance with GPUs; the stack grants it each action."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        model: str,
        training: TrainingConfig,
        image: TaskImage,
        group: logs.ILogGroup,
        environment: Mapping[str, str],
        monitoring: MonitoringConfig,
    ) -> None:
        super().__init__(scope, id_)
        principal = service_of_account(self, "ecs-tasks.amazonaws.com")
        self.role = iam.Role(self, "Role", assumed_by=principal)
        self.start_role = iam.Role(self, "StartRole", assumed_by=principal)
        allow_start(self.start_role, group=group, repository=image.repository)
        self.family = f"{project}-training-{model}"
        """By this name the state machine's rights name the task: they hold for later revisions, too."""
        self.definition = self._definition(training)
        self.container = self.definition.add_container(
            CONTAINER,
            image=image.container,
            command=["train"],
            environment={
                MODEL: model,
                **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), cdk.Stack.of(self).region),
                SERVICE_NAME: f"{project}-training",
                LOG_LEVEL: monitoring.log_level,
                **environment,
            },
            gpu_count=training.gpus or None,
            readonly_root_filesystem=True,
            user=USER,
            stop_timeout=_STOP,
            logging=ecs.LogDrivers.aws_logs(stream_prefix=model, log_group=group),
        )
        self.container.add_mount_points(ecs.MountPoint(container_path=WRITABLE, source_volume="tmp", read_only=False))
        reason = "The variables are names of tables and buckets, not secrets."
        acknowledge(self.definition, {"AwsSolutions-ECS2": reason})

    def _definition(self, training: TrainingConfig) -> ecs.TaskDefinition:
        on_gpus = training.compute == "gpu"
        return ecs.TaskDefinition(
            self,
            "Task",
            family=self.family,
            compatibility=ecs.Compatibility.MANAGED_INSTANCES if on_gpus else ecs.Compatibility.FARGATE,
            network_mode=ecs.NetworkMode.AWS_VPC,
            cpu=str(math.ceil(training.size.vcpus * 1024)),
            memory_mib=str(training.size.memory_mb),
            # An instance has a volume of its own.
            ephemeral_storage_gib=None if on_gpus else _DISK_GIB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            # CDK would grant more than necessary.
            task_role=self.role.without_policy_updates(),
            execution_role=self.start_role.without_policy_updates(),
            volumes=[ecs.Volume(name="tmp")],
        )

    def allow(
        self, actions: list[str], resource: str, *, conditions: Mapping[str, Mapping[str, list[str]]] | None = None
    ) -> None:
        """Allow the code ``actions`` on one resource, by its ARN."""
        statement = iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions)
        self.role.add_to_policy(statement)
