"""The guards of a sticky release by bucket, from the lines that serving writes and the query language of the logs."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.releases.records import NOW, make_release, with_traffic

from local.emulator.log_insights import parse
from slipway.config.releases.options import AbTest, Bandit, Canary, Options
from slipway.errors import UnavailableError
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.outputs import count_output
from slipway.monitoring.telemetry.requests import RequestEvent, Telemetry
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.bucket_query import MOST_LABELS, labels_of, query_text
from slipway.releases.evidence.log_clusters import CountedWindows, LogClusters
from slipway.releases.evidence.tallies import Clusters, Evidence, Observed, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.stored_evidence import LatencyLimits
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.strategies.analysis import analyze

MINUTE = timedelta(minutes=1)
GROUP = "/predict"
STABLE, CANDIDATE = 1, 2


@dataclass
class Logs:
    """The lines of one log group, and queries of them, which take ``polls`` looks and may fail."""

    lines: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    polls: Callable[[], int] = lambda: 0
    fails: Callable[[], bool] = lambda: False
    started: list[str] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)

    def add(self, at: datetime, text: str) -> None:
        self.lines += [(at, json.loads(line)) for line in text.splitlines() if line]

    def start(self, group: str, text: str, start: datetime, end: datetime) -> str:
        assert group == GROUP
        if self.fails():
            raise UnavailableError("CloudWatch Logs", "too many queries")
        found = [line for at, line in self.lines if start <= at <= end]
        self.started.append(json.dumps(parse(text).rows(found)))
        query = str(len(self.started) - 1)
        self.waiting[query] = self.polls()
        return query

    def rows(self, query: str) -> list[dict[str, str]] | None:
        if self.fails():
            raise UnavailableError("CloudWatch Logs", "the query ended as Failed")
        self.waiting[query] -= 1
        if self.waiting[query] >= 0:
            return None
        found: list[dict[str, str]] = json.loads(self.started[int(query)])
        return found


def reader(logs: Logs) -> LogClusters:
    return LogClusters("shop", {"sentiment": GROUP}, logs, pause=lambda _: None)


def counted(logs: Logs, record: ReleaseRecord) -> Window:
    """The first minute, counted by bucket."""
    (found,) = reader(logs).with_clusters(record, (window(0),)).windows
    return found


def release(options: Options | None = None, **changes: Any) -> ReleaseRecord:
    record = with_traffic(make_release(options=options or AbTest(sticky="user"), **changes), since=NOW)
    limits = LatencyLimits(p50_ms=10, p99_ms=40)
    return record.model_copy(update={"limits": limits, "judged_until": NOW, "shares": (0.5,)})


def window(minute: int) -> Window:
    start = NOW + minute * MINUTE
    return Window(start, start + MINUTE, {STABLE: {keys.ERRORS: Tally(9, 0)}})


def of(sums: dict[int, tuple[float, float]]) -> Clusters:
    pairs = [sums.get(bucket, (0.0, 0.0)) for bucket in range(BUCKETS)]
    return Clusters(tuple(n for n, _ in pairs), tuple(total for _, total in pairs))


def part(
    logs: Logs, version: int, bucket: int | None, *, at: datetime = NOW, ms: float | None = 5.0, **output: Any
) -> None:
    """The lines of a request with one part, of ``ms`` milliseconds or failed."""
    telemetry = Telemetry("shop", "predict", write=lambda text: logs.add(at, text), clock=at.timestamp)
    with telemetry.request() as event:
        event.model = "sentiment"
        counted_for = {"Version": str(version), **({} if bucket is None else {"Bucket": str(bucket)})}
        if ms is None:
            event.count("Failures", 1, **counted_for)
        else:
            event.count("Predictions", 1, **counted_for)
            event.count("InferenceLatency", ms, **counted_for)
        if output:
            count_output(event, output, 1.0, **counted_for)


def test_failures_and_latencies_are_counted_by_version_and_bucket() -> None:
    logs = Logs()
    for ms in (10.0, 10.1, 12.6, 60.1, None):
        part(logs, STABLE, 3, ms=ms)
        part(logs, CANDIDATE, 3, ms=ms)
    part(logs, CANDIDATE, 127, ms=None)
    part(logs, CANDIDATE, None)
    found = counted(logs, release())
    assert found.arms == window(0).arms
    # The candidate's limits are 12.5 and 60, the stable version's 10 and 40.
    expected = {limit: sum(ms > limit for ms in (10.0, 10.1, 12.6, 60.1)) for limit in (10, 40, 12.5, 60)}
    record = release()
    slow = {v: {key: expected[limit] for key, limit in record.latency_limits(v).items()} for v in (STABLE, CANDIDATE)}
    assert found.clusters[STABLE] == {
        keys.ERRORS: of({3: (5, 1)}),
        keys.P50: of({3: (4, slow[STABLE][keys.P50])}),
        keys.P99: of({3: (4, slow[STABLE][keys.P99])}),
    }
    assert found.clusters[CANDIDATE] == {
        keys.ERRORS: of({3: (5, 1), 127: (1, 1)}),
        keys.P50: of({3: (4, slow[CANDIDATE][keys.P50])}),
        keys.P99: of({3: (4, slow[CANDIDATE][keys.P99])}),
    }


def test_labels_and_scores_are_counted_by_bucket() -> None:
    logs = Logs()
    for label, score in (("positive", 0.5), ("negative", 0.75), ("positive", 0.25)):
        part(logs, STABLE, 3, label=label, score=score)
    part(logs, STABLE, 4, label="negative", score=1.0)
    found = counted(logs, release()).clusters[STABLE]
    assert found[keys.SCORE] == of({3: (3, 1.5), 4: (1, 1.0)})
    assert found[keys.label_key("positive")] == of({3: (3, 2), 4: (1, 0)})
    assert found[keys.label_key("negative")] == of({3: (3, 1), 4: (1, 1)})
    assert found[keys.ERRORS] == of({3: (3, 0), 4: (1, 0)})


@pytest.mark.parametrize("labels", [tuple(map(str, range(MOST_LABELS + 1))), ()])
def test_too_many_labels_are_left_out_and_the_rest_is_counted(labels: tuple[str, ...]) -> None:
    logs, record = Logs(), release(labels=labels)
    part(logs, STABLE, 3, label="1", score=0.5)
    found = counted(logs, record).clusters[STABLE]
    assert set(found) == {keys.ERRORS, keys.P50, keys.P99, keys.SCORE}
    assert labels_of(record) == ()


def test_any_text_of_a_label_is_found_again() -> None:
    labels = ("", " ", "schön", 'a "b"', "%", "a, b")
    logs, record = Logs(), release(labels=labels)
    for label in labels:
        part(logs, STABLE, 3, label=label)
    found = counted(logs, record).clusters[STABLE]
    assert {label: found[keys.label_key(label)] for label in labels} == dict.fromkeys(labels, of({3: (6, 1)}))


def test_values_are_counted_over_limits_on_both_sides_of_zero() -> None:
    logs, record = Logs(), release(labels=(), value_limits=(-2.5, 0.0, 2.5))
    for value in (-3.0, -2.0, 0.0, 1.0, 3.0):
        part(logs, STABLE, 3, value=value)
    found = counted(logs, record).clusters[STABLE]
    assert {limit: found[keys.value_key(limit)] for limit in record.value_limits} == {
        -2.5: of({3: (5, 4)}),
        0.0: of({3: (5, 2)}),
        2.5: of({3: (5, 1)}),
    }


def test_the_lines_of_a_slot_are_counted_alike() -> None:
    logs = Logs()
    telemetry = BufferedTelemetry("shop", "sentiment", {"Slot": "blue", "Version": "1"}, clock=NOW.timestamp)
    for ms in (5.0, 11.0, 50.0):
        with telemetry.request() as event:
            event.model = "sentiment"
            event.count("InferenceLatency", ms, Version="1", Bucket="3")
            event.count("Predictions", 1, Version="1", Bucket="3")
            count_output(event, {"label": "positive", "score": 0.5}, 1.0, Version="1", Bucket="3")
    logs.add(NOW, telemetry.drain())
    found = counted(logs, release(tier="heavy")).clusters[STABLE]
    assert (found[keys.ERRORS], found[keys.SCORE]) == (of({3: (3, 0)}), of({3: (3, 1.5)}))
    assert (found[keys.P50], found[keys.P99]) == (of({3: (3, 2)}), of({3: (3, 1)}))
    assert found[keys.label_key("positive")] == of({3: (3, 3)})


@pytest.mark.parametrize("options", [AbTest(), Canary(), Bandit()])
def test_without_a_sticky_name_no_query_is_started(options: Options) -> None:
    logs = Logs()
    assert reader(logs).with_clusters(release(options), (window(0),)) == CountedWindows((window(0),))
    assert logs.started == []


def test_nor_for_minutes_in_which_the_candidates_have_no_traffic_all_the_time() -> None:
    logs = Logs()
    pending = make_release(options=AbTest(sticky="user"))
    windows = tuple(map(window, range(3)))
    assert reader(logs).with_clusters(pending, windows) == CountedWindows(windows)
    late = with_traffic(pending, since=NOW + timedelta(seconds=61))
    for minute in range(3):
        part(logs, STABLE, 3, at=NOW + minute * MINUTE)
    found = reader(logs).with_clusters(late, windows).windows
    assert [sorted(each.clusters) for each in found] == [[], [], [STABLE]]
    assert len(logs.started) == 1


def test_each_minute_has_the_buckets_of_its_own_requests_whenever_their_lines_came() -> None:
    logs = Logs()
    for minute in range(3):
        for _ in range(minute + 1):
            begun = NOW + minute * MINUTE + timedelta(seconds=59.9)
            part(logs, STABLE, minute, at=begun)
    logs.lines = [(at + timedelta(seconds=30), line) for at, line in logs.lines]
    found = reader(logs).with_clusters(release(), tuple(map(window, range(3)))).windows
    assert [each.clusters[STABLE][keys.ERRORS] for each in found] == [of({m: (m + 1, 0)}) for m in range(3)]


def test_after_a_long_absence_earlier_minutes_are_counted_by_version_alone() -> None:
    logs = Logs()
    for minute in range(30):
        part(logs, STABLE, 3, at=NOW + minute * MINUTE)
    found = reader(logs).with_clusters(release(), tuple(map(window, range(30)))).windows
    assert [bool(each.clusters) for each in found] == [False] * 10 + [True] * 20


@pytest.mark.parametrize("trouble", ["group", "failing", "slow"])
def test_windows_are_held_for_a_while_and_then_judged_as_they_are(
    trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    logs = Logs(fails=lambda: trouble == "failing", polls=lambda: 10**9 if trouble == "slow" else 0)
    groups = {} if trouble == "group" else {"sentiment": GROUP}
    counting = LogClusters("shop", groups, logs, pause=lambda _: None)
    why = {"group": "the log group of sentiment", "failing": "too many queries", "slow": "is still running"}[trouble]
    for minutes in (1, 2):
        assert counting.with_clusters(release(), tuple(map(window, range(minutes)))) == CountedWindows(())
    assert why in caplog.text
    found = counting.with_clusters(release(), tuple(map(window, range(3))))
    assert found.windows == tuple(map(window, range(3)))
    assert why in found.problems[0]
    if trouble == "slow":
        assert len(logs.started) == 3  # each minute was asked for once


@pytest.mark.parametrize("seed", range(20))
def test_no_minute_is_lost_or_counted_twice_whatever_fails(seed: int) -> None:
    """Queries are slow or fail, controllers lose their memory or their pass; each minute has its buckets or none."""
    chance = random.Random(seed)  # noqa: S311 - chance of a test
    logs = Logs(polls=lambda: chance.choice((0, 1, 40)), fails=lambda: chance.random() < 0.3)
    record, counting, judged = release(), reader(logs), list[Window]()
    written: list[Counter[int]] = []
    for minute in range(40):
        written.append(Counter(chance.randrange(BUCKETS) for _ in range(chance.randrange(4))))
        for bucket in written[-1].elements():
            part(logs, STABLE, bucket, at=NOW + minute * MINUTE + timedelta(seconds=59))
        if minute == 30:
            logs.polls, logs.fails = (lambda: 0), (lambda: False)
        if chance.random() < 0.2:
            counting = reader(logs)
        first = (record.judged_until - NOW) // MINUTE
        found = counting.with_clusters(record, tuple(map(window, range(first, minute + 1)))).windows
        if minute > 35 or chance.random() < 0.8:  # otherwise another pass has overtaken this one
            record = analyze(record, Evidence(Observed(), found)).record
            judged += found
    assert [each.start for each in judged] == [NOW + minute * MINUTE for minute in range(len(judged))]
    assert len(judged) == 40
    sums = [dict(of_minute) for of_minute in written]
    for each, expected in zip(judged, sums, strict=False):
        clusters = each.clusters.get(STABLE, {}).get(keys.ERRORS)
        assert clusters in (None, of({bucket: (n, 0) for bucket, n in expected.items()}))
    assert all(bool(each.clusters) == bool(expected) for each, expected in list(zip(judged, sums, strict=False))[32:])


def test_the_query_is_within_the_limits_of_the_service() -> None:
    limits = tuple(number + 0.123456789 for number in range(4))
    arms = tuple(range(2, 11))
    largest = release(candidates=arms, labels=(), value_limits=limits)
    assert len(query_text("p" * 48, largest, NOW, NOW + MINUTE)) < 10_000
    for labels in range(12):
        record = release(candidates=arms, labels=tuple(map(str, range(labels))))
        rows = (1 + len(arms)) * BUCKETS * (1 + len(labels_of(record)))
        assert rows <= 10_000


def test_events_of_requests_keep_their_buckets_apart() -> None:
    event = RequestEvent()
    event.count("Failures", 1, Version="1", Bucket="3")
    event.count("Failures", 1, Version="1", Bucket="4")
    assert len(event.counts) == 2
