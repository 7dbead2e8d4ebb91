"""One slot of a heavy model: its service, its target group, and its scaling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.heavy.balancer import Balancer
from infra.constructs.heavy.gpu_capacity import GpuCapacity
from infra.constructs.heavy.network import Network
from infra.constructs.heavy.task import CONTAINER, PORT, Workload, task_definition
from slipway.config.heavy import Slot

READY = "/v2/health/ready"
_MINUTE = cdk.Duration.minutes(1)


@dataclass(frozen=True)
class ClusterContext:
    """What the slots of all models share."""

    network: Network
    cluster: ecs.Cluster
    balancer: Balancer


class SlotService(Construct):
    """A service with rolling deployments, rolled back if new tasks do not become ready."""

    def __init__(
        self,
        scope: Construct,
        slot: Slot,
        *,
        workload: Workload,
        surroundings: ClusterContext,
        capacity: GpuCapacity | None,
        version: ssm.IStringParameter,
    ) -> None:
        super().__init__(scope, slot.capitalize())
        self.slot = slot
        self._settings = workload.settings
        self.target_group = self._target_group(surroundings)
        definition = task_definition(self, workload, slot=slot, version=version)
        self.service = self._service(definition, surroundings, capacity)
        # Tasks fail to start before their permissions exist.
        self.service.node.add_dependency(workload.roles.task, workload.roles.execution)

    def _target_group(self, surroundings: ClusterContext) -> elb.ApplicationTargetGroup:
        return elb.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=surroundings.network.vpc,
            port=PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            # No new requests arrive once draining begins, so this is the longest that an accepted one may take.
            deregistration_delay=cdk.Duration.seconds(self._settings.stop_timeout_seconds),
            health_check=elb.HealthCheck(
                path=READY,
                healthy_http_codes="200",
                interval=cdk.Duration.seconds(10),
                timeout=cdk.Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )

    def _service(
        self, definition: ecs.TaskDefinition, surroundings: ClusterContext, capacity: GpuCapacity | None
    ) -> ecs.FargateService:
        strategies = (
            [ecs.CapacityProviderStrategy(capacity_provider=capacity.provider.capacity_provider_name, weight=1)]
            if capacity
            else None
        )
        service = ecs.FargateService(
            self,
            "Service",
            cluster=surroundings.cluster,
            task_definition=definition,
            capacity_provider_strategies=strategies,
            vpc_subnets=surroundings.network.subnets,
            security_groups=[surroundings.network.tasks],
            assign_public_ip=False,
            # No desired count, so that a deploy does not change what the scaling has set.
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            health_check_grace_period=cdk.Duration.seconds(self._settings.start_seconds),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.target_group.add_target(service.load_balancer_target(container_name=CONTAINER, container_port=PORT))
        return service

    def roll_back_on(self, alarms: Sequence[cloudwatch.Alarm], *, ignore: bool) -> None:
        """Roll a deploy of new code back if an alarm goes off; with ``ignore``, keep the alarms but do not ask them."""
        names = [alarm.alarm_name for alarm in alarms]
        self.service.enable_deployment_alarms(names, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
        if ignore:
            service = cast("ecs.CfnService", self.service.node.find_child("Service"))
            service.add_property_override("DeploymentConfiguration.Alarms.Enable", value=False)

    def scale(self) -> None:
        """Scale the number of tasks with the traffic; a rule must lead to the target group."""
        scaling = self.service.auto_scale_task_count(
            min_capacity=self._settings.min_tasks, max_capacity=self._settings.max_tasks
        )
        cooldown = {"scale_out_cooldown": _MINUTE, "scale_in_cooldown": cdk.Duration.minutes(5)}
        scaling.scale_on_cpu_utilization(
            "Cpu", target_utilization_percent=self._settings.target_cpu_percent, **cooldown
        )
        scaling.scale_on_request_count(
            "Requests",
            requests_per_target=self._settings.target_requests_per_task,
            target_group=self.target_group,
            **cooldown,
        )
