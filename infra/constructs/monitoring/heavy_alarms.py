"""The alarms of one heavy model."""

from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.basics.alarm import alarm
from infra.constructs.monitoring.heavy_metrics import HeavyMetrics
from slipway.config.heavy import SLOTS, Slot
from slipway.config.monitoring import AlarmsConfig
from slipway.monitoring.telemetry import metrics


class HeavyAlarms(Construct):
    """Four alarms per slot: it fails, it is slow, it refuses requests, or no task is ready.

    ``rollback`` has the alarms of each slot that roll back a deploy of new code to it.
    """

    def __init__(
        self, scope: Construct, id_: str, *, settings: AlarmsConfig, topic: sns.ITopic, model: str, of: HeavyMetrics
    ) -> None:
        super().__init__(scope, id_)
        self._settings = settings
        self._topic = topic
        self._model = model
        self.rollback = {slot: self._of_requests(slot, of) for slot in SLOTS}
        self.all = [each for slot in SLOTS for each in (*self.rollback[slot], *self._of_tasks(slot, of))]

    def _of_requests(self, slot: Slot, of: HeavyMetrics) -> list[cloudwatch.Alarm]:
        errors, slow = self._settings.error_percent, self._settings.p99_milliseconds
        failed = f"over {errors} % of requests failed because of a fault of the service"
        late = f"the p99 latency in the container is over {slow} ms"
        latency = of.slot(metrics.LATENCY, slot, "p99")
        return [
            self._alarm(slot, "Faults", failed, metric=of.fault_percent(slot), above=errors),
            self._alarm(slot, "Latency", late, metric=latency, above=slow),
        ]

    def _of_tasks(self, slot: Slot, of: HeavyMetrics) -> list[cloudwatch.Alarm]:
        most = self._settings.throttles_per_minute
        refused = f"over {most} requests a minute were refused because queues were full: raise max_tasks"
        rejected, ready = of.slot(metrics.REJECTED, slot), of.healthy_where_wanted(slot)
        return [
            self._alarm(slot, "Rejected", refused, metric=rejected, above=most),
            # Silence means that the controller does not run, which is the alarm `Stuck`.
            self._alarm(
                slot,
                "Healthy",
                "no task is ready, although some should be",
                metric=ready,
                below=1,
                silence_is_bad=False,
            ),
        ]

    def _alarm(self, slot: Slot, id_: str, what: str, **of: Any) -> cloudwatch.Alarm:
        description = f"{self._model}, {slot}: {what}"
        return alarm(self, f"{slot.capitalize()}{id_}", topic=self._topic, description=description, **of)
