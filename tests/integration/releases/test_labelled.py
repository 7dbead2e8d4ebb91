"""What was labelled is listed once by the hour of its prediction, whichever of label and capture comes first."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.aws.table import DynamoTable
from slipway.errors import ConflictError
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.accuracy.labels import CapturedLabel
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.monitoring.steps import Labelled

NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = datetime.now(UTC) + timedelta(days=400)
ANSWER = {"label": "positive"}


class Table:
    """Both writers and the reader of one table."""

    def __init__(self, name: str, client: Any) -> None:
        table = DynamoTable(name, dependency="control table", client=client)
        self.feedback = DynamoFeedbackStore(name, client=client)
        self.labels = DynamoLabelStore(table)
        self.reader = DynamoLabelled(table)

    def capture(self, number: int, answer: dict[str, Any] | None = None, **changed: Any) -> None:
        given = ANSWER if answer is None else answer
        fields = {"score": 0.75, "segments": {"origin": "JFK"}, **changed}
        self.labels.captured([CapturedLabel(prediction(number), given.get("label"), LATER, given, **fields)])

    def label(self, number: int, label: str = "negative", probability: float | None = None) -> None:
        self.feedback.put(Feedback(prediction(number), label=label, probability=probability))

    def listed(self) -> list[Labelled]:
        return self.reader.labelled("sentiment", NOON, NOON + HOUR)

    def drawn(self) -> list[float | None]:
        return [each.probability for each in self.reader.drawn("sentiment")]


def prediction(number: int, *, minutes: int = 5, version: int = 2) -> PredictionId:
    made = int((NOON + timedelta(minutes=minutes)).timestamp())
    return PredictionId("sentiment", version, f"{made:08x}{number:014x}ff")


@pytest.fixture
def table(dynamodb: Any, control_table: str) -> Table:
    return Table(control_table, dynamodb)


@pytest.mark.parametrize("label_first", [True, False])
def test_it_is_listed_whole_whichever_comes_first(table: Table, label_first: bool) -> None:
    steps: list[Callable[[], None]] = [lambda: table.capture(1), lambda: table.label(1)]
    for step in reversed(steps) if label_first else steps:
        for _ in range(2):
            step()
    expected = Labelled(str(prediction(1)), 2, "positive", "negative", 0.75, {"origin": "JFK"}, None)
    assert table.listed() == [expected]
    assert table.drawn() == []


@pytest.mark.parametrize(
    ("answer", "given", "true"),
    [
        ({"labels": ["b", "a"]}, {"labels": frozenset("ab")}, ("a", "b")),
        ({"value": 3.5}, {"value": 4.0}, 4.0),
        ({"values": {"x": 1.0, "y": 2.0}}, {"values": {"x": 1.5, "y": 2.0}}, {"x": 1.5, "y": 2.0}),
    ],
)
@pytest.mark.parametrize("label_first", [True, False])
def test_sets_of_labels_and_values_are_listed_too(
    table: Table, answer: dict[str, Any], given: dict[str, Any], true: Any, label_first: bool
) -> None:
    feedback = Feedback(prediction(1), **given)
    steps = [lambda: table.capture(1, answer), lambda: table.feedback.put(feedback)]
    for step in reversed(steps) if label_first else steps:
        step()
    (found,) = table.listed()
    assert (found.true, found.score) == (true, 0.75)


def test_an_answer_of_another_form_and_a_reward_are_not_listed(table: Table) -> None:
    table.capture(1, {"value": 1.0})
    table.label(1)
    table.capture(2)
    table.feedback.put(Feedback(prediction(2), reward=1.0))
    assert table.listed() == []


def test_hours_and_models_are_apart(table: Table) -> None:
    for number, minutes in enumerate((-1, 0, 59, 60)):
        made = prediction(number, minutes=minutes)
        table.labels.captured([CapturedLabel(made, "positive", LATER, ANSWER)])
        table.feedback.put(Feedback(made, label="positive"))
    assert len(table.listed()) == 2
    assert len(table.reader.labelled("sentiment", NOON - HOUR, NOON + 2 * HOUR)) == 4
    assert table.reader.labelled("other", NOON - HOUR, NOON + 2 * HOUR) == []


@pytest.mark.parametrize("order", [("capture", "drawn"), ("drawn", "capture"), ("label", "capture", "drawn")])
def test_a_drawn_label_is_listed_with_its_probability(table: Table, order: tuple[str, ...]) -> None:
    acts = {
        "capture": lambda: table.capture(1),
        "label": lambda: table.label(1),
        "drawn": lambda: table.label(1, probability=0.125),
    }
    for name in order:
        acts[name]()
    assert [each.probability for each in table.listed()] == [0.125]
    assert table.drawn() == [0.125]


def test_one_that_came_of_itself_is_listed_as_drawn_before_its_capture_comes(table: Table) -> None:
    table.label(1)
    table.label(1, probability=0.5)
    table.capture(1)
    assert table.drawn() == [0.5]


def test_drawn_twice_it_has_the_greater_probability(table: Table) -> None:
    table.capture(1)
    for probability in (0.125, 0.5, 0.25):
        table.label(1, probability=probability)
    assert table.drawn() == [0.5]
    assert [each.probability for each in table.listed()] == [0.5]
    assert table.feedback.accuracy("sentiment", 2, NOON, NOON + HOUR).count == 1


def test_a_drawn_record_whose_user_said_otherwise_counts_with_what_is_stored(table: Table) -> None:
    table.capture(1)
    table.label(1, "neutral")
    with pytest.raises(ConflictError):
        table.label(1, "negative", probability=0.25)
    (found,) = table.listed()
    assert (found.true, found.probability) == ("neutral", 0.25)
    assert table.drawn() == [0.25]


def test_a_capture_of_an_earlier_version_of_the_table_still_counts_and_is_listed(
    table: Table, dynamodb: Any, control_table: str
) -> None:
    key = {"pk": {"S": f"feedback#{prediction(1)}"}, "sk": {"S": "capture"}}
    old = {**key, "label": {"S": "positive"}, "expires_at": {"N": str(int(LATER.timestamp()))}}
    dynamodb().put_item(TableName=control_table, Item=old)
    table.label(1, "positive")
    assert table.feedback.accuracy("sentiment", 2, NOON, NOON + HOUR).count == 1
    (found,) = table.listed()
    assert (found.predicted, found.true, found.score) == ("positive", "positive", None)


def test_what_has_expired_is_not_listed(table: Table, dynamodb: Any, control_table: str) -> None:
    table.capture(1)
    table.label(1, probability=0.5)
    for item in dynamodb().scan(TableName=control_table)["Items"]:
        if item["pk"]["S"].startswith("labelled#"):
            assert int(item["expires_at"]["N"]) == int(LATER.timestamp())
            dynamodb().put_item(TableName=control_table, Item={**item, "expires_at": {"N": "1"}})
    assert (table.listed(), table.drawn()) == ([], [])


class Death(BaseException):
    """The process ends."""


class Dying:
    """A DynamoDB client that ends the process before or after its call of one number."""

    def __init__(self, client: Any, call: int, *, after: bool) -> None:
        self._client, self._call, self._after, self._calls = client, call, after, 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**request: Any) -> Any:
            self._calls += 1
            if self._calls == self._call and not self._after:
                raise Death
            answer = method(**request)
            if self._calls == self._call and self._after:
                raise Death
            return answer

        return call


@pytest.mark.parametrize("labelled_before", [False, True])
@pytest.mark.parametrize(("call", "after"), [(call, after) for call in range(1, 6) for after in (False, True)])
def test_whoever_dies_at_a_call_and_tries_again_lists_once(
    dynamodb: Any, control_table: str, call: int, after: bool, labelled_before: bool
) -> None:
    plain = Table(control_table, dynamodb)
    plain.capture(1)
    if labelled_before:
        plain.label(1)
    dying = Dying(dynamodb(), call, after=after)
    with suppress(Death):
        Table(control_table, lambda: dying).label(1, probability=0.5)
    plain.label(1, probability=0.5)
    assert plain.drawn() == [0.5]
    assert [each.probability for each in plain.listed()] == [0.5]
    assert plain.feedback.accuracy("sentiment", 2, NOON, NOON + HOUR).count == 1
