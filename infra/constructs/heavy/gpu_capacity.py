"""GPU instances for the tasks of one model, which ECS starts, patches and stops by itself."""

import math
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge
from infra.constructs.heavy.network import Network
from slipway.config.heavy import HeavyConfig

_INSTANCE_ROLE = "ecsInstanceRole"
"""How the name of the instances' role must begin, or AWS's policy does not let ECS pass it to an instance."""

_INFRASTRUCTURE_POLICY = "arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances"
_INSTANCES = "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/*"


class GpuCapacity(Construct):
    """A capacity provider of ECS Managed Instances whose instances have as many GPUs as one task needs."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: HeavyConfig, network: Network, cluster: ecs.Cluster
    ) -> None:
        super().__init__(scope, id_)
        self.provider = ecs.ManagedInstancesCapacityProvider(
            self,
            "Provider",
            subnets=network.vpc.select_subnets(subnet_type=network.subnets.subnet_type).subnets,
            security_groups=[network.tasks],
            instance_requirements=ec2.InstanceRequirementsConfig(
                v_cpu_count_min=math.ceil(settings.cpu),
                memory_min=cdk.Size.mebibytes(settings.memory_mb),
                accelerator_types=[ec2.AcceleratorType.GPU],
                accelerator_manufacturers=[ec2.AcceleratorManufacturer.NVIDIA],
                accelerator_count_min=settings.gpus,
                accelerator_count_max=settings.gpus,
                allowed_instance_types=list(settings.instance_types),
            ),
        )
        self._name_instance_role()
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
