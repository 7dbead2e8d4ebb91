"""Every feedback store counts clicks on impressions alike: each once, whenever and in whichever order they come."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fakes.feedback import MemoryFeedbackStore

from slipway.errors import ConflictError
from slipway.monitoring.feedback.impressions import KEPT
from slipway.monitoring.feedback.prediction_ids import PredictionId, release_tag
from slipway.monitoring.feedback.store import Feedback, Rewards
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.releases.statistics.interleaving import Pick, Team, preferred

Store = MemoryFeedbackStore | DynamoFeedbackStore
NOW = datetime.now(UTC)
TAG, OTHER = release_tag("one"), release_tag("other")


@pytest.fixture(params=["memory", "dynamodb"])
def feedback(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryFeedbackStore()
    client, table = request.getfixturevalue("dynamodb"), request.getfixturevalue("control_table")
    return DynamoFeedbackStore(table, client=client)


def item(impression: int, place: int, version: int, *, tag: str = TAG, made: datetime = NOW) -> PredictionId:
    return PredictionId("search", version, f"{int(made.timestamp()):08x}{impression:014x}ff", place, tag)


def click(feedback: Store, *id: Any, reward: float = 1.0, **more: Any) -> bool:
    return feedback.put(Feedback(item(*id, **more), reward=reward))


def test_an_impression_moves_from_result_to_result_as_clicks_come(feedback: Store) -> None:
    assert feedback.wins("search", TAG) == {}
    steps = [(0, 2, {2: 1}), (1, 1, {}), (2, 1, {1: 1}), (3, 2, {}), (4, 2, {2: 1})]
    for place, version, wins in steps:
        assert click(feedback, 7, place, version)
        assert {v: n for v, n in feedback.wins("search", TAG).items() if n} == wins


def test_a_click_counts_once_however_often_it_comes(feedback: Store) -> None:
    assert click(feedback, 1, 0, 1)
    assert not click(feedback, 1, 0, 1)
    with pytest.raises(ConflictError):
        click(feedback, 1, 0, 1, reward=0.5)
    click(feedback, 1, 1, 2)
    assert Counter(feedback.wins("search", TAG)) == Counter()
    assert feedback.rewards("search", 1, NOW - timedelta(hours=1), NOW + timedelta(hours=1)) == Rewards(1, 1.0, 1.0)


def test_impressions_are_of_their_release_and_model(feedback: Store) -> None:
    click(feedback, 1, 0, 1)
    click(feedback, 2, 0, 2, tag=OTHER)
    click(feedback, 3, 0, 2, tag="")
    assert feedback.wins("search", TAG) == {1: 1}
    assert feedback.wins("search", OTHER) == {2: 1}
    assert feedback.wins("shop", TAG) == {}


def test_what_is_no_click_moves_nothing(feedback: Store) -> None:
    click(feedback, 1, 0, 1, reward=0.0)
    click(feedback, 1, 1, 1, reward=-1.0)
    feedback.put(Feedback(item(1, 2, 1), label="bought"))
    assert feedback.wins("search", TAG) == {}


def test_a_late_click_counts_until_its_impression_is_forgotten(feedback: Store) -> None:
    assert click(feedback, 1, 0, 1, made=NOW - KEPT + timedelta(hours=1))
    assert click(feedback, 2, 0, 1, made=NOW - KEPT - timedelta(hours=1))
    assert feedback.wins("search", TAG) == {1: 1}


def test_any_clicks_in_any_order_give_what_the_draft_says(feedback: Store) -> None:
    chance = np.random.default_rng(5)
    teams = {Team.STABLE: 1, Team.CANDIDATE: 2}
    picks = {n: [Pick(place, list(Team)[chance.integers(2)]) for place in range(4)] for n in range(12)}
    clicked = [(n, pick) for n, shown in picks.items() for pick in shown if chance.random() < 0.5]
    for place in chance.permutation(len(clicked)):
        n, pick = clicked[place]
        click(feedback, n, pick.item, teams[pick.team])
    winners = [preferred(shown, {p.item for i, p in clicked if i == n}) for n, shown in picks.items()]
    expected = Counter(teams[winner] for winner in winners if winner)
    assert {v: n for v, n in feedback.wins("search", TAG).items() if n} == expected


class Overtaken:
    """A client whose first transaction comes just after somebody else's."""

    def __init__(self, client: Any, before: Callable[[], object]) -> None:
        self._client = client
        self._before: Callable[[], object] | None = before

    def __getattr__(self, name: str) -> Any:
        if name == "transact_write_items" and self._before is not None:
            before, self._before = self._before, None
            before()
        return getattr(self._client, name)


def test_of_two_clicks_at_once_the_second_moves_what_the_first_has_left(dynamodb: Any, control_table: str) -> None:
    first = DynamoFeedbackStore(control_table, client=dynamodb)
    client = Overtaken(dynamodb(), lambda: click(first, 1, 0, 1))
    assert click(DynamoFeedbackStore(control_table, client=lambda: client), 1, 1, 2)
    assert set(first.wins("search", TAG).values()) == {0}
    client = Overtaken(dynamodb(), lambda: click(first, 1, 2, 2))
    assert click(DynamoFeedbackStore(control_table, client=lambda: client), 1, 3, 1)
    assert set(first.wins("search", TAG).values()) == {0}


def test_of_one_click_told_twice_at_once_one_counts(dynamodb: Any, control_table: str) -> None:
    first = DynamoFeedbackStore(control_table, client=dynamodb)
    client = Overtaken(dynamodb(), lambda: click(first, 1, 0, 1))
    assert not click(DynamoFeedbackStore(control_table, client=lambda: client), 1, 0, 1)
    assert first.wins("search", TAG) == {1: 1}


def test_what_is_kept_of_an_impression_expires(dynamodb: Any, control_table: str) -> None:
    click(DynamoFeedbackStore(control_table, client=dynamodb), 1, 0, 1)
    stored = dynamodb().scan(TableName=control_table)["Items"]
    (impression,) = [each for each in stored if each["pk"]["S"].startswith("impression#search#")]
    assert int(impression["expires_at"]["N"]) == int(NOW.timestamp()) + KEPT.days * 86_400
