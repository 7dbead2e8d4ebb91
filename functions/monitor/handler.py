"""The function `monitor`: brings the profiles up to date and gives the periods that have closed to the steps."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.monitor.settings import Settings
from functions.monitor.steps import labels_of, steps_of, sums_of
from slipway.aws.topic import Topic
from slipway.config import Config, load_config
from slipway.errors import UnavailableError
from slipway.models.measurements.measured import MeasuredVersions
from slipway.models.registry.opening import aws_registry, downloads_folder
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.event_bus import EventBus
from slipway.monitoring.lease import Lease
from slipway.monitoring.monitor import Monitor
from slipway.monitoring.notices import notice
from slipway.monitoring.report import Found, Told, finding_lines, model_lines
from slipway.monitoring.schedule import Schedule
from slipway.monitoring.telemetry.instrumentation import Handler, instrument
from slipway.monitoring.telemetry.requests import write_to_stdout
from slipway.releases.routing.serving_table import DynamoServingStore

# The part of a call's time limit that is kept for writing what was counted.
_RESERVE_SECONDS = 60.0


def make_handler(settings: Settings) -> Handler[dict[str, Any]]:
    """Create the handler of scheduled events. It fails if any model or step did, and the next run does what is left."""
    config = load_config(settings.root / "slipway.yaml")
    bucket = CaptureBucket(settings.captures)
    monitor = _monitor(settings, config, bucket)

    @event_source(data_class=EventBridgeEvent)
    def handle(event: EventBridgeEvent, context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        now = datetime.now(UTC)
        with Lease(bucket).held(now, now + timedelta(milliseconds=context.get_remaining_time_in_millis())) as is_held:
            if not is_held:
                return {"profiles": 0, "found": 0, "skipped": True}
            report = monitor.run(now, lambda: context.get_remaining_time_in_millis() / 1000 > _RESERVE_SECONDS)
        for model in report.models:
            write_to_stdout("".join(model_lines(config.project, model, now)))
        if report.problems:
            # The alarm watches for failed calls. The other models and steps have been done regardless.
            raise UnavailableError("part of the monitor", "; ".join(report.problems))
        return {"profiles": len(report.profiles), "found": len(report.found), "skipped": False}

    return instrument(handle, service="monitor", correlation_id_path=correlation_paths.EVENT_BRIDGE)


def _monitor(settings: Settings, config: Config, bucket: CaptureBucket) -> Monitor:
    aws = {"region_name": settings.region}
    bus, topic = EventBus(config.project, aws), Topic(settings.topic, aws)
    releases = DynamoServingStore(settings.control_table)
    registry = aws_registry(settings.control_table, settings.models)

    def tell(told: Sequence[Told]) -> None:
        write_to_stdout("".join(finding_lines(config.project, told, datetime.now(UTC))))
        events = [event for each in told if isinstance(each, Found) for event in each.findings.events]
        bus.put(events)
        for each in (notice(config.project, event) for event in events if event.is_new):
            topic.publish(each.subject, each.text)

    def live(model: str) -> set[int]:
        serving = releases.serving([model]).get(model)
        if serving is None:
            return {config.models[model].stable}
        return {serving.release.stable, *(each.version for each in serving.release.candidates if each.share > 0)}

    labels = labels_of(settings)
    return Monitor(
        _schedule(config),
        bucket,
        packages=MeasuredVersions(config, settings.root, registry, cache=downloads_folder()).package,
        tell=tell,
        live=live,
        steps=steps_of(settings, config, bucket, labels),
        sums=sums_of(config),
        labelled=labels,
    )


def _schedule(config: Config) -> Schedule:
    given = config.monitoring
    return Schedule(
        sorted(config.captured_models),
        given.period_minutes,
        given.late_hours,
        given.capture_retention_days,
        given.settle,
    )


handler = make_handler(Settings.of(os.environ))
