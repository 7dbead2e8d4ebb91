"""The evidence, from metrics in moto."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.feedback import MemoryFeedbackStore
from support.releases.records import NOW, make_release, with_traffic

from slipway.config.releases.options import AbTest, Bandit, Interleave, Shadow
from slipway.monitoring.accuracy.labels import CapturedLabel
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.telemetry import metrics
from slipway.releases.evidence.cloudwatch import CloudWatchEvidence
from slipway.releases.evidence.tallies import Tally
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.stored_evidence import LatencyLimits, StoredTally

OPTIONS = {"region_name": "eu-west-1"}
LATER = NOW + timedelta(minutes=4, seconds=30)


def put(client: Any, minute: float, metric: str, *values: float, version: int = 2, **more: str) -> None:
    named = {"Project": "shop", "Model": "sentiment", "Version": str(version), **more}
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    data = [
        {"MetricName": metric, "Dimensions": dimensions, "Value": value, "Timestamp": NOW + timedelta(minutes=minute)}
        for value in values
    ]
    client.put_metric_data(Namespace="Slipway", MetricData=data)


def put_shadow(client: Any, metric: str, *values: float, **dimensions: str) -> None:
    named = {"Project": "shop", "Model": "sentiment", **dimensions}
    shown = [{"Name": name, "Value": value} for name, value in named.items()]
    data = [{"MetricName": metric, "Dimensions": shown, "Value": value, "Timestamp": NOW} for value in values]
    client.put_metric_data(Namespace="Slipway", MetricData=data)


def reader(store: MemoryFeedbackStore | None = None) -> CloudWatchEvidence:
    return CloudWatchEvidence("shop", store or MemoryFeedbackStore(), OPTIONS)


def running(**changes: Any) -> ReleaseRecord:
    limits = LatencyLimits(p50_ms=10, p99_ms=40)
    return with_traffic(make_release(**changes)).model_copy(update={"limits": limits, "judged_until": NOW})


def test_windows_are_the_whole_minutes_that_are_over(cloudwatch: Any) -> None:
    windows = reader().windows(running(), LATER)
    assert [(window.start - NOW, window.end - NOW) for window in windows] == [
        (timedelta(minutes=minute), timedelta(minutes=minute + 1)) for minute in range(3)
    ]
    assert all(not window.arms for window in windows)
    assert reader().windows(running(), NOW + timedelta(seconds=90)) == ()


def test_a_light_version_is_counted_by_its_parts_of_requests(cloudwatch: Any) -> None:
    put(cloudwatch, 1, metrics.PREDICTIONS, 3, 1, 1, 1)
    put(cloudwatch, 1, metrics.FAILURES, 1, 1)
    # The candidate may be 1.25 and 1.5 times as slow: its limits are 12.5 and 60 ms.
    put(cloudwatch, 1, metrics.INFERENCE_LATENCY, 5, 12, 13, 61)
    put(cloudwatch, 1, metrics.SCORED, 5)
    put(cloudwatch, 1, metrics.SCORES, 4)
    put(cloudwatch, 1, metrics.LABELS, 4, Label="positive")
    put(cloudwatch, 1, metrics.LABELS, 1, Label="negative")
    put(cloudwatch, 1, metrics.INFERENCE_LATENCY, 5, 11, 41, version=1)
    put(cloudwatch, 1, metrics.PREDICTIONS, 3, version=1)
    windows = reader().windows(running(), LATER)
    assert not windows[0].arms
    assert windows[1].arms[2] == {
        "errors": Tally(6, 2),
        "p50": Tally(4, 2),
        "p99": Tally(4, 1),
        "score": Tally(5, 4),
        "label:negative": Tally(5, 1),
        "label:positive": Tally(5, 4),
    }
    assert windows[1].arms[1] == {"errors": Tally(3, 0), "p50": Tally(3, 2), "p99": Tally(3, 1)}


def test_a_multi_label_record_counts_once_for_each_of_its_labels(cloudwatch: Any) -> None:
    put(cloudwatch, 1, metrics.LABELLED, 10)
    put(cloudwatch, 1, metrics.LABELS, 8, Label="positive")
    put(cloudwatch, 1, metrics.LABELS, 7, Label="negative")
    put(cloudwatch, 1, metrics.LABELLED, 4, version=1)
    arms = reader().windows(running(), LATER)[1].arms
    assert arms[2] == {"label:negative": Tally(10, 7), "label:positive": Tally(10, 8)}
    assert arms[1] == {"label:negative": Tally(4, 0), "label:positive": Tally(4, 0)}


def test_the_values_of_a_regression_are_counted_over_limits_on_both_sides_of_zero(cloudwatch: Any) -> None:
    put(cloudwatch, 1, metrics.VALUES, 0.0, 1.5, 2.5, 40.0)
    put(cloudwatch, 1, metrics.NEGATIVE_VALUES, 0.5, 3.0)
    put(cloudwatch, 1, metrics.VALUES, 7.0, version=1)
    record = running(labels=(), value_limits=(-2.0, 0.00001, 2.0))
    arms = reader().windows(record, LATER)[1].arms
    assert arms[2] == {"value:-2.0": Tally(6, 5), "value:1e-05": Tally(6, 3), "value:2.0": Tally(6, 2)}
    assert arms[1] == {"value:-2.0": Tally(1, 1), "value:1e-05": Tally(1, 1), "value:2.0": Tally(1, 1)}


def test_what_a_light_candidate_began_and_did_not_finish_has_failed(cloudwatch: Any) -> None:
    put(cloudwatch, 1, metrics.UNFINISHED, *(1 for _ in range(9)), *(-1 for _ in range(3)))
    put(cloudwatch, 1, metrics.INFERENCE_LATENCY, 5, 5)
    put(cloudwatch, 1, metrics.FAILURES, 1)
    put(cloudwatch, 2, metrics.UNFINISHED, 4)
    put(cloudwatch, 2, metrics.INFERENCE_LATENCY, 5, 5, version=1)
    windows = reader().windows(running(), LATER + timedelta(minutes=1))
    assert windows[1].arms[2]["errors"] == Tally(9, 7)
    assert (windows[2].arms[2]["errors"], windows[2].arms[1]["errors"]) == (Tally(4, 4), Tally(2, 0))


@pytest.mark.parametrize(("tier", "version"), [("light", 2), ("light", 1), ("heavy", 2), ("heavy", 1)])
def test_a_minute_is_judged_a_minute_later_while_its_requests_may_still_end(
    cloudwatch: Any, tier: str, version: int
) -> None:
    record = running(tier=tier)
    put(cloudwatch, 0, metrics.REQUESTS, 5, version=version)
    put(cloudwatch, 0, metrics.INFERENCE_LATENCY, *(5 for _ in range(5)), version=version)
    put(cloudwatch, 1, metrics.UNFINISHED, 3, -2, version=version)
    put(cloudwatch, 1, metrics.INFERENCE_LATENCY, 5, 5, version=version)
    put(cloudwatch, 1, metrics.REQUESTS, 2, version=version)
    at = NOW + timedelta(minutes=3, seconds=1)
    assert [window.start for window in reader().windows(record, at)] == [NOW]
    after = record.model_copy(update={"judged_until": NOW + timedelta(minutes=1)})
    assert reader().windows(after, at) == ()
    put(cloudwatch, 1, metrics.UNFINISHED, -1, version=version)
    put(cloudwatch, 1, metrics.INFERENCE_LATENCY, 35_000, version=version)
    put(cloudwatch, 1, metrics.REQUESTS, 1, version=version)
    (window,) = reader().windows(after, at)
    assert window.arms[version]["errors"] == Tally(3, 0)
    assert window.arms[version]["p99"] == Tally(3, 1)


@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_a_request_that_never_ends_has_failed_once_no_caller_can_still_wait_for_it(cloudwatch: Any, tier: str) -> None:
    put(cloudwatch, 0, metrics.UNFINISHED, 1)
    early, late = (reader().windows(running(tier=tier), NOW + timedelta(minutes=each)) for each in (2, 3))
    assert early == ()
    assert [window.arms.get(2) for window in late] == [{"errors": Tally(1, 1)}, None]


def test_a_request_that_kills_its_process_counts_for_whichever_version_it_reaches(cloudwatch: Any) -> None:
    for version, poison in ((1, 2), (2, 1)):
        put(cloudwatch, 0, metrics.INFERENCE_LATENCY, *(5 for _ in range(40 * poison)), version=version)
        put(cloudwatch, 0, metrics.UNFINISHED, poison, version=version)
    windows = reader().windows(running(), NOW + timedelta(minutes=3))
    assert {version: windows[0].arms[version]["errors"] for version in (1, 2)} == {1: Tally(82, 2), 2: Tally(41, 1)}


@pytest.mark.parametrize("lossy", [1, 2])
def test_a_sum_below_zero_says_that_lines_were_lost_so_no_attempt_counts_for_ten_minutes(
    cloudwatch: Any, lossy: int
) -> None:
    record = running(tier="heavy").model_copy(update={"judged_until": NOW + timedelta(minutes=1)})
    put(cloudwatch, 0, metrics.UNFINISHED, -3, version=lossy)
    for minute in (1, 9, 10):
        for version in (1, 2):
            put(cloudwatch, minute, metrics.REQUESTS, 50, version=version)
            put(cloudwatch, minute, metrics.FAULTS, 1, version=version)
            put(cloudwatch, minute, metrics.UNFINISHED, 20, version=version)
    windows = reader().windows(record, NOW + timedelta(minutes=13, seconds=30))
    found = {window.start: window.arms[2]["errors"] for window in windows if 2 in window.arms}
    assert found == {
        NOW + timedelta(minutes=1): Tally(50, 1),
        NOW + timedelta(minutes=9): Tally(50, 1),
        NOW + timedelta(minutes=10): Tally(70, 21),
    }


def test_the_impressions_of_a_minute_that_is_not_judged_yet_count_later(cloudwatch: Any) -> None:
    record = running(options=Interleave())
    put(cloudwatch, 0, metrics.IMPRESSIONS, 10)
    put(cloudwatch, 1, metrics.IMPRESSIONS, 20)
    put(cloudwatch, 1, metrics.UNFINISHED, 1)
    (window,) = reader().windows(record, NOW + timedelta(minutes=3))
    assert window.arms[2]["ties"] == Tally(10, 0)


def test_a_heavy_version_is_counted_by_its_requests(cloudwatch: Any) -> None:
    put(cloudwatch, 0, metrics.REQUESTS, 100)
    put(cloudwatch, 0, metrics.FAULTS, 7)
    put(cloudwatch, 0, metrics.INFERENCE_LATENCY, 90)
    put(cloudwatch, 0, metrics.LATENCY, 95, 1)
    put(cloudwatch, 1, metrics.REQUESTS, 50)
    put(cloudwatch, 1, metrics.FAULTS, 2)
    put(cloudwatch, 1, metrics.UNFINISHED, 40, -37)
    windows = reader().windows(running(tier="heavy"), LATER + timedelta(minutes=1))
    assert windows[0].arms[2] == {"errors": Tally(100, 7), "p50": Tally(1, 1), "p99": Tally(1, 1)}
    assert windows[1].arms[2] == {"errors": Tally(53, 5)}


@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_shadows_are_counted_apart_from_what_is_answered(cloudwatch: Any, tier: str) -> None:
    """The stable version's figures are those that it has beside the shadows, in the same process."""
    put(cloudwatch, 0, metrics.PREDICTIONS, 1000, version=1)
    put(cloudwatch, 0, metrics.REQUESTS, 1000, version=1)
    for version, slow in ((1, 9), (2, 61)):
        shadow = {"Shadow": str(version)}
        put_shadow(cloudwatch, metrics.PREDICTIONS, 8, **shadow)
        put_shadow(cloudwatch, metrics.FAILURES, version, **shadow)
        put_shadow(cloudwatch, metrics.INFERENCE_LATENCY, 5, slow, **shadow)
    put_shadow(cloudwatch, metrics.COMPARED, 8, Shadow="2")
    put_shadow(cloudwatch, metrics.DISAGREEMENTS, 3, Shadow="2")
    put_shadow(cloudwatch, metrics.LABELS, 8, Shadow="2", Label="positive")
    window = reader().windows(running(tier=tier, options=Shadow()), LATER)[0]
    assert window.arms[1] == {"errors": Tally(3, 1), "p50": Tally(2, 0), "p99": Tally(2, 0)}
    assert window.arms[2] == {
        "errors": Tally(4, 2),
        "p50": Tally(2, 1),
        "p99": Tally(2, 1),
        "label:negative": Tally(8, 0),
        "label:positive": Tally(8, 8),
        "agreement": Tally(8, 3),
    }


