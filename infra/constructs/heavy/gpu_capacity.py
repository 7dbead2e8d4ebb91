"""GPU instances for the tasks of one model, which ECS starts, patches and stops by itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge

_INSTANCE_ROLE = "ecsInstanceRole"
"""How the name of the instances' role must begin, or AWS's policy does not let ECS pass it to an instance."""

_INFRASTRUCTURE_POLICY = "arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances"
_INSTANCES = "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/*"


@dataclass(frozen=True)
class GpuNeeds:
    """The needs of one task; ``instance_types`` are patterns of the types that it may run on."""

    vcpus: float
    memory_mb: int
    gpus: int
    instance_types: Sequence[str]


class GpuCapacity(Construct):
    """A capacity provider of ECS Managed Instances whose instances have as many GPUs as one task needs.

    There is an instance only while a task needs one, and for ``idle_seconds`` more; by default ECS decides how long.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        needs: GpuNeeds,
        subnets: Sequence[ec2.ISubnet],
        group: ec2.ISecurityGroup,
        cluster: ecs.Cluster,
        spot: bool = False,
        idle_seconds: int | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.provider = ecs.ManagedInstancesCapacityProvider(
            self,
            "Provider",
            subnets=subnets,
            security_groups=[group],
            capacity_option_type=ecs.CapacityOptionType.SPOT if spot else None,
            instance_requirements=ec2.InstanceRequirementsConfig(
                v_cpu_count_min=math.ceil(needs.vcpus),
                memory_min=cdk.Size.mebibytes(needs.memory_mb),
                accelerator_types=[ec2.AcceleratorType.GPU],
                accelerator_manufacturers=[ec2.AcceleratorManufacturer.NVIDIA],
                accelerator_count_min=needs.gpus,
                accelerator_count_max=needs.gpus,
                allowed_instance_types=list(needs.instance_types),
            ),
        )
        self._name_instance_role()
        if idle_seconds is not None:
            self._end_idle_after(idle_seconds)
        cluster.add_managed_instances_capacity_provider(self.provider)
        managed = "AWS keeps this policy up to date with what ECS calls to run instances; only ECS can assume the role."
        agent = "ECS's agent registers under an id that it is assigned, and asks where to register before it has one."
        findings = {f"AwsSolutions-IAM4[Policy::{_INFRASTRUCTURE_POLICY}]": managed}
        for resource in ("*", _INSTANCES):
            findings[f"AwsSolutions-IAM5[Resource::{resource}]"] = agent
        acknowledge(self.provider, findings)

    def _name_instance_role(self) -> None:
        """Give the role, whose name is of the whole account, a name that the same stack elsewhere does not have."""
        stack = cdk.Stack.of(self)
        name = f"{_INSTANCE_ROLE}-{stack.stack_name[:20]}-{self.node.addr[-8:]}-{stack.region}"
        children = self.provider.node
        cast("iam.CfnRole", children.find_child("InstanceRole").node.default_child).role_name = name
        profile = children.find_child("InstanceProfile").node.default_child
        cast("iam.CfnInstanceProfile", profile).instance_profile_name = name

    def _end_idle_after(self, seconds: int) -> None:
        made = cast("ecs.CfnCapacityProvider", self.provider.node.find_child("Provider"))
        made.add_property_override("ManagedInstancesProvider.InfrastructureOptimization.ScaleInAfter", seconds)
