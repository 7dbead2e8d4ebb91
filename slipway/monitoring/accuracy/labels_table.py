"""Stores captured labels in the DynamoDB table `control` beside their feedback, counts the matches, and lists them.

What matched is listed under `labelled#{model}#{date}T{hour}` of the prediction, and again under
`labelled#{model}#drawn` if the record was drawn for labelling; the sort key is `v{version}#{id}`.
`slipway.monitoring.accuracy.labelled_table` reads both.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from slipway.aws.table import DynamoTable, Item, Request
from slipway.monitoring.accuracy.labels import Accuracy, Answer, CapturedLabel, answer_of
from slipway.monitoring.captures.parsing import label_text
from slipway.monitoring.feedback.bucket_sums import attributes, read_sums
from slipway.monitoring.feedback.counters import ACCURACY, addition, counters
from slipway.monitoring.feedback.prediction_ids import PredictionId, parse_prediction_id

FEEDBACK = "feedback"
PROBABILITY = "probability"
LISTED = "v"
"""The beginning of the sort key of whatever is listed."""

_CAPTURE = "capture"
_COUNTED = "counted"
_ABSENT = "attribute_not_exists(pk)"
# A record may be drawn twice, by chances that are nested; the greater one is that of being drawn at all.
_GREATER = f"attribute_not_exists({PROBABILITY}) OR {PROBABILITY} < :probability"


class DynamoLabelStore:
    """A `LabelStore` and `AccuracyCounters` that keeps the items `capture` and `feedback` under `feedback#{id}`.

    Each writer looks for the other item after writing its own, so at least one of them finds both. That writer counts
    and lists the label and, in the same transaction, puts the item `counted` on condition that it does not exist.
    """

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def captured(self, labels: Iterable[CapturedLabel]) -> None:
        waiting = {str(each.prediction): each for each in labels if each.expires > datetime.now(UTC)}
        self._table.batch_put([_capture(each) for each in waiting.values()])
        keys = [feedback_key(prediction, FEEDBACK) for prediction in waiting]
        for item in self._table.batch_get(keys, consistent=True):
            if true := answer_of(json.loads(item["content"]["S"])):
                self._count(waiting[item["pk"]["S"].partition("#")[2]], true, _probability(item))

    def labelled(self, prediction: PredictionId, true: Answer, probability: float | None = None) -> None:
        """Count and list the answer of stored feedback if the prediction was captured; repeated calls do so once."""
        for item in self._table.batch_get([feedback_key(str(prediction), _CAPTURE)], consistent=True):
            captured = _read(item)
            if captured.expires > datetime.now(UTC):
                self._count(captured, true, probability)

    def drawn(self, prediction: PredictionId, probability: float) -> None:
        """Note on stored feedback that its record was drawn for labelling with this probability."""
        number = {":probability": {"N": repr(probability)}}
        update = {
            "Key": feedback_key(str(prediction), FEEDBACK),
            "UpdateExpression": f"SET {PROBABILITY} = :probability",
            "ConditionExpression": f"attribute_exists(pk) AND ({_GREATER})",
            "ExpressionAttributeValues": number,
        }
        self._table.transact([{"Update": update}])

    def accuracy(self, model: str, version: int, since: datetime, until: datetime) -> Accuracy:
        found = counters(self._table, ACCURACY, model, version, since=since, until=until)
        read = (Accuracy(int(item["count"]["N"]), int(item["wrong"]["N"]), read_sums(item)) for item in found)
        return sum(read, Accuracy())

    def _count(self, captured: CapturedLabel, true: Answer, probability: float | None) -> None:
        mark = {**feedback_key(str(captured.prediction), _COUNTED), "expires_at": _seconds(captured.expires)}
        listed = _listed(captured, true, probability)
        once = {"Put": {"Item": mark, "ConditionExpression": _ABSENT}}
        refused = self._table.transact([once, *_addition(captured, true), *listed])
        if refused is not None and probability is not None:  # it was labelled before it was drawn
            self._table.transact(listed)


def feedback_key(prediction: str, sort: str) -> Item:
    """Return the key of an item about one prediction."""
    return {"pk": {"S": f"feedback#{prediction}"}, "sk": {"S": sort}}


def hour_partition(model: str, hour: datetime) -> str:
    """The partition that lists what was labelled of the predictions of one hour."""
    return f"labelled#{model}#{hour:%Y-%m-%dT%H}"


def drawn_partition(model: str) -> str:
    """The partition that lists what was labelled of the records that were drawn for it."""
    return f"labelled#{model}#drawn"


def _addition(captured: CapturedLabel, true: Answer) -> list[Request]:
    """The part of the transaction that adds to the counters, which only labels have."""
    label = label_text(true["labels"]) if "labels" in true else true.get("label")
    if captured.label is None or label is None:
        return []
    counted = Accuracy.of(predicted=captured.label, true=label, bucket=captured.prediction.bucket)
    amounts = {"count": counted.count, "wrong": counted.wrong, **attributes(counted.buckets)}
    return [addition(ACCURACY, captured.prediction, amounts)]


def _listed(captured: CapturedLabel, true: Answer, probability: float | None) -> list[Request]:
    """The parts that list the label: none if the true answer is of another form than the predicted one."""
    if captured.answer.keys() != true.keys():
        return []
    prediction = captured.prediction
    content = {"predicted": captured.answer, "true": true, "score": captured.score, "segments": captured.segments}
    item = {
        "sk": {"S": f"{LISTED}{prediction.version:08d}#{prediction}"},
        "content": {"S": json.dumps(content, sort_keys=True, ensure_ascii=False)},
        "expires_at": _seconds(captured.expires),
    }
    hour = {"S": hour_partition(prediction.model, prediction.made_at)}
    if probability is None:
        return [{"Put": {"Item": {"pk": hour, **item}}}]
    number = {"N": repr(probability)}
    condition = {"ConditionExpression": _GREATER, "ExpressionAttributeValues": {":probability": number}}
    places = (hour, {"S": drawn_partition(prediction.model)})
    return [{"Put": {"Item": {"pk": place, **item, PROBABILITY: number}, **condition}} for place in places]


def _capture(captured: CapturedLabel) -> Item:
    key = feedback_key(str(captured.prediction), _CAPTURE)
    content = {"answer": captured.answer, "score": captured.score, "segments": captured.segments}
    label = {} if captured.label is None else {"label": {"S": captured.label}}
    stored = {"content": {"S": json.dumps(content, ensure_ascii=False)}, "expires_at": _seconds(captured.expires)}
    return {**key, **label, **stored}


def _read(item: Item) -> CapturedLabel:
    """Read a stored capture; one from before answers were stored has its label alone."""
    prediction = parse_prediction_id(item["pk"]["S"].partition("#")[2])
    expires = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    label = item["label"]["S"] if "label" in item else None
    content: Item = json.loads(item["content"]["S"]) if "content" in item else {"answer": _answer_of_text(label)}
    return CapturedLabel(
        prediction, label, expires, content["answer"], content.get("score"), content.get("segments", {})
    )


def _answer_of_text(label: str | None) -> Answer:
    """The answer that a label's text stands for: a list in JSON is a set of labels."""
    if label is None:
        return {}
    try:
        labels = json.loads(label)
    except ValueError:
        labels = None
    return {"labels": labels} if isinstance(labels, list) else {"label": label}


def _probability(item: Item) -> float | None:
    return float(item[PROBABILITY]["N"]) if PROBABILITY in item else None


def _seconds(time: datetime) -> dict[str, str]:
    return {"N": str(int(time.timestamp()))}
