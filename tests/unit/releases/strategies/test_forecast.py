"""What a release will find out with its traffic."""

from datetime import timedelta
from typing import Any

import pytest
from support.releases.records import NOW, make_release, with_traffic

from slipway.config.releases import AbTest, AllAtOnce, Bandit, BlueGreen, Canary, Interleave, JudgeConfig, Shadow
from slipway.errors import UnavailableError
from slipway.releases.controller.present_traffic import present_traffic
from slipway.releases.evidence.tallies import Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.sample_size import sample_size
from slipway.releases.strategies.forecast import Traffic, forecast, minutes_so_far

HOUR = (1.0, 60.0)


@pytest.mark.parametrize(
    ("options", "candidate", "stable"),
    [
        (Canary(share=0.1), 60, 540),
        (Shadow(sample=0.5), 300, 300),
        (AbTest(), 300, 300),
        (Bandit(), 300, 300),
        (Interleave(), 600, 600),
        (AllAtOnce(), 600, float("inf")),
    ],
)
def test_the_traffic_of_each_strategy_is_shared_as_it_begins(options: Any, candidate: float, stable: float) -> None:
    rates = forecast(make_release(options=options), Traffic(600), HOUR).rates
    assert (rates.candidate, rates.stable) == pytest.approx((candidate, stable))


def test_a_release_under_way_has_the_shares_that_it_has() -> None:
    record = with_traffic(make_release(options=Canary(share=0.1))).model_copy(
        update={"shares": (0.25,), "phase": Phase.RUNNING}
    )
    assert forecast(record, Traffic(600), HOUR).rates.candidate == 150
    assert record.running_since is not None
    assert minutes_so_far(record, record.running_since + timedelta(minutes=7)) == 7
    assert minutes_so_far(make_release(), NOW) == 0


def test_each_proven_metric_has_its_row() -> None:
    judge = JudgeConfig.model_validate({"p50": {"ratio": 1.25, "proven": False}})
    found = forecast(make_release(judge=judge), Traffic(6000, errors=0.002), HOUR)
    assert [row.metric for row in found.rows] == ["errors", "p99"]
    errors = found.rows[0]
    assert errors.allowed == pytest.approx(0.007)
    assert errors.found[0] is not None
    assert errors.found[1] is not None
    assert errors.found[0] > errors.found[1] > errors.allowed
    assert found.proof == max(row.minutes or 0 for row in found.rows)


def test_little_traffic_proves_nothing() -> None:
    found = forecast(make_release(), Traffic(0.01), HOUR)
    assert found.proof is None
    assert found.rows[0].found == (None, None)


def test_the_outcomes_of_an_ab_test_are_foreseen_too() -> None:
    options = AbTest(baseline=0.2)
    size = sample_size(options)
    *_, reward = forecast(make_release(options=options), Traffic(600), HOUR).rows
    assert (reward.metric, reward.allowed) == ("reward", 0.2)
    assert reward.found[1] is not None
    assert reward.found[1] == pytest.approx(0.2 + 0.02 * (size / 18_000) ** 0.5, abs=0.002)
    assert reward.minutes == pytest.approx(size / 300)


def test_a_long_tail_takes_longer_to_prove() -> None:
    short, long = (
        forecast(make_release(), Traffic(600, p50_ms=10, p99_ms=p99), HOUR).rows[2].minutes for p99 in (20, 200)
    )
    assert short is not None
    assert long is not None
    assert short < long


class Reader:
    """An hour of metrics."""

    def __init__(self, *minutes: dict[int, Tally]) -> None:
        self._minutes = minutes
        self.asked: list[ReleaseRecord] = []

    def windows(self, record: ReleaseRecord, now: Any) -> tuple[Window, ...]:
        self.asked.append(record)
        start = record.judged_until
        return tuple(
            Window(
                start + timedelta(minutes=number),
                start + timedelta(minutes=number + 1),
                {version: {"errors": tally} for version, tally in arms.items()},
            )
            for number, arms in enumerate(self._minutes)
        )

    def reference(self, record: ReleaseRecord, now: Any) -> Reference | None:
        return Reference(10.0, 40.0)

    def alarms(self, names: Any) -> dict[str, bool]:
        raise UnavailableError("CloudWatch", "not asked")


def test_the_present_traffic_is_that_of_the_last_hour() -> None:
    reader = Reader({1: Tally(90, 9), 2: Tally(10, 0)}, {1: Tally(110, 11)}, {})
    record = make_release(options=BlueGreen())
    assert present_traffic(reader, record, NOW) == Traffic(70, 0.1, 10.0, 40.0)
    assert reader.asked[0].judged_until == NOW - timedelta(hours=1)


def test_a_shadow_and_an_experiment_are_read_by_their_answers() -> None:
    reader = Reader({1: Tally(60, 0)})
    present_traffic(reader, with_traffic(make_release(options=Shadow())), NOW)
    assert reader.asked[0].options == Canary()
    assert reader.asked[0].running_since is None


def test_without_requests_there_is_no_traffic() -> None:
    assert present_traffic(Reader({}, {}), make_release(), NOW) is None
    assert present_traffic(Reader(), make_release(), NOW) is None
