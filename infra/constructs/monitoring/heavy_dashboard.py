"""The dashboard of one heavy model: requests, latency, errors, batching and tasks."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.monitoring.dashboard import graph
from infra.constructs.monitoring.heavy_metrics import HeavyMetrics
from infra.constructs.monitoring.metrics import AVERAGE
from slipway.config.heavy import SLOTS
from slipway.config.monitoring import AlarmsConfig
from slipway.monitoring.telemetry import metrics

_QUARTER, _THIRD = 6, 8


class HeavyDashboard(Construct):
    """Requests, latency and errors by slot and by version; then queue and batches; then tasks and their resources.

    It covers one model, to stay within the 50 metrics of a free dashboard.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        of: HeavyMetrics,
        settings: AlarmsConfig,
        gpus: bool,
        alarms: Sequence[cloudwatch.Alarm],
    ) -> None:
        super().__init__(scope, id_)
        self._of = of
        dashboard = cloudwatch.Dashboard(self, "Dashboard", period_override=cloudwatch.PeriodOverride.AUTO)
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", width=24, height=3, alarms=list(alarms)))
        dashboard.add_widgets(*self._by_slot(settings))
        dashboard.add_widgets(*self._by_version())
        dashboard.add_widgets(*self._queue())
        dashboard.add_widgets(*self._tasks(gpus=gpus))
        dashboard.add_widgets(graph("Failures that no task counted", [of.refused()], 24))

    def _by_slot(self, settings: AlarmsConfig) -> list[cloudwatch.IWidget]:
        of = self._of
        limit = cloudwatch.HorizontalAnnotation(value=settings.p99_milliseconds, label="alarm at p99")
        failures = [*of.slots(metrics.ERRORS, word="errors"), *of.slots(metrics.FAULTS, word="faults")]
        return [
            graph("Requests by slot", of.slots(metrics.REQUESTS), _THIRD),
            graph("Latency by slot, ms", of.slots(metrics.LATENCY, "p50", "p99"), _THIRD, limit=limit),
            graph("Errors by slot", failures, _THIRD),
        ]

    def _by_version(self) -> list[cloudwatch.IWidget]:
        of = self._of
        failures = [*of.versions(metrics.ERRORS, word="errors"), *of.versions(metrics.FAULTS, word="faults")]
        return [
            graph("Requests by version", of.versions(metrics.REQUESTS), _THIRD),
            graph("Latency by version, ms", of.versions(metrics.LATENCY, "p50", "p99"), _THIRD),
            graph("Errors by version", failures, _THIRD),
        ]

    def _queue(self) -> list[cloudwatch.IWidget]:
        of = self._of
        refused = [*of.slots(metrics.REJECTED, word="rejected"), *of.slots(metrics.EXPIRED, word="expired")]
        return [
            graph("Time in the queue, ms", of.slots(metrics.QUEUE_TIME, "p50", "p99"), _QUARTER),
            graph("Records in a batch", of.slots(metrics.BATCH_SIZE, AVERAGE), _QUARTER),
            graph("Padding, share of a batch", of.slots(metrics.PADDING_SHARE, AVERAGE), _QUARTER),
            graph("Rejected and expired", refused, _QUARTER),
        ]

    def _tasks(self, *, gpus: bool) -> list[cloudwatch.IWidget]:
        of = self._of
        width = 24 // (5 if gpus else 4)
        counts = [*of.tasks("RunningTaskCount", "running"), *of.tasks("DesiredTaskCount", "desired")]
        graphs = [
            graph("Healthy hosts", [of.healthy_hosts(slot) for slot in SLOTS], width),
            graph("Tasks", counts, width),
            graph("CPU, %", of.use("CPUUtilization"), width),
            graph("Memory, %", of.use("MemoryUtilization"), width),
        ]
        if gpus:
            graphs.append(graph("GPU, %", of.slots(metrics.GPU_UTILIZATION, AVERAGE), width))
        return graphs
