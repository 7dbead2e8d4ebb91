"""Every feedback store counts by bucket of the sticky value, too, in the items that it writes anyway."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.feedback import MemoryFeedbackStore
from support.releases.records import make_release, with_traffic

from slipway.aws.table import DynamoTable
from slipway.config.releases.options import AbTest, Interleave, Options
from slipway.monitoring.accuracy.labels import CapturedLabel
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.feedback.prediction_ids import PredictionId, release_tag
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.accuracy import with_accuracy
from slipway.releases.evidence.preferences import with_preferences
from slipway.releases.evidence.rewards import new_rewards
from slipway.releases.evidence.tallies import Clusters, Evidence, Observed, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.strategies.analysis import analyze

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
MODEL, STABLE, CANDIDATE = "sentiment", 1, 2
WRITE_UNIT = 1024


@dataclass
class Stores:
    """A feedback store, what captures are given to, and how many predictions there were."""

    feedback: Any
    labels: Any
    made: int = 0
    record: ReleaseRecord = field(default_factory=lambda: release(AbTest(sticky="user")))

    def prediction(self, version: int, bucket: int, *item: Any) -> PredictionId:
        self.made += 1
        return PredictionId(MODEL, version, f"{int(NOW.timestamp()):08x}{self.made:014x}{bucket:02x}", *item)

    def reward(self, version: int, bucket: int, reward: float) -> None:
        self.feedback.put(Feedback(self.prediction(version, bucket), reward=reward))

    def label(self, version: int, bucket: int, *, wrong: bool) -> None:
        prediction = self.prediction(version, bucket)
        self.labels.captured([CapturedLabel(prediction, "positive", NOW + 30 * 24 * HOUR)])
        self.feedback.put(Feedback(prediction, label="negative" if wrong else "positive"))

    def click(self, version: int, bucket: int) -> None:
        tag = release_tag(self.record.salt)
        self.feedback.put(Feedback(self.prediction(version, bucket, 0, tag), reward=1.0))

    def take_in(self, window: Window) -> None:
        self.record = analyze(self.record, Evidence(Observed(), (window,))).record


def release(options: Options) -> ReleaseRecord:
    return with_traffic(make_release(MODEL, options=options, now=NOW - 2 * HOUR), since=NOW - 2 * HOUR)


def window(record: ReleaseRecord) -> Window:
    return Window(record.judged_until, max(NOW, record.judged_until) + timedelta(minutes=1), {})


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        memory = MemoryFeedbackStore()
        return Stores(memory, memory)
    client, table = request.getfixturevalue("dynamodb"), request.getfixturevalue("control_table")
    labels = DynamoLabelStore(DynamoTable(table, dependency="feedback store", client=client))
    return Stores(DynamoFeedbackStore(table, client=client), labels)


def of(sums: dict[int, tuple[float, float]]) -> Clusters:
    pairs = [sums.get(bucket, (0.0, 0.0)) for bucket in range(BUCKETS)]
    return Clusters(tuple(n for n, _ in pairs), tuple(total for _, total in pairs))


def near(one: Clusters, other: Clusters) -> bool:
    return one.n == pytest.approx(other.n) and one.total == pytest.approx(other.total, abs=1e-6)


def look(stores: Stores) -> Window:
    """Rewards and labels of one look, taken into the record."""
    found = with_accuracy(stores.record, window(stores.record), stores.feedback)
    for version in (STABLE, CANDIDATE):
        new = new_rewards(stores.record, version, found.end, stores.feedback, lambda *_: 0.0)
        if new is not None:
            found = found.with_tally(version, keys.REWARD, new.tally, new.clusters)
    stores.take_in(found)
    return found


def test_rewards_and_labels_come_by_bucket_each_once(stores: Stores) -> None:
    for version, bucket, reward in ((1, 0, 1.0), (2, 0, 0.25), (2, 127, 1.0), (2, 127, 0.5)):
        stores.reward(version, bucket, reward)
    for bucket, wrong in ((5, True), (5, False), (6, False)):
        stores.label(CANDIDATE, bucket, wrong=wrong)
    first = look(stores)
    assert first.clusters[STABLE] == {keys.REWARD: of({0: (1, 1.0)})}
    assert first.clusters[CANDIDATE][keys.REWARD] == of({0: (1, 0.25), 127: (2, 1.5)})
    assert first.clusters[CANDIDATE][keys.ACCURACY] == of({5: (2, 1), 6: (1, 0)})
    assert look(stores).clusters == {}

    stores.reward(CANDIDATE, 127, 0.1)
    stores.label(CANDIDATE, 6, wrong=True)
    second = look(stores)
    assert near(second.clusters[CANDIDATE][keys.REWARD], of({127: (1, 0.1)}))
    assert near(second.clusters[CANDIDATE][keys.ACCURACY], of({6: (1, 1)}))
    for key in (keys.REWARD, keys.ACCURACY):
        total, clusters = stores.record.total(CANDIDATE, key), stores.record.clustered(CANDIDATE, key)
        assert clusters is not None
        assert (sum(clusters.n), sum(clusters.total)) == pytest.approx((total.n, total.total))


def test_outcomes_without_a_bucket_are_in_the_total_alone(stores: Stores) -> None:
    stores.reward(CANDIDATE, 0xFF, 1.0)
    stores.label(CANDIDATE, 0x80, wrong=True)
    found = look(stores)
    assert set(found.arms[CANDIDATE]) == {keys.REWARD, keys.ACCURACY}
    assert found.clusters == {}


def test_wins_move_between_versions_in_their_bucket(stores: Stores) -> None:
    stores.record = release(Interleave(sticky="user"))

    def seen() -> Window:
        found = with_preferences(stores.record, window(stores.record), stores.feedback, 0)
        stores.take_in(found)
        return found

    for version, bucket in ((CANDIDATE, 3), (CANDIDATE, 3), (STABLE, 3), (STABLE, 4)):
        stores.click(version, bucket)
    assert seen().clusters == {CANDIDATE: {keys.PREFERRED: of({3: (3, 2), 4: (1, 0)})}}
    assert seen().clusters == {}

    # One impression of bucket 4 goes from the stable version to a tie, and then to the candidate.
    tag, same = release_tag(stores.record.salt), stores.prediction(CANDIDATE, 4).random
    last = f"{same[:8]}{4:014x}04"
    for item in (1, 2):
        stores.feedback.put(Feedback(PredictionId(MODEL, CANDIDATE, last, item, tag), reward=1.0))
    assert seen().clusters == {CANDIDATE: {keys.PREFERRED: of({4: (0, 1)})}}
    assert stores.record.clustered(CANDIDATE, keys.PREFERRED) == of({3: (3, 2), 4: (1, 1)})
    total = stores.record.total(CANDIDATE, keys.PREFERRED)
    assert (total.n, total.total) == (4, 3)


def test_without_a_sticky_name_nobody_asks_for_buckets(stores: Stores) -> None:
    stores.record = release(Interleave())
    stores.click(CANDIDATE, 3)
    assert with_preferences(stores.record, window(stores.record), stores.feedback, 0).clusters == {}


def size(item: dict[str, Any]) -> int:
    """The bytes of an item: names and texts in UTF-8, and a number's digits at two a byte, and two bytes more."""
    return sum(
        len(name) + (len(value["S"]) if "S" in value else (len(value["N"].strip("-0.").replace(".", "")) + 1) // 2 + 2)
        for name, value in item.items()
    )


def test_an_item_with_all_its_buckets_is_one_write_unit(dynamodb: Any, control_table: str) -> None:
    name, shard = "m" * 48, 5
    feedback = DynamoFeedbackStore(control_table, client=dynamodb)
    labels = DynamoLabelStore(DynamoTable(control_table, dependency="feedback store", client=dynamodb))
    made = 0
    for bucket in range(shard, BUCKETS, 8):
        for reward in (0.1234567890123456, 1 / 3, 1e-5 / 3):
            for version in (10**9, 10**9 + 1):
                made += 1
                random = f"{int(NOW.timestamp()):08x}{made:014x}{bucket:02x}"
                prediction = PredictionId(name, version, random, 0, release_tag("r"))
                feedback.put(Feedback(prediction, reward=reward))
                labelled = prediction._replace(item=1)
                labels.captured([CapturedLabel(labelled, "positive", NOW + 24 * HOUR)])
                feedback.put(Feedback(labelled, label="negative"))
    items = [each for each in dynamodb().scan(TableName=control_table)["Items"] if each["pk"]["S"] == f"reward#{name}"]
    assert {item["sk"]["S"].split("#")[0] for item in items} >= {"wins", "accuracy"}
    assert len(items) == 5  # of rewards and labels one for each version, and one of wins
    counted = [item for item in items if "count" in item]
    assert all(f"n{bucket}" in item for item in counted for bucket in range(shard, BUCKETS, 8))
    # 38 digits are DynamoDB's most, and 12 bytes longer than the longest sums here; counts may grow by four bytes each.
    assert max(map(size, items)) + 16 * (12 + 4) < WRITE_UNIT
