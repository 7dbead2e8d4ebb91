"""Where the state machine starts a training task: on Fargate, or on an instance with a GPU."""

import jsii
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_stepfunctions_tasks as tasks

from infra.constructs.heavy.gpu_capacity import GpuCapacity


@jsii.implements(tasks.IEcsLaunchTarget)
class GpuTarget:
    """Managed Instances, which the CDK's own launch targets do not know: it takes them for EC2 without instances."""

    def __init__(self, capacity: GpuCapacity) -> None:
        self._provider = capacity.provider.capacity_provider_name

    def bind(
        self,
        task: tasks.EcsRunTask,  # noqa: ARG002 - as the CDK calls it
        *,
        task_definition: ecs.ITaskDefinition,  # noqa: ARG002
        cluster: ecs.ICluster | None = None,  # noqa: ARG002
    ) -> tasks.EcsLaunchTargetConfig:
        """The parameters of RunTask that say where."""
        strategy = [{"CapacityProvider": self._provider, "Weight": 1}]
        return tasks.EcsLaunchTargetConfig(parameters={"CapacityProviderStrategy": strategy})


def fargate(*, spot: bool) -> tasks.EcsFargateLaunchTarget:
    """Fargate, or its Spot capacity."""
    provider = "FARGATE_SPOT" if spot else "FARGATE"
    capacity = tasks.CapacityProviderOptions.custom(
        capacity_provider_strategy=[ecs.CapacityProviderStrategy(capacity_provider=provider, weight=1)]
    )
    return tasks.EcsFargateLaunchTarget(
        platform_version=ecs.FargatePlatformVersion.LATEST, capacity_provider_options=capacity
    )
