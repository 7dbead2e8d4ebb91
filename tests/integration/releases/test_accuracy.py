"""Every feedback store counts labels alike: each once, whichever of label and capture comes first."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.feedback import MemoryFeedbackStore
from support.releases.records import NOW, make_release, with_traffic

from slipway.aws.table import DynamoTable
from slipway.errors import ConflictError
from slipway.monitoring.accuracy.labels import Accuracy, CapturedLabel
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.captures.parsing import label_text
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.accuracy import with_accuracy
from slipway.releases.evidence.tallies import Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.stored_evidence import stored_tallies

HOUR = timedelta(hours=1)
LATER = datetime.now(UTC) + timedelta(days=30)


class Stores:
    """A feedback store, and what captures are given to."""

    def __init__(self, feedback: Any, labels: Any) -> None:
        self.feedback = feedback
        self.labels = labels

    def capture(self, number: int, label: str, *, expires: datetime = LATER, **when: Any) -> None:
        self.labels.captured([CapturedLabel(prediction(number, **when), label, expires)])

    def label(self, number: int, label: str, **when: Any) -> bool:
        stored: bool = self.feedback.put(Feedback(prediction(number, **when), label=label))
        return stored

    def counted(self, version: int = 2, since: datetime = NOW - HOUR, until: datetime = NOW + HOUR) -> Accuracy:
        accuracy: Accuracy = self.feedback.accuracy("sentiment", version, since, until)
        return accuracy


def prediction(number: int, *, hours: float = 0, version: int = 2) -> PredictionId:
    made = int((NOW + hours * HOUR).timestamp())
    return PredictionId("sentiment", version, f"{made:08x}{number:014x}ff")


@pytest.fixture
def tables(dynamodb: Any, control_table: str) -> Stores:
    return sides(dynamodb, control_table)


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        memory = MemoryFeedbackStore()
        return Stores(memory, memory)
    stores: Stores = request.getfixturevalue("tables")
    return stores


def test_a_label_counts_whichever_comes_first(stores: Stores) -> None:
    stores.capture(1, "positive")
    stores.label(1, "positive")
    stores.label(2, "negative")
    stores.capture(2, "positive")
    assert stores.counted() == Accuracy(2, 1)


@pytest.mark.parametrize("label_first", [True, False])
def test_a_set_of_labels_is_right_as_a_whole_and_in_any_order(stores: Stores, label_first: bool) -> None:
    for number, predicted in enumerate([["b", "a"], ["a"], []]):
        capture = CapturedLabel(prediction(number), label_text(predicted), LATER)
        told = Feedback(prediction(number), labels=frozenset({"a", "b"} if predicted else ()))
        steps = [lambda told=told: stores.feedback.put(told), lambda one=capture: stores.labels.captured([one])]
        for step in steps if label_first else reversed(steps):
            step()
    assert stores.counted() == Accuracy(3, 1)


def test_it_counts_once_however_often_either_comes(stores: Stores) -> None:
    for _ in range(2):
        stores.capture(1, "positive")
        stores.label(1, "negative")
    stores.capture(1, "positive")
    with pytest.raises(ConflictError):
        stores.label(1, "positive")
    assert stores.counted() == Accuracy(1, 1)


def test_only_what_was_captured_and_labelled_counts(stores: Stores) -> None:
    stores.label(1, "positive")
    stores.capture(2, "positive")
    stores.feedback.put(Feedback(prediction(2), reward=1.0))
    stores.capture(3, "positive")
    assert stores.counted() == Accuracy()


def test_late_labels_are_of_the_version_and_time_of_the_prediction(stores: Stores) -> None:
    for number, when in enumerate([{}, {"version": 3}, {"hours": -30}, {"hours": 5}]):
        stores.capture(number, "positive", **when)
        stores.label(number, "negative", **when)
    assert stores.counted() == Accuracy(1, 1)
    assert stores.counted(version=3) == Accuracy(1, 1)
    assert stores.counted(since=NOW - 31 * HOUR, until=NOW + 6 * HOUR) == Accuracy(3, 3)


def test_a_capture_that_has_expired_is_none(stores: Stores) -> None:
    stores.capture(1, "positive", expires=datetime.now(UTC) - HOUR)
    stores.label(1, "positive")
    assert stores.counted() == Accuracy()


def test_an_expired_capture_that_dynamodb_has_not_removed_is_none(
    tables: Stores, dynamodb: Any, control_table: str
) -> None:
    tables.capture(1, "positive")
    key = {"pk": {"S": f"feedback#{prediction(1)}"}, "sk": {"S": "capture"}}
    (item,) = [dynamodb().get_item(TableName=control_table, Key=key)["Item"]]
    assert int(item["expires_at"]["N"]) == int(LATER.timestamp())
    dynamodb().put_item(TableName=control_table, Item={**item, "expires_at": {"N": "1"}})
    tables.label(1, "positive")
    assert tables.counted() == Accuracy()


def test_many_captures_at_once_are_joined_with_what_is_there(tables: Stores) -> None:
    for number in range(0, 130, 3):
        tables.label(number, "positive" if number % 2 else "negative")
    labels = [CapturedLabel(prediction(number), "positive", LATER) for number in range(130)]
    tables.labels.captured([*labels, labels[0]])
    assert tables.counted() == Accuracy(44, 22)


class Disturbed:
    """A DynamoDB client that does something before or after its call of one number."""

    def __init__(self, client: Any, call: int, disturb: Callable[[], object], *, after: bool) -> None:
        self._client = client
        self._call = call
        self._disturb = disturb
        self._after = after
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**request: Any) -> Any:
            self._calls += 1
            if self._calls == self._call and not self._after:
                self._disturb()
            answer = method(**request)
            if self._calls == self._call and self._after:
                self._disturb()
            return answer

        return call


def sides(client: Any, table: str) -> Stores:
    return Stores(DynamoFeedbackStore(table, client=client), labels_in(table, client))


def labels_in(table: str, client: Any) -> DynamoLabelStore:
    return DynamoLabelStore(DynamoTable(table, dependency="feedback store", client=client))


CALLS = [(call, after) for call in (1, 2, 3) for after in (False, True)]


@pytest.mark.parametrize("first", ["label", "capture"])
@pytest.mark.parametrize(("call", "after"), CALLS)
def test_a_label_and_its_capture_at_once_are_counted_once(
    dynamodb: Any, control_table: str, first: str, call: int, after: bool
) -> None:
    plain = sides(dynamodb, control_table)
    acts = {"label": lambda on: on.label(1, "negative"), "capture": lambda on: on.capture(1, "positive")}
    (other,) = [act for name, act in acts.items() if name != first]
    disturbed = Disturbed(dynamodb(), call, lambda: other(plain), after=after)
    acts[first](sides(lambda: disturbed, control_table))
    if plain.counted() != Accuracy(1, 1):  # there were less calls, so the other comes afterwards
        assert call == 3
        other(plain)
    assert plain.counted() == Accuracy(1, 1)


class Death(BaseException):
    """The process ends."""


@pytest.mark.parametrize("dying", ["label", "capture"])
@pytest.mark.parametrize("other_first", [False, True])
@pytest.mark.parametrize("at", CALLS)
def test_whoever_dies_at_a_call_and_tries_again_counts_once(
    dynamodb: Any, control_table: str, dying: str, other_first: bool, at: tuple[int, bool]
) -> None:
    plain = sides(dynamodb, control_table)
    acts = {"label": lambda on: on.label(1, "negative"), "capture": lambda on: on.capture(1, "positive")}
    (other,) = [act for name, act in acts.items() if name != dying]

    def die() -> None:
        raise Death

    if other_first:
        other(plain)
    disturbed = Disturbed(dynamodb(), at[0], die, after=at[1])
    with suppress(Death):
        acts[dying](sides(lambda: disturbed, control_table))
    if not other_first:
        other(plain)
    for _ in range(2):
        acts[dying](plain)
    assert plain.counted() == Accuracy(1, 1)


def test_rewards_and_labels_do_not_mix(stores: Stores) -> None:
    stores.capture(1, "positive")
    stores.label(1, "positive")
    stores.feedback.put(Feedback(replace_random(prediction(1)), reward=1.0))
    assert stores.counted() == Accuracy(1, 0)
    assert stores.feedback.rewards("sentiment", 2, NOW - HOUR, NOW + HOUR).count == 1


def replace_random(of: PredictionId) -> PredictionId:
    return of._replace(random=of.random[:-1] + "e")


DAY = timedelta(days=1)


def release() -> ReleaseRecord:
    return with_traffic(make_release("sentiment"))


def seen(record: ReleaseRecord, window: Window) -> ReleaseRecord:
    """The record once it has taken a window in."""
    totals = dict(record.totals)
    for version, tallies in window.arms.items():
        totals[version] = stored_tallies({keys.ACCURACY: record.total(version, keys.ACCURACY) + tallies[keys.ACCURACY]})
    return record.model_copy(update={"totals": totals})


def test_a_look_takes_in_the_labels_that_came_since_the_last_each_to_its_version(stores: Stores) -> None:
    record, empty = release(), Window(NOW, NOW + HOUR, {})
    assert with_accuracy(record, empty, stores.feedback) == empty
    for number, (version, label) in enumerate([(1, "positive"), (2, "negative"), (2, "positive")]):
        stores.capture(number, "positive", version=version)
        stores.label(number, label, version=version)
    first = with_accuracy(record, Window(NOW, NOW + HOUR, {2: {keys.ERRORS: Tally(9, 0)}}), stores.feedback)
    assert first.arms == {1: {keys.ACCURACY: Tally(1, 0)}, 2: {keys.ERRORS: Tally(9, 0), keys.ACCURACY: Tally(2, 1)}}
    record = seen(record, first)
    assert with_accuracy(record, empty, stores.feedback) == empty
    # Of a prediction of the first hour, known a day later.
    stores.capture(9, "positive")
    stores.label(9, "negative")
    late = with_accuracy(record, Window(NOW + DAY, NOW + DAY + HOUR, {}), stores.feedback)
    assert late.arms == {2: {keys.ACCURACY: Tally(1, 1)}}


def test_labels_of_predictions_from_before_the_release_do_not_count(stores: Stores) -> None:
    stores.capture(1, "positive", hours=-2)
    stores.label(1, "negative", hours=-2)
    empty = Window(NOW, NOW + HOUR, {})
    assert with_accuracy(release(), empty, stores.feedback) == empty


def test_labels_of_predictions_that_the_stable_version_made_alone_do_not_count(stores: Stores) -> None:
    stores.capture(1, "positive", version=1)
    stores.label(1, "negative", version=1)
    empty = Window(NOW, NOW + HOUR, {})
    for record in (make_release("sentiment"), with_traffic(make_release("sentiment"), since=NOW)):
        assert with_accuracy(record, empty, stores.feedback) == empty


def test_counters_that_are_behind_the_record_bring_nothing(stores: Stores) -> None:
    window = Window(NOW, NOW + HOUR, {2: {keys.ACCURACY: Tally(5, 5)}})
    record = seen(release(), window)
    for number in range(6):
        stores.capture(number, "positive")
        stores.label(number, "positive")
    empty = Window(NOW, NOW + HOUR, {})
    assert with_accuracy(record, empty, stores.feedback) == empty
