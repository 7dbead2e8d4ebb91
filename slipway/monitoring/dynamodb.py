"""Feedback in the DynamoDB table `control`, and the counters of rewards."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from slipway.dynamodb import DynamoTable, Item, Request
from slipway.monitoring.feedback import Feedback, Rewards, bucket, contradiction
from slipway.monitoring.prediction_ids import PredictionId

if TYPE_CHECKING:
    from slipway.dynamodb import Backoff, ClientFactory

_ABSENT = "attribute_not_exists(pk)"
# Writers of one counter get into each other's way, so there are some of each.
_SHARDS = 8
_BUCKET_FORMAT = "%Y%m%dT%H%M"
_DAY_FORMAT = "%Y%m%d"


class DynamoFeedbackStore:
    """A `FeedbackStore` of one item per prediction id, put under the condition that there is none.

    A reward is added to its version's counters in the same transaction, so it is counted once, however often it comes.
    The counters are under `reward#{model}`, by version and the time of the prediction: `{version}#{time}#{shard}`.
    """

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: "Backoff | None" = None) -> None:
        self._table = DynamoTable(table, dependency="feedback store", client=client, backoff=backoff)

    def put(self, feedback: Feedback) -> bool:
        item = _item(feedback)
        stored = self._put_and_count(item, feedback) if feedback.reward is not None else self._put(item)
        if stored is not None and stored.get("content") != item["content"]:
            raise contradiction(feedback)
        return stored is None

    def rewards(self, model: str, version: int, since: datetime, until: datetime) -> Rewards:
        first, found = bucket(since), Rewards()
        for day in _days(first, until):
            for item in self._table.query(f"reward#{model}", f"{version:08d}#{day:{_DAY_FORMAT}}"):
                text = item["sk"]["S"].split("#")[1]
                if first <= datetime.strptime(text, _BUCKET_FORMAT).replace(tzinfo=UTC) < until:
                    found += Rewards(int(item["count"]["N"]), float(item["total"]["N"]), float(item["squares"]["N"]))
        return found

    def _put(self, item: Item) -> Item | None:
        return self._table.put_if(item, _ABSENT)

    def _put_and_count(self, item: Item, feedback: Feedback) -> Item | None:
        reward = Rewards.of(feedback.reward or 0.0)
        put: Request = {"Put": {"Item": item, "ConditionExpression": _ABSENT}}
        add: Request = {
            "Key": _counter(feedback.prediction),
            "UpdateExpression": "ADD #c :one, #t :reward, #s :square",
            "ExpressionAttributeNames": {"#c": "count", "#t": "total", "#s": "squares"},
            "ExpressionAttributeValues": {
                ":one": {"N": "1"},
                ":reward": {"N": repr(reward.total)},
                ":square": {"N": repr(reward.squares)},
            },
        }
        refused = self._table.transact([put, {"Update": add}])
        return None if refused is None else refused[0]


def _days(first: datetime, until: datetime) -> Iterator[datetime]:
    day = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < until:
        yield day
        day += timedelta(days=1)


def _counter(prediction: PredictionId) -> Item:
    made = bucket(prediction.made_at).strftime(_BUCKET_FORMAT)
    shard = int(prediction.random[-2:], 16) % _SHARDS
    sort = f"{prediction.version:08d}#{made}#{shard}"
    return {"pk": {"S": f"reward#{prediction.model}"}, "sk": {"S": sort}}


def _item(feedback: Feedback) -> Item:
    prediction = feedback.prediction
    return {
        "pk": {"S": f"feedback#{prediction}"},
        "sk": {"S": "feedback"},
        "model": {"S": prediction.model},
        "version": {"N": str(prediction.version)},
        "content": {"S": json.dumps(feedback.content(), sort_keys=True)},
        "received": {"S": datetime.now(UTC).isoformat()},
    }
