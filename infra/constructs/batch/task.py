"""The task that scores a shard with a heavy model: in the image of its slots and Arrow, with a command of its own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.basics.log_group import log_group
from infra.constructs.basics.starting import allow_start
from infra.constructs.basics.trust import service_of_account
from infra.constructs.heavy.network import Network
from infra.constructs.heavy.task import ARCHITECTURES, CONTAINER, USER, WRITABLE, compatibility
from slipway.config.deployment.environment import LOG_LEVEL, SERVICE_NAME
from slipway.config.heavy import HeavyConfig
from slipway.config.monitoring import MonitoringConfig


@dataclass(frozen=True)
class HeavyTier:
    """What a heavy model's tasks run in; ``provider`` is the capacity of its GPUs, or None on Fargate."""

    settings: HeavyConfig
    image: ecs.ContainerImage
    repository: ecr.IRepository | None
    cluster: ecs.ICluster
    network: Network
    provider: str | None


class BatchTask(Construct):
    """The task definition, its log group and its roles, of which the stack grants the code what it may do."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        model: str,
        tier: HeavyTier,
        monitoring: MonitoringConfig,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id_)
        self.tier = tier
        self.logs = log_group(self, "Logs", retention_days=monitoring.log_retention_days)
        principal = service_of_account(self, "ecs-tasks.amazonaws.com")
        self.role = iam.Role(self, "Role", assumed_by=principal)
        self.start_role = iam.Role(self, "StartRole", assumed_by=principal)
        self.definition = self._definition()
        region = cdk.Stack.of(self).region
        self.container = self.definition.add_container(
            CONTAINER,
            image=tier.image,
            command=["batch"],
            environment={
                **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), region),
                SERVICE_NAME: f"{project}-{model}-batch",
                LOG_LEVEL: monitoring.log_level,
                **environment,
            },
            gpu_count=tier.settings.gpus or None,
            readonly_root_filesystem=True,
            user=USER,
            logging=ecs.LogDrivers.aws_logs(stream_prefix="batch", log_group=self.logs),
        )
        self.container.add_mount_points(ecs.MountPoint(container_path=WRITABLE, source_volume="tmp", read_only=False))
        allow_start(self.start_role, group=self.logs, repository=tier.repository)
        acknowledge(
            self.definition, {"AwsSolutions-ECS2": "The variables are names of tables and buckets, not secrets."}
        )

    def _definition(self) -> ecs.TaskDefinition:
        settings = self.tier.settings
        return ecs.TaskDefinition(
            self,
            "Task",
            compatibility=compatibility(settings),
            cpu=str(math.ceil(settings.cpu * 1024)),
            memory_mib=str(settings.memory_mb),
            network_mode=ecs.NetworkMode.AWS_VPC,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ARCHITECTURES[settings.architecture],
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
            # CDK would grant more than necessary.
            task_role=self.role.without_policy_updates(),
            execution_role=self.start_role.without_policy_updates(),
            volumes=[ecs.Volume(name="tmp")],
        )