def test_the_reference_of_a_shadow_is_what_the_stable_version_did_beside_it(cloudwatch: Any) -> None:
    put(cloudwatch, -30, metrics.INFERENCE_LATENCY, *range(1, 101), version=1)
    assert reader().reference(running(options=Shadow()), NOW) is None
    put_shadow(cloudwatch, metrics.INFERENCE_LATENCY, *range(201, 301), Shadow="1")
    found = reader().reference(running(options=Shadow()), LATER)
    assert found is not None
    assert (found.p50_ms, found.p99_ms) == (250, 299)


def test_the_reference_is_what_the_stable_version_did(cloudwatch: Any) -> None:
    assert reader().reference(running(), NOW) is None
    put(cloudwatch, -30, metrics.INFERENCE_LATENCY, 7, version=1)
    few = reader().reference(running(), NOW)
    assert few is not None
    assert (few.p50_ms, few.tallies["errors"]) == (None, Tally(1, 0))
    put(cloudwatch, -30, metrics.INFERENCE_LATENCY, *range(1, 101), version=1)
    enough = reader().reference(running(), NOW)
    assert enough is not None
    assert (enough.p50_ms, enough.p99_ms) == (50, 99)


def test_the_past_is_counted_minute_by_minute_over_limits_of_all_of_it(cloudwatch: Any) -> None:
    put(cloudwatch, -30, metrics.INFERENCE_LATENCY, *range(1, 101), version=1)
    put(cloudwatch, -20, metrics.INFERENCE_LATENCY, 10, 60, version=1)
    put(cloudwatch, -20, metrics.FAILURES, 2, version=1)
    found = reader().reference(running(), NOW)
    assert found is not None
    assert found.past == (
        {"errors": Tally(100, 0), "p50": Tally(100, 50), "p99": Tally(100, 2)},
        {"errors": Tally(4, 2), "p50": Tally(2, 1), "p99": Tally(2, 0)},
    )
    assert found.tallies["errors"] == Tally(104, 2)


