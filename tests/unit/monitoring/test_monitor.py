"""The monitor makes each period's profile, again when captures come late, and gives it to the steps once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from support.captures import HOUR, MemoryBucket, prices

from slipway.errors import NotFoundError, UnavailableError
from slipway.models.package import Package
from slipway.monitoring.captures.reading import hour_folder
from slipway.monitoring.monitor import Monitor
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.report import ClosedPeriods, Found, Told
from slipway.monitoring.schedule import Schedule
from slipway.monitoring.steps import Event, Findings, Period, State, Step

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


class Failing:
    """A step that cannot reach what it needs."""

    name = "failing"

    def after(self, state: State | None, period: Period) -> tuple[State, Findings]:
        raise UnavailableError("the table", "down")


class Setting:
    """A monitor with a bucket and a step. The package is that of version 1; there are no others."""

    def __init__(
        self,
        package: Package,
        minutes: int,
        *,
        steps: Sequence[Step] | None = None,
        models: Sequence[str] = (MODEL,),
    ) -> None:
        self.bucket, self.step = MemoryBucket(), Remembering()
        self.told: list[Told] = []
        self.live: set[int] = {1}
        self.fails_to_tell = False
        self.profiles = BucketProfiles(self.bucket)
        self.monitor = Monitor(
            Schedule(models, minutes=minutes, late_hours=2),
            self.bucket,
            packages=lambda model, version: self._package(package, model, version),
            tell=self._tell,
            live=lambda _model: self.live,
            steps=[self.step] if steps is None else steps,
        )

    def _package(self, package: Package, model: str, version: int) -> Package:
        if version != 1:
            raise NotFoundError(f"version of {model}", str(version), ["1"])
        return package

    def _tell(self, told: Sequence[Told]) -> None:
        if self.fails_to_tell and any(isinstance(each, Found) for each in told):
            raise UnavailableError("the event bus", "down")
        self.told += told

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


def test_an_hour_that_takes_several_runs_is_finished_by_the_last(quick: Setting) -> None:
    for number in range(5):
        quick.bucket.add(prices(10, first=10 * number))
    first = quick.monitor.run(at(20), has_time=iter([True, True, False, False]).__next__)
    assert (quick.records(), quick.step.seen) == ({"12:00": 20}, [])
    assert first.models[0].waiting == 3
    assert quick.told == []
    second = quick.monitor.run(at(20))
    assert (quick.records(), quick.step.seen) == ({"12:00": 50}, [("12:00", 50)])
    assert second.models[0].waiting == 0


def test_each_file_is_read_once_though_others_come(quick: Setting) -> None:
    old = quick.bucket.add(prices(10))
    quick.monitor.run(at(3))
    quick.bucket.read.clear()
    new = quick.bucket.add(prices(10, first=5))
    quick.monitor.run(at(6))
    assert quick.records() == {"12:00": 15}
    assert set(new) <= set(quick.bucket.read)
    assert not set(old) & set(quick.bucket.read)


@pytest.mark.parametrize("writes", range(6))
def test_a_run_that_broke_off_is_made_up_for(regression_package: Package, writes: int) -> None:
    """Whichever write is the first to fail, the next run leaves the bucket as if none had failed."""
    captures = [*prices(10, minute=2), *prices(5, minute=7, first=10)]
    whole, broken = Setting(regression_package, 5), Setting(regression_package, 5)
    whole.bucket.add(captures)
    broken.bucket.add(captures)
    whole.monitor.run(at(20))
    broken.bucket.writes_left = writes
    assert bool(broken.monitor.run(at(20)).problems) == (writes < 5)
    broken.bucket.writes_left = None
    broken.step.seen.clear()
    broken.monitor.run(at(20))
    assert broken.bucket.objects == whole.bucket.objects
    assert broken.step.seen in (whole.step.seen, [])


def test_a_ledger_that_cannot_be_read_starts_the_hour_over(quick: Setting) -> None:
    quick.bucket.add(prices(10))
    quick.monitor.run(at(3))
    (ledger,) = quick.bucket.keys("ledgers/")
    quick.bucket.objects[ledger] = b"PK broken"
    quick.bucket.add(prices(5, first=10))
    quick.monitor.run(at(6))
    assert quick.records() == {"12:00": 15}


def test_versions_are_counted_apart_and_one_that_is_gone_is_told(regression_package: Package) -> None:
    setting = Setting(regression_package, 60)
    setting.bucket.add([*prices(3), *prices(4, version=2)])
    report = setting.monitor.run(at(70))
    assert setting.records() == {"12:00": 3}
    assert (report.models[0].unknown, report.problems) == (4, [])


def test_broken_lines_and_captures_of_another_hour_are_counted(hourly: Setting) -> None:
    lines = [prices(1)[0].model_dump_json(), "{", prices(1, first=1, minute=60)[0].model_dump_json()]
    hourly.bucket.add_lines(f"{hour_folder(MODEL, HOUR)}a.jsonl.gz", lines)
    report = hourly.monitor.run(at(70))
    assert (hourly.records(), report.models[0].broken) == ({"12:00": 1}, 2)


def test_captures_of_a_clock_that_is_ahead_are_counted_when_their_hour_comes(hourly: Setting) -> None:
    hourly.bucket.add(prices(5, minute=70))
    hourly.monitor.run(at(50))
    assert hourly.records() == {}
    hourly.monitor.run(at(130))
    assert (hourly.records(), hourly.step.seen) == ({"13:00": 5}, [("13:00", 5)])


def test_captures_that_are_later_than_late_hours_are_left_out(hourly: Setting) -> None:
    hourly.monitor.run(at(60 * 4))
    hourly.bucket.add(prices(5))
    assert hourly.monitor.run(at(60 * 4 + 1)).profiles == []


def test_after_an_outage_older_hours_are_made_up_for(hourly: Setting) -> None:
    hourly.monitor.run(at(0))
    hourly.bucket.add([*prices(5), *prices(4, minute=60, first=10)])
    hourly.monitor.run(at(60 * 9))
    assert hourly.step.seen == [("12:00", 5), ("13:00", 4)]


def test_closed_periods_are_told_of_once_and_empty_ones_of_live_versions(quick: Setting) -> None:
    quick.monitor.run(at(5))
    assert quick.told == []
    quick.live = {1, 2}
    quick.bucket.add([*prices(3), *prices(2, minute=14, first=10)])
    quick.monitor.run(at(20))
    closed = [each for each in quick.told if isinstance(each, ClosedPeriods)]
    assert closed == [ClosedPeriods(MODEL, 1, 5, 0), ClosedPeriods(MODEL, 2, 0, 2)]
    quick.told.clear()
    quick.monitor.run(at(21))
    assert quick.told == []


def test_late_captures_are_counted_as_late(quick: Setting) -> None:
    quick.bucket.add(prices(3))
    assert quick.monitor.run(at(12)).models[0].late == 0
    quick.bucket.add(prices(6))
    assert quick.monitor.run(at(13)).models[0].late == 3


def test_a_step_that_fails_is_repeated_and_stops_no_other(regression_package: Package) -> None:
    setting = Setting(regression_package, 5, steps=[Failing(), Remembering("other")])
    setting.bucket.add(prices(3))
    for _ in range(2):
        report = setting.monitor.run(at(12))
        assert report.problems == ["tiny-price 1, failing: the table is unavailable: down"]
    assert [each.step for each in setting.told if isinstance(each, Found)] == ["other"]


def test_a_model_that_fails_stops_no_other(regression_package: Package) -> None:
    setting = Setting(regression_package, 5, models=("absent", MODEL))
    setting.bucket.objects["monitoring/model=absent/index.json"] = b'{"hours": 1}'
    setting.bucket.add(prices(3))
    report = setting.monitor.run(at(12))
    assert [problem.partition(":")[0] for problem in report.problems] == ["absent"]
    assert setting.records() == {"12:00": 3}


def test_findings_are_told_before_they_are_remembered(regression_package: Package) -> None:
    setting = Setting(regression_package, 5)
    setting.bucket.add(prices(3))
    setting.fails_to_tell = True
    assert setting.monitor.run(at(12)).problems
    setting.fails_to_tell = False
    assert setting.monitor.run(at(12)).problems == []
    assert [each.findings.events[0].detail["count"] for each in setting.told if isinstance(each, Found)] == [1]


def test_a_package_that_was_sealed_anew_starts_the_hour_over(regression_package: Package) -> None:
    setting = Setting(regression_package, 60)
    setting.bucket.add(prices(3))
    setting.monitor.run(at(10))
    other = Package(regression_package.folder, regression_package.manifest)
    value = other.baseline.outputs.value
    assert value is not None
    outputs = other.baseline.outputs.model_copy(update={"value": value.model_copy(update={"max": 1000.0})})
    other.__dict__["baseline"] = other.baseline.model_copy(update={"outputs": outputs})
    again = Setting(other, 60)
    again.bucket.objects = setting.bucket.objects
    again.bucket.add(prices(2, first=3))
    again.monitor.run(at(20))
    assert again.records() == {"12:00": 5}
