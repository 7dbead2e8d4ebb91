"""Every feedback store counts rewards alike: each once, by the time of its prediction."""

from datetime import timedelta
from typing import Any

import pytest
from fakes.feedback import MemoryFeedbackStore
from support.releases.records import NOW

from slipway.errors import ConflictError
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import Feedback, Rewards
from slipway.monitoring.feedback.table import DynamoFeedbackStore

Store = MemoryFeedbackStore | DynamoFeedbackStore
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "dynamodb"])
def feedback(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryFeedbackStore()
    client, table = request.getfixturevalue("dynamodb"), request.getfixturevalue("control_table")
    return DynamoFeedbackStore(table, client=client)


def give(feedback: Store, number: int, reward: float, *, hours: float = 0, version: int = 2) -> bool:
    made = int((NOW + hours * HOUR).timestamp())
    return feedback.put(Feedback(PredictionId("sentiment", version, f"{made:08x}{number:014x}ff"), reward=reward))


def counted(feedback: Store, **between: Any) -> Rewards:
    return feedback.rewards("sentiment", 2, **{"since": NOW - HOUR, "until": NOW + HOUR, **between})


def test_a_reward_counts_once_however_often_it_comes(feedback: Store) -> None:
    assert give(feedback, 1, 0.5)
    assert not give(feedback, 1, 0.5)
    with pytest.raises(ConflictError):
        give(feedback, 1, 0.75)
    assert counted(feedback) == Rewards(1, 0.5, 0.25)


def test_rewards_are_of_their_version_and_time(feedback: Store) -> None:
    give(feedback, 1, 1.0)
    give(feedback, 2, 1.0, version=3)
    give(feedback, 3, 1.0, hours=-30)
    give(feedback, 4, 1.0, hours=5)
    feedback.put(Feedback(PredictionId("sentiment", 2, f"{int(NOW.timestamp()):08x}{5:014x}ff"), label="positive"))
    assert counted(feedback) == Rewards(1, 1.0, 1.0)
    assert counted(feedback, since=NOW - 31 * HOUR, until=NOW + 6 * HOUR).count == 3


def test_they_are_counted_as_finely_as_asked(dynamodb: Any, control_table: str) -> None:
    feedback = DynamoFeedbackStore(control_table, span=timedelta(minutes=1), client=dynamodb)
    start = NOW.replace(minute=3, second=0, microsecond=0)
    for number, seconds in enumerate((59, 60, 119, 120)):
        give(feedback, number, 1.0, hours=(start - NOW) / HOUR + seconds / 3600)

    minute = timedelta(minutes=1)
    assert counted(feedback, since=start + minute, until=start + 2 * minute).count == 2
    assert counted(feedback, since=start, until=start + 3 * minute).count == 4


def test_what_is_not_from_0_to_1_counts_as_the_nearer(feedback: Store) -> None:
    give(feedback, 1, -3.0)
    give(feedback, 2, 7.0)
    assert counted(feedback) == Rewards(2, 1.0, 1.0)
