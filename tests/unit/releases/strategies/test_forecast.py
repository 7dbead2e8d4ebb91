"""What a release will find out with its traffic."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from support.releases.records import NOW, make_release, with_traffic

from slipway.config.releases.options import (
    AbTest,
    AllAtOnce,
    Bandit,
    BlueGreen,
    Canary,
    Interleave,
    JudgeConfig,
    Shadow,
)
from slipway.errors import UnavailableError
from slipway.releases.controller.present_traffic import present_traffic
from slipway.releases.evidence.clusters import clusters
from slipway.releases.evidence.tallies import Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.record.stored_evidence import StoredClusters
from slipway.releases.routing.buckets import BUCKETS
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


def test_outcomes_that_come_in_bunches_find_less_and_prove_later() -> None:
    alone = forecast(make_release(), Traffic(6000, errors=0.002), HOUR).rows[0]
    alike = forecast(make_release(), Traffic(6000, errors=0.002, alike={"errors": 0.01}), HOUR).rows[0]
    # The candidate has 300 requests a minute.
    assert (alone.effect, alike.effect) == pytest.approx((1, 1 + 299 * 0.01))
    assert None not in (alone.found[1], alike.found[1], alone.minutes, alike.minutes)
    assert (alike.found[1] or 0) > (alone.found[1] or 0)
    assert (alike.minutes or 0) > 3 * (alone.minutes or 0)
    other = forecast(make_release(), Traffic(6000, errors=0.002, alike={"p50": 0.01}), HOUR).rows[0]
    assert other == alone


def test_an_ab_test_of_users_needs_the_outcomes_that_they_are_worth() -> None:
    users = {v: {bucket: (100.0, 5.0 + 10.0 * ((bucket + v) % 2)) for bucket in range(BUCKETS)} for v in (1, 2)}
    sums = {version: {"reward": StoredClusters.of(clusters(spread))} for version, spread in users.items()}
    options = AbTest(baseline=0.1, sticky="user")
    release = with_traffic(make_release(options=options)).model_copy(
        update={"shares": (0.5,), "phase": Phase.RUNNING, "clusters": sums}
    )
    *_, alike = forecast(release, Traffic(600), HOUR).rows
    *_, alone = forecast(release.model_copy(update={"clusters": {}}), Traffic(600), HOUR).rows
    assert alike.effect > 2
    assert (alike.minutes or 0) == pytest.approx((alone.minutes or 0) * alike.effect)
    assert (alike.found[1] or 0) > (alone.found[1] or 0)


class Reader:
    """An hour of metrics."""

    def __init__(self, *minutes: dict[int, Tally], past: tuple[Mapping[str, Tally], ...] = ()) -> None:
        self._minutes = minutes
        self._past = past
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
        return Reference(10.0, 40.0, past=self._past)

    def alarms(self, names: Any) -> dict[str, bool]:
        raise UnavailableError("CloudWatch", "not asked")


def test_the_present_traffic_is_that_of_the_last_hour() -> None:
    reader = Reader({1: Tally(90, 9), 2: Tally(10, 0)}, {1: Tally(110, 11)}, {})
    record = make_release(options=BlueGreen())
    alone = dict.fromkeys(("errors", "p50", "p99", "labels", "score", "accuracy", "reward"), 0.0)
    assert present_traffic(reader, record, NOW) == Traffic(70, 0.1, 10.0, 40.0, alone)
    assert reader.asked[0].judged_until == NOW - timedelta(hours=1)


def test_outcomes_are_as_alike_as_those_of_the_stable_versions_past() -> None:
    minutes = tuple({"errors": Tally(1000, 50 * (number % 2))} for number in range(60))
    found = present_traffic(Reader({1: Tally(100, 1)}, past=minutes), make_release(), NOW)
    assert found is not None
    assert found.alike["errors"] == pytest.approx(0.05, abs=0.005)
    assert found.alike["p50"] == 0


def test_a_shadow_and_an_experiment_are_read_by_their_answers() -> None:
    reader = Reader({1: Tally(60, 0)})
    present_traffic(reader, with_traffic(make_release(options=Shadow())), NOW)
    assert reader.asked[0].options == Canary()
    assert reader.asked[0].running_since is None


def test_without_requests_there_is_no_traffic() -> None:
    assert present_traffic(Reader({}, {}), make_release(), NOW) is None
    assert present_traffic(Reader(), make_release(), NOW) is None
