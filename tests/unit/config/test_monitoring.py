"""Periods of the monitor, and how long after its end each is read."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from slipway.config.monitoring import MonitoringConfig
from slipway.monitoring.schedule import Schedule


def test_seconds_cut_the_monitors_minute_into_periods() -> None:
    given = MonitoringConfig(minutes=1, seconds=15, settle_seconds=5)
    assert (given.period_minutes, given.settle) == (0.25, timedelta(seconds=5))
    assert MonitoringConfig().period_minutes == 60
    assert MonitoringConfig().settle is None


def test_seconds_need_a_monitor_that_runs_each_minute() -> None:
    with pytest.raises(ValidationError, match="needs `minutes: 1`"):
        MonitoringConfig(seconds=15)


def test_a_period_of_seconds_closes_once_it_has_settled() -> None:
    schedule = Schedule(("tiny",), minutes=0.25, settle=timedelta(seconds=5))
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert schedule.closed(noon + timedelta(seconds=19)) == noon
    assert schedule.closed(noon + timedelta(seconds=20)) == noon + timedelta(seconds=15)
    assert schedule.periods(noon, noon + timedelta(minutes=1)) == 4