def test_alarms_are_on_or_not(cloudwatch: Any) -> None:
    for name, state in (("bad", "ALARM"), ("good", "OK")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="Errors",
            Namespace="Slipway",
            Period=60,
            EvaluationPeriods=1,
            Statistic="Sum",
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    assert reader().alarms(["bad", "good", "gone"]) == {"bad": True, "good": False}


def reward(store: MemoryFeedbackStore, made: datetime, value: float, number: int, version: int = 2) -> None:
    prediction = PredictionId("sentiment", version, f"{int(made.timestamp()):08x}{number:016x}")
    store.put(Feedback(prediction, reward=value))


def test_rewards_count_once_and_only_of_predictions_since_the_start(cloudwatch: Any) -> None:
    store = MemoryFeedbackStore()
    reward(store, NOW - timedelta(hours=1), 1.0, 1)
    reward(store, NOW + timedelta(minutes=1), 1.0, 2)
    reward(store, NOW + timedelta(minutes=1), 0.5, 3)
    record = running(options=AbTest())
    last = reader(store).windows(record, LATER)[-1]
    assert last.arms[2]["reward"] == Tally(2, 1.5, 1.25)
    seen = record.model_copy(update={"totals": {2: {"reward": StoredTally(n=2, total=1.5, squares=1.25)}}})
    assert "reward" not in reader(store).windows(seen, LATER)[-1].arms.get(2, {})
    reward(store, NOW + timedelta(minutes=2), 0.0, 4)
    assert reader(store).windows(seen, LATER)[-1].arms[2]["reward"] == Tally(1, 0.0, 0.0)


def test_labels_are_evidence_of_every_strategy_and_count_once(cloudwatch: Any) -> None:
    store = MemoryFeedbackStore()
    made = int((NOW + timedelta(minutes=1)).timestamp())
    for number, (predicted, true) in enumerate([("a", "a"), ("a", "b"), ("b", "b")]):
        prediction = PredictionId("sentiment", 2, f"{made:08x}{number:016x}")
        store.captured([CapturedLabel(prediction, predicted, datetime.max.replace(tzinfo=UTC))])
        store.put(Feedback(prediction, label=true))
    last = reader(store).windows(running(), LATER)[-1]
    assert last.arms == {2: {"accuracy": Tally(3, 1)}}
    seen = running().model_copy(update={"totals": {2: {"accuracy": StoredTally(n=3, total=1)}}})
    assert reader(store).windows(seen, LATER)[-1].arms == {}


def test_for_a_bandit_a_prediction_without_a_reward_counts_once_it_is_old_enough(cloudwatch: Any) -> None:
    store = MemoryFeedbackStore()
    put(cloudwatch, 12, metrics.PREDICTIONS, 40)
    put(cloudwatch, 22, metrics.PREDICTIONS, 1000)
    reward(store, NOW + timedelta(minutes=12), 1.0, 1)
    record = running(options=Bandit(delay_minutes=5))
    evidence = reader(store)
    early = evidence.windows(record, NOW + timedelta(minutes=24))[-1]
    assert "reward" not in early.arms.get(2, {})
    late = evidence.windows(record, NOW + timedelta(minutes=27))[-1]
    assert late.arms[2]["reward"] == Tally(40, 1.0)
