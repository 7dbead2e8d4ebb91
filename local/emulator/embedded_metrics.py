"""Extract metrics from log lines in CloudWatch's embedded metric format, as AWS does.

MiniStack only stores such lines. `install` wraps the one function that receives the logs of both functions and tasks.
`slipway.monitoring.telemetry.metrics` names the specification of the format.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs
from pydantic import BaseModel, Field

_MS_PER_SECOND = 1000
# Most lines have no metrics, which this check finds without parsing them.
_MARK = '"CloudWatchMetrics"'


@dataclass(frozen=True, slots=True)
class Datum:
    """Values of one metric under one set of dimensions."""

    namespace: str
    name: str
    unit: str
    dimensions: Mapping[str, str]
    values: Sequence[float]
    timestamp_ms: int


class _Metric(BaseModel):
    name: str = Field(alias="Name")
    unit: str = Field(alias="Unit", default="None")


class _Directive(BaseModel):
    namespace: str = Field(alias="Namespace")
    dimensions: list[list[str]] = Field(alias="Dimensions")
    metrics: list[_Metric] = Field(alias="Metrics")


class _Metadata(BaseModel):
    timestamp_ms: int = Field(alias="Timestamp")
    directives: list[_Directive] = Field(alias="CloudWatchMetrics")


class _Line(BaseModel):
    metadata: _Metadata = Field(alias="_aws")


def install() -> None:
    """Make this process's MiniStack extract metrics from every log line."""
    store = cloudwatch_logs._append_log_events

    def store_and_record(stream: dict[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        store(stream, events)
        _record(datum for event in events for datum in parse(event["message"]))

    cloudwatch_logs._append_log_events = store_and_record


def parse(message: str) -> Iterator[Datum]:
    """Yield the data of one log line; none if it is not in the format."""
    if _MARK not in message:
        return
    try:
        line = json.loads(message)
        metadata = _Line.model_validate(line).metadata
    except ValueError:
        return
    for directive in metadata.directives:
        for metric in directive.metrics:
            values = _values(line.get(metric.name))
            for names in directive.dimensions if values else ():
                dimensions = {name: str(line[name]) for name in names if name in line}
                yield Datum(directive.namespace, metric.name, metric.unit, dimensions, values, metadata.timestamp_ms)


def _values(found: Any) -> list[float]:
    """A metric's values, given as a number or a list of numbers."""
    return [float(each) for each in (found if isinstance(found, list) else [found]) if _is_number(each)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _record(data: Iterable[Datum]) -> None:
    for datum in data:
        cloudwatch._store_datum(
            datum.namespace,
            datum.name,
            dict(datum.dimensions),
            datum.timestamp_ms / _MS_PER_SECOND,
            datum.unit,
            None,
            datum.values,
            None,
            None,
        )
