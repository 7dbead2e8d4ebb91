"""The metrics of one heavy model: those of its containers, and AWS's own on its slots."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb

from infra.constructs.heavy.heavy_model import HeavyModel
from infra.constructs.monitoring.metrics import AVERAGE, MAXIMUM, MINUTE, SUM, ServiceMetrics
from slipway.config.heavy import SLOTS, Slot
from slipway.monitoring.telemetry import metrics

MINIMUM = cloudwatch.Stats.MINIMUM


class HeavyMetrics:
    """The metrics of one model, by slot."""

    def __init__(
        self, project: str, model: HeavyModel, cluster: ecs.Cluster, balancer: elb.ApplicationLoadBalancer
    ) -> None:
        self._service = ServiceMetrics(project)
        self._model = model
        self._cluster = cluster
        self._balancer = balancer

    def slot(self, name: str, slot: Slot, statistic: str = SUM, *, label: str | None = None) -> cloudwatch.Metric:
        """A metric of one slot that its containers write."""
        return self._service.metric(name, statistic, label=label or slot, Model=self._model.name, Slot=slot)

    def slots(self, name: str, *statistics: str, word: str = "") -> list[cloudwatch.IMetric]:
        """A metric of both slots, in one or more statistics."""
        several = len(statistics) > 1
        return [
            self.slot(name, slot, statistic, label=" ".join(filter(None, (slot, word, statistic if several else ""))))
            for slot in SLOTS
            for statistic in statistics or (SUM,)
        ]

    def versions(self, name: str, *statistics: str, word: str = "") -> list[cloudwatch.IMetric]:
        """A metric of every version that has one, in one or more statistics."""
        several = len(statistics) > 1
        return [
            self._service.each(name, each, model=self._model.name, word=f"{word} {each if several else ''}".strip())
            for each in statistics or (SUM,)
        ]

    def fault_percent(self, slot: Slot) -> cloudwatch.MathExpression:
        """The percentage of a slot's requests with a fault of the service; no data without requests."""
        return self._service.fault_percent(of=slot, Model=self._model.name, Slot=slot)

    def healthy_hosts(self, slot: Slot) -> cloudwatch.Metric:
        """The ready tasks of a slot, by the load balancer's health checks."""
        target_group = self._model.slots[slot].target_group
        return target_group.metrics.healthy_host_count(statistic=MINIMUM, period=MINUTE, label=slot)

    def healthy_where_wanted(self, slot: Slot) -> cloudwatch.MathExpression:
        """The ready tasks of a slot, or 1 if it should have none, as after a release.

        The controller counts the wanted tasks, because Container Insights reports nothing on a service without tasks.
        """
        return cloudwatch.MathExpression(
            expression="IF(FILL(wanted, REPEAT) > 0, FILL(healthy, 0), 1)",
            using_metrics={
                "wanted": self.slot(metrics.WANTED_TASKS, slot, MAXIMUM),
                "healthy": self.healthy_hosts(slot),
            },
            period=MINUTE,
            label=f"{slot} healthy, where any are wanted",
        )

    def refused(self) -> cloudwatch.Metric:
        """The 5xx answers that the load balancer gave itself, to requests of any model."""
        code, label = elb.HttpCodeElb.ELB_5XX_COUNT, "load balancer 5xx"
        return self._balancer.metrics.http_code_elb(code, statistic=SUM, period=MINUTE, label=label)

    def use(self, name: str) -> list[cloudwatch.IMetric]:
        """`CPUUtilization` or `MemoryUtilization` of both slots, in % of their tasks' size."""
        return [self._of_service("AWS/ECS", name, slot, AVERAGE) for slot in SLOTS]

    def tasks(self, name: str, word: str) -> list[cloudwatch.IMetric]:
        """`RunningTaskCount` or `DesiredTaskCount` of both slots, by Container Insights."""
        return [self._of_service("ECS/ContainerInsights", name, slot, MAXIMUM, word) for slot in SLOTS]

    def _of_service(self, namespace: str, name: str, slot: Slot, statistic: str, word: str = "") -> cloudwatch.Metric:
        service = self._model.slots[slot].service
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=name,
            dimensions_map={"ClusterName": self._cluster.cluster_name, "ServiceName": service.service_name},
            statistic=statistic,
            period=MINUTE,
            label=f"{slot} {word}".strip(),
        )
