"""Stores captured labels in the DynamoDB table `control` beside their feedback, and counts the matches."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from slipway.aws.table import DynamoTable, Item
from slipway.monitoring.accuracy.labels import Accuracy, CapturedLabel
from slipway.monitoring.feedback.bucket_sums import attributes, read_sums
from slipway.monitoring.feedback.counters import ACCURACY, addition, counters
from slipway.monitoring.feedback.prediction_ids import PredictionId, parse_prediction_id

FEEDBACK = "feedback"
_CAPTURE = "capture"
_COUNTED = "counted"


class DynamoLabelStore:
    """A `LabelStore` and `AccuracyCounters` that keeps the items `capture` and `feedback` under `feedback#{id}`.

    Each writer looks for the other item after writing its own, so at least one of them finds both. That writer counts
    the label and, in the same transaction, puts the item `counted` on condition that it does not exist.
    """

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def captured(self, labels: Iterable[CapturedLabel]) -> None:
        waiting = {str(each.prediction): each for each in labels if each.expires > datetime.now(UTC)}
        self._table.batch_put([_capture(each) for each in waiting.values()])
        keys = [feedback_key(prediction, FEEDBACK) for prediction in waiting]
        for item in self._table.batch_get(keys, consistent=True):
            true = json.loads(item["content"]["S"]).get("label")
            if true is not None:
                self._count(waiting[item["pk"]["S"].partition("#")[2]], true)

    def labelled(self, prediction: PredictionId, label: str) -> None:
        """Count the label of stored feedback if the prediction was captured; repeated calls count it once."""
        for item in self._table.batch_get([feedback_key(str(prediction), _CAPTURE)], consistent=True):
            captured = _read(item)
            if captured.expires > datetime.now(UTC):
                self._count(captured, label)

    def accuracy(self, model: str, version: int, since: datetime, until: datetime) -> Accuracy:
        found = counters(self._table, ACCURACY, model, version, since=since, until=until)
        read = (Accuracy(int(item["count"]["N"]), int(item["wrong"]["N"]), read_sums(item)) for item in found)
        return sum(read, Accuracy())

    def _count(self, captured: CapturedLabel, true: str) -> None:
        counted = Accuracy.of(predicted=captured.label, true=true, bucket=captured.prediction.bucket)
        mark = {**feedback_key(str(captured.prediction), _COUNTED), "expires_at": _seconds(captured.expires)}
        amounts = {"count": counted.count, "wrong": counted.wrong, **attributes(counted.buckets)}
        add = addition(ACCURACY, captured.prediction, amounts)
        self._table.transact([{"Put": {"Item": mark, "ConditionExpression": "attribute_not_exists(pk)"}}, add])


def feedback_key(prediction: str, sort: str) -> Item:
    """Return the key of an item about one prediction."""
    return {"pk": {"S": f"feedback#{prediction}"}, "sk": {"S": sort}}


def _capture(captured: CapturedLabel) -> Item:
    key = feedback_key(str(captured.prediction), _CAPTURE)
    return {**key, "label": {"S": captured.label}, "expires_at": _seconds(captured.expires)}


def _read(item: Item) -> CapturedLabel:
    prediction = parse_prediction_id(item["pk"]["S"].partition("#")[2])
    expires = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    return CapturedLabel(prediction, item["label"]["S"], expires)


def _seconds(time: datetime) -> dict[str, str]:
    return {"N": str(int(time.timestamp()))}
