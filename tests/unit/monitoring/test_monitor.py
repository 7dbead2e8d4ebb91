"""The monitor makes each period's profile, again when captures come late, and gives it to the steps once."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from support.captures import HOUR, MemoryBucket, prices

from slipway.models.package import Package
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.monitor import Monitor, Schedule
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore
from slipway.monitoring.steps import Event, Findings, Period

MODEL = "tiny-price"


@dataclass
class Remembering:
    """A step that keeps the starts and records of the periods that it saw, and tells of each."""

    name: str = "remembering"
    seen: list[tuple[str, int]] = field(default_factory=list)

    def after(self, state: dict[str, Any] | None, period: Period) -> tuple[dict[str, Any], Findings]:
        found = {"start": period.profile.start.isoformat(), "records": period.profile.records}
        self.seen.append((f"{period.profile.start:%H:%M}", period.profile.records))
        assert len(list(period.captures())) == period.profile.records
        assert {each.column for each in period.bins} == set(period.profile.counts)
        told = {"count": (state or {"count": 0})["count"] + 1}
        return told, Findings({}, (Event("drift", {**found, **told}),))


class Setting:
    """A monitor of one model with a bucket and a step."""

    def __init__(self, package: Package, minutes: int) -> None:
        self.bucket, self.step = MemoryBucket(), Remembering()
        self.profiles = BucketProfiles(self.bucket)
        self.monitor = Monitor(
            Schedule((MODEL,), minutes=minutes, late_hours=2),
            reader=CaptureReader(self.bucket),
            packages=lambda _model, _version: package,
            profiles=self.profiles,
            states=StateStore(self.bucket),
            steps=[self.step],
        )

    def records(self) -> dict[str, int]:
        found = self.profiles.read(MODEL, 1, HOUR, HOUR + timedelta(hours=2))
        return {f"{each.start:%H:%M}": each.records for each in found}


@pytest.fixture
def hourly(regression_package: Package) -> Setting:
    return Setting(regression_package, 60)


@pytest.fixture
def quick(regression_package: Package) -> Setting:
    return Setting(regression_package, 5)


def at(minute: int) -> Any:
    return HOUR + timedelta(minutes=minute)


def test_a_period_is_given_to_the_steps_once_when_it_has_closed(hourly: Setting) -> None:
    hourly.bucket.add(prices(10))
    hourly.monitor.run(at(30))
    assert (hourly.records(), hourly.step.seen) == ({"12:00": 10}, [])
    hourly.monitor.run(at(64))
    assert hourly.step.seen == []
    report = hourly.monitor.run(at(65))
    assert hourly.step.seen == [("12:00", 10)]
    assert [event.detail["count"] for event in report.events] == [1]
    hourly.monitor.run(at(66))
    assert hourly.step.seen == [("12:00", 10)]


def test_periods_of_minutes_come_in_order(quick: Setting) -> None:
    quick.bucket.add([*prices(3, minute=11), *prices(2, minute=4, first=10), *prices(4, minute=5, first=20)])
    quick.monitor.run(at(40))
    assert quick.step.seen == [("12:00", 2), ("12:05", 4), ("12:10", 3)]
    assert quick.records() == {"12:00": 2, "12:05": 4, "12:10": 3}


def test_late_captures_change_the_profile_and_not_the_steps(hourly: Setting) -> None:
    hourly.bucket.add(prices(10))
    hourly.monitor.run(at(70))
    hourly.bucket.add(prices(5, first=8))
    report = hourly.monitor.run(at(80))
    assert hourly.records() == {"12:00": 13}
    assert hourly.step.seen == [("12:00", 10)]
    assert [each.records for each in report.profiles] == [13]


def test_captures_are_not_read_again_while_none_come(hourly: Setting) -> None:
    files = hourly.bucket.add(prices(10))
    hourly.monitor.run(at(30))
    hourly.bucket.read.clear()
    report = hourly.monitor.run(at(40))
    assert report.profiles == []
    assert not set(files) & set(hourly.bucket.read)


def test_running_twice_changes_nothing(quick: Setting) -> None:
    quick.bucket.add(prices(60, minute=3))
    quick.monitor.run(at(20))
    before = dict(quick.bucket.objects)
    assert quick.monitor.run(at(20)).events == []
    assert quick.bucket.objects == before
