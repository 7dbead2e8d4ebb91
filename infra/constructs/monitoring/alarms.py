"""The alarms of the light tier and their topic."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.basics.alarm import alarm
from infra.constructs.basics.topic import topic
from infra.constructs.light.function import Function
from infra.constructs.monitoring.metrics import ServiceMetrics, live_metric, new_version_failures
from slipway.config.monitoring import AlarmsConfig
from slipway.monitoring.telemetry import metrics


class Alarms(Construct):
    """Alarms on metrics of the service and of Lambda; missing data counts as not breaching.

    ``service`` has the alarms that any function can set off, ``of`` those of each function: errors and throttles, and
    ``rollback`` those that end a deploy of it. They look at the new version alone, for the old one's failures are no
    reason to keep it. Where traffic ``shifts`` at once there are none, since it is over before an alarm could go off.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: AlarmsConfig,
        service_metrics: ServiceMetrics,
        functions: Sequence[Function],
        shifts: bool,
    ) -> None:
        super().__init__(scope, id_)
        self.topic = topic(self, email=settings.email, key_arn=settings.key_arn, alarms=True)
        self.service = self._service_alarms(settings, service_metrics)
        # No reason to roll a deploy back: the alarm would also stop the deploy that mends it.
        self.not_loaded = self._alarm(
            "NotLoaded",
            service_metrics.metric(metrics.NOT_LOADED),
            0,
            "A deployed version of a light model cannot be loaded; GET /v1/models says which and why",
        )
        self.golden = self._golden(service_metrics) if settings.findings else []
        self.of: Mapping[str, list[cloudwatch.Alarm]] = {
            function.name: self._function_alarms(settings, function) for function in functions
        }
        self.rollback: Mapping[str, list[cloudwatch.Alarm]] = {
            function.name: self._rollback_alarms(settings, service_metrics, function) if shifts else []
            for function in functions
        }

    @property
    def all(self) -> list[cloudwatch.Alarm]:
        each = (alarm for alarms in (*self.of.values(), *self.rollback.values()) for alarm in alarms)
        return [*self.service, self.not_loaded, *self.golden, *each]

    def _golden(self, service: ServiceMetrics) -> list[cloudwatch.Alarm]:
        """A process says so once, when it loads the version."""
        description = "A version does not give the answers of its golden records; it gets no traffic where it failed"
        metric = service.metric(metrics.GOLDEN_FAILURES)
        return [alarm(self, "Golden", topic=self.topic, metric=metric, description=description, above=0, once=True)]

    def _rollback_alarms(
        self, settings: AlarmsConfig, service: ServiceMetrics, function: Function
    ) -> list[cloudwatch.Alarm]:
        name, version = function.name, function.alias.version.version
        failing = self._alarm(
            f"{name.capitalize()}NewFailing",
            new_version_failures(service, function),
            settings.error_percent,
            f"The version of {name} being deployed crashed, or over {settings.error_percent} % of its calls failed",
        )
        slow = self._alarm(
            f"{name.capitalize()}NewSlow",
            live_metric(function, "Duration", "p99", version=version),
            settings.p99_milliseconds,
            f"The p99 duration of the version of {name} being deployed is over {settings.p99_milliseconds} ms",
        )
        return [failing, slow]

    def _service_alarms(self, settings: AlarmsConfig, service: ServiceMetrics) -> list[cloudwatch.Alarm]:
        faults = self._alarm(
            "Faults",
            service.fault_percent(),
            settings.error_percent,
            f"Over {settings.error_percent} % of requests failed because of a fault of the service",
        )
        latency = self._alarm(
            "Latency",
            service.metric(metrics.LATENCY, "p99"),
            settings.p99_milliseconds,
            f"The p99 latency in the service is over {settings.p99_milliseconds} ms",
        )
        return [faults, latency]

    def _function_alarms(self, settings: AlarmsConfig, function: Function) -> list[cloudwatch.Alarm]:
        name = function.name
        errors = self._alarm(
            f"{name.capitalize()}Errors", live_metric(function, "Errors"), 0, f"{name} crashed or timed out"
        )
        throttles = self._alarm(
            f"{name.capitalize()}Throttles",
            live_metric(function, "Throttles"),
            settings.throttles_per_minute,
            f"Lambda throttled over {settings.throttles_per_minute} calls of {name} a minute: raise its concurrency",
        )
        return [errors, throttles]

    def _alarm(self, id_: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> cloudwatch.Alarm:
        return alarm(self, id_, topic=self.topic, metric=metric, above=threshold, description=description)
