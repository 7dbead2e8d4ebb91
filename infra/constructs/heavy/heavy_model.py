"""One heavy model: its two slots, and the permissions of their tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge, exported_name
from infra.constructs.basics.log_group import log_group
from infra.constructs.basics.starting import allow_start
from infra.constructs.basics.table import of_partitions
from infra.constructs.basics.trust import service_of_account
from infra.constructs.heavy.gpu_capacity import GpuCapacity, GpuNeeds
from infra.constructs.heavy.slot import ClusterContext, SlotService
from infra.constructs.heavy.task import Roles, Workload
from slipway.config.deployment.environment import (
    LOG_LEVEL,
    MODEL,
    SERVICE_NAME,
    TRACES_ENDPOINT,
    TRACES_SAMPLER,
    TRACES_SERVICE,
    TRACES_SHARE,
)
from slipway.config.heavy import SLOTS, HeavyConfig, Slot, slot_parameter
from slipway.config.monitoring import MonitoringConfig
from slipway.models.registry.versions import model_prefix

_TRACED_SHARE = "0.05"
"""As X-Ray samples calls of a function by default, beyond the first of each second."""


@dataclass(frozen=True)
class Image:
    """The image that tasks run, and the repository to pull it from; None if nothing is pulled."""

    container: ecs.ContainerImage
    repository: ecr.IRepository | None = None


class HeavyModel(Construct):
    """A model's slots. The stack grants its code each action individually."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        name: str,
        settings: HeavyConfig,
        surroundings: ClusterContext,
        image: Image,
        environment: Mapping[str, str],
        monitoring: MonitoringConfig,
    ) -> None:
        super().__init__(scope, id_)
        self.name = name
        self.settings = settings
        self.logs = log_group(self, "Logs", retention_days=monitoring.log_retention_days)
        principal = service_of_account(self, "ecs-tasks.amazonaws.com")
        self.roles = Roles(
            task=iam.Role(self, "Role", assumed_by=principal),
            execution=iam.Role(self, "StartRole", assumed_by=principal),
        )
        workload = Workload(
            settings=settings,
            image=image.container,
            # Fargate says the region to a container; an instance's agent does not promise to. boto3 reads the second.
            environment={
                MODEL: name,
                **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), cdk.Stack.of(self).region),
                SERVICE_NAME: f"{project}-{name}",
                LOG_LEVEL: monitoring.log_level,
                **(self._trace(f"{project}-{name}") if monitoring.tracing else {}),
                **environment,
            },
            roles=self.roles,
            logs=self.logs,
        )
        versions = {slot: self._version(project, slot) for slot in SLOTS}
        allow_start(self.roles.execution, group=self.logs, repository=image.repository)
        arns = [version.parameter_arn for version in versions.values()]
        self.roles.execution.add_to_policy(iam.PolicyStatement(actions=["ssm:GetParameters"], resources=arns))
        self.capacity = capacity = self._capacity(surroundings)
        self.slots = {
            slot: SlotService(
                self, slot, workload=workload, surroundings=surroundings, capacity=capacity, version=versions[slot]
            )
            for slot in SLOTS
        }

    def _trace(self, service: str) -> dict[str, str]:
        """Let the code send traces to X-Ray, and return the variables that tell it to."""
        allowed = iam.PolicyStatement(actions=["xray:PutTraceSegments"], resources=["*"])
        self.roles.task.add_to_policy(allowed)
        reason = "X-Ray has no resources that a right could name."
        acknowledge(self.roles.task, {"AwsSolutions-IAM5[Resource::*]": reason})
        stack = cdk.Stack.of(self)
        return {
            TRACES_ENDPOINT: f"https://xray.{stack.region}.{stack.url_suffix}/v1/traces",
            TRACES_SERVICE: service,
            TRACES_SAMPLER: "parentbased_traceidratio",
            TRACES_SHARE: _TRACED_SHARE,
        }

    def allow_on_table(
        self, table: dynamodb.ITable, *actions: str, partitions: str | Sequence[str] | None = None
    ) -> None:
        """Allow the code DynamoDB actions on a table, or only on items whose partition key matches ``partitions``."""
        conditions = of_partitions(partitions) if partitions else None
        names = [f"dynamodb:{action}" for action in actions]
        self.roles.task.add_to_policy(
            iam.PolicyStatement(actions=names, resources=[table.table_arn], conditions=conditions)
        )

    def allow_registry(self, control: dynamodb.ITable, bucket: s3.IBucket) -> None:
        """Allow the code to read the versions and the release of this model only."""
        self.allow_on_table(control, "BatchGetItem", "Query", partitions=f"model#{self.name}")
        objects = f"{model_prefix(self.name)}*"
        resource = bucket.arn_for_objects(objects)
        self.roles.task.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[resource]))
        exported = exported_name(bucket, bucket.bucket_arn)
        reason = "The versions of one model, whose numbers are not known at deploy time."
        acknowledge(self.roles.task, {f"AwsSolutions-IAM5[Resource::{exported}/{objects}]": reason})

    def _version(self, project: str, slot: Slot) -> ssm.IStringParameter:
        name = slot_parameter(project, self.name, slot, "version")
        return ssm.StringParameter.from_string_parameter_attributes(
            self, f"{slot.capitalize()}Version", parameter_name=name, simple_name=False
        )

    def _capacity(self, surroundings: ClusterContext) -> GpuCapacity | None:
        if self.settings.compute != "gpu":
            return None
        settings, network = self.settings, surroundings.network
        return GpuCapacity(
            self,
            "Gpus",
            needs=GpuNeeds(settings.cpu, settings.memory_mb, settings.gpus, settings.instance_types),
            subnets=network.vpc.select_subnets(subnet_type=network.subnets.subnet_type).subnets,
            group=network.tasks,
            cluster=surroundings.cluster,
        )
