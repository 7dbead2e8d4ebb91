"""What a run of the monitor did: counts by model, closed periods, and what steps found in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import Event, Findings
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import metric_line


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found in one period of a version."""

    model: str
    version: int
    step: str
    start: datetime
    findings: Findings


@dataclass(frozen=True, slots=True)
class ClosedPeriods:
    """The closed periods of a version that no run has told of: its captures, and the periods in which it had none.

    ``empty`` is 0 where no version of the model had any, since a model that nobody calls is in order.
    """

    model: str
    version: int
    records: int
    empty: int


@dataclass(slots=True)
class ModelReport:
    """What was done of one model.

    ``waiting`` counts closed periods whose profiles could not be finished, ``late`` captures that came after their
    period had closed, ``broken`` lines that are no captures, and ``unknown`` captures of versions that cannot be used.
    """

    model: str
    profiles: list[Profile] = field(default_factory=list)
    waiting: int = 0
    late: int = 0
    broken: int = 0
    unknown: int = 0


@dataclass(slots=True)
class Report:
    """What a run did. ``problems`` are of models and steps that failed; the others went on."""

    models: list[ModelReport] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that were made."""
        return [profile for model in self.models for profile in model.profiles]

    @property
    def events(self) -> list[Event]:
        """The events of all findings, in order."""
        return [event for each in self.found for event in each.findings.events]


Told = ClosedPeriods | Found
Tell = Callable[[Sequence[Told]], None]
"""Says what was found, before it is remembered as said: it may be said twice after a crash, but not never."""


def model_lines(project: str, report: ModelReport, now: datetime) -> Iterator[str]:
    """The metrics of a model as a line of the log, without zeros: CloudWatch charges for each metric by the hour."""
    values = {
        metrics.PROFILES_MADE: len(report.profiles),
        metrics.PROFILES_LATE: report.waiting,
        metrics.CAPTURES_LATE: report.late,
        metrics.BROKEN_LINES: report.broken,
        metrics.UNKNOWN_CAPTURES: report.unknown,
    }
    yield from _line(values, project, report.model, None, now)


def finding_lines(project: str, told: Sequence[Told], now: datetime) -> Iterator[str]:
    """The metrics of versions, as lines of the log; those of periods without zeros."""
    for each in told:
        match each:
            case ClosedPeriods():
                values = {metrics.PROFILED_RECORDS: each.records, metrics.EMPTY_PERIODS: each.empty}
                yield from _line(values, project, each.model, each.version, now)
            case Found():
                yield from _line(each.findings.metrics, project, each.model, each.version, now, zeros=True)


def _line(
    values: Mapping[str, float], project: str, model: str, version: int | None, now: datetime, *, zeros: bool = False
) -> Iterator[str]:
    dimensions = {metrics.PROJECT: project, metrics.MODEL: model}
    if version is not None:
        dimensions[metrics.VERSION] = str(version)
    if written := {name: value for name, value in values.items() if value or zeros}:
        yield f"{metric_line(written, dimensions, int(now.timestamp() * 1000))}\n"
