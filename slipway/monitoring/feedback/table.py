"""Stores feedback in the DynamoDB table `control`, and counts it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from slipway.aws.table import DynamoTable, Item
from slipway.errors import UnavailableError
from slipway.monitoring.accuracy.labels import Accuracy, answer_of
from slipway.monitoring.accuracy.labels_table import FEEDBACK, PROBABILITY, DynamoLabelStore, feedback_key
from slipway.monitoring.feedback.bucket_sums import attributes, read_sums
from slipway.monitoring.feedback.counters import REWARD, addition, counters
from slipway.monitoring.feedback.impressions import Click
from slipway.monitoring.feedback.impressions_table import DynamoImpressions
from slipway.monitoring.feedback.store import BUCKET, Feedback, Rewards, contradiction

if TYPE_CHECKING:
    from slipway.aws.table import Backoff, ClientFactory

_ABSENT = "attribute_not_exists(pk)"
# One person sees an impression, so concurrent clicks on it are rare.
_CLICK_TRIES = 5


class DynamoFeedbackStore:
    """A `FeedbackStore` and `FeedbackCounters` with one item per prediction id, put on condition that none exists.

    The same transaction adds a reward to its version's counters, so a repeated reward counts once. It also updates the
    impression if the reward is a click on an item of an interleaved ranking. A label is stored first, then counted if
    the prediction was captured; repeated feedback retries the count. Rewards are counted in spans of ``span``.
    """

    def __init__(
        self,
        table: str,
        *,
        span: timedelta = BUCKET,
        client: "ClientFactory | None" = None,
        backoff: "Backoff | None" = None,
    ) -> None:
        self._span = span
        self._table = DynamoTable(table, dependency="feedback store", client=client, backoff=backoff)
        self._labels = DynamoLabelStore(self._table)
        self._impressions = DynamoImpressions(self._table)

    def put(self, feedback: Feedback) -> bool:
        item = _item(feedback)
        if feedback.reward is not None:
            stored = self._put_and_count(item, feedback, Rewards.of(feedback.reward, feedback.prediction.bucket))
        else:
            stored = self._table.put_if(item, _ABSENT)
        self._list(feedback, item if stored is None else stored, is_new=stored is None)
        if stored is not None and stored.get("content") != item["content"]:
            raise contradiction(feedback)
        return stored is None

    def rewards(self, model: str, version: int, since: datetime, until: datetime) -> Rewards:
        found = counters(self._table, REWARD, model, version, since=since, until=until, span=self._span)
        return sum(map(_rewards, found), Rewards())

    def accuracy(self, model: str, version: int, since: datetime, until: datetime) -> Accuracy:
        return self._labels.accuracy(model, version, since, until)

    def wins(self, model: str, release: str) -> Mapping[int, int]:
        return self._impressions.wins(model, release)

    def wins_by_bucket(self, model: str, release: str) -> Mapping[int, Mapping[int, int]]:
        return self._impressions.wins_by_bucket(model, release)

    def _list(self, feedback: Feedback, kept: Item, *, is_new: bool) -> None:
        """Count and list the answer that is kept, which for a record drawn for labelling may be an earlier one."""
        true = answer_of(json.loads(kept["content"]["S"])) if "content" in kept else {}
        if not true:
            return
        if feedback.probability is not None and not is_new:
            self._labels.drawn(feedback.prediction, feedback.probability)
        self._labels.labelled(feedback.prediction, true, feedback.probability)

    def _put_and_count(self, item: Item, feedback: Feedback, reward: Rewards) -> Item | None:
        amounts = {"count": reward.count, "total": reward.total, "squares": reward.squares}
        amounts |= attributes(reward.buckets)
        put = {"Put": {"Item": item, "ConditionExpression": _ABSENT}}
        click = Click.of(feedback)
        for _ in range(_CLICK_TRIES):
            clicked = self._impressions.writes(click) if click else []
            counted = addition(REWARD, feedback.prediction, amounts, self._span)
            refused = self._table.transact([put, counted, *clicked])
            if refused is None or refused[0] is not None:
                return None if refused is None else refused[0]
        raise UnavailableError("feedback store", f"the impression of {feedback.prediction} is clicked all the time")


def _rewards(item: Item) -> Rewards:
    count, total, squares = (float(item[name]["N"]) for name in ("count", "total", "squares"))
    return Rewards(int(count), total, squares, read_sums(item))


def _item(feedback: Feedback) -> Item:
    prediction, drawn = feedback.prediction, feedback.probability
    return {
        **({} if drawn is None else {PROBABILITY: {"N": repr(drawn)}}),
        **feedback_key(str(prediction), FEEDBACK),
        "model": {"S": prediction.model},
        "version": {"N": str(prediction.version)},
        "content": {"S": json.dumps(feedback.content(), sort_keys=True)},
        "received": {"S": datetime.now(UTC).isoformat()},
    }
