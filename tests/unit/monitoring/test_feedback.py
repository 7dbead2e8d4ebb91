"""One behaviour suite over both feedback stores."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes.feedback import MemoryFeedbackStore
from moto import mock_aws

from slipway.aws.table import Backoff, lazy_client
from slipway.errors import ConflictError, UnavailableError
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import Feedback, FeedbackStore
from slipway.monitoring.feedback.table import DynamoFeedbackStore

ID = PredictionId("m", 1, "0" * 24)
LABEL = Feedback(ID, label="positive")


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedbackStore]:
    if request.param == "memory":
        yield MemoryFeedbackStore()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        factory = lazy_client(region_name="eu-west-1")
        factory().create_table(
            TableName="control",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoFeedbackStore("control", client=factory)


def test_the_same_again_is_fine(store: FeedbackStore) -> None:
    assert [store.put(LABEL), store.put(LABEL), store.put(replace(LABEL))] == [True, False, False]


@pytest.mark.parametrize(
    "other",
    [
        Feedback(ID, label="negative"),
        Feedback(ID, reward=1.0),
        Feedback(ID, value=1.0),
        Feedback(ID, label="positive", time=datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_other_feedback_is_a_conflict_and_the_first_stays(store: FeedbackStore, other: Feedback) -> None:
    store.put(LABEL)
    with pytest.raises(ConflictError, match=str(ID)):
        store.put(other)
    assert store.put(LABEL) is False


def test_other_predictions_are_others(store: FeedbackStore) -> None:
    assert store.put(LABEL)
    assert store.put(Feedback(ID._replace(version=2), label="negative"))


def test_a_table_that_is_down_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    nobody = lazy_client(region_name="eu-west-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="feedback store"):
        DynamoFeedbackStore("control", client=nobody, backoff=Backoff(attempts=1)).put(LABEL)
