"""Counters of feedback in the table `control`, by the version and time of the predictions.

Their partition key is `reward#{model}` and their sort key `{kind}{version}#{time}#{shard}`; the kind is empty for
rewards.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from slipway.aws.table import DynamoTable, Item, Request
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import BUCKET, bucket

REWARD = ""
ACCURACY = "accuracy#"
# Concurrent writes to one item conflict, so each counter is split into shards.
_SHARDS = 8
_BUCKET_FORMAT = "%Y%m%dT%H%M"
_DAY_FORMAT = "%Y%m%d"


def addition(kind: str, prediction: PredictionId, amounts: Mapping[str, float], span: timedelta = BUCKET) -> Request:
    """Return the transaction part that adds ``amounts`` to the counters of a prediction's version and time."""
    shard = int(prediction.random[-2:], 16) % _SHARDS
    sort = f"{kind}{prediction.version:08d}#{bucket(prediction.made_at, span):{_BUCKET_FORMAT}}#{shard}"
    numbered = list(enumerate(amounts.items()))
    update = {
        "Key": {"pk": {"S": f"reward#{prediction.model}"}, "sk": {"S": sort}},
        "UpdateExpression": "ADD " + ", ".join(f"#n{place} :n{place}" for place, _ in numbered),
        "ExpressionAttributeNames": {f"#n{place}": name for place, (name, _) in numbered},
        "ExpressionAttributeValues": {f":n{place}": {"N": repr(amount)} for place, (_, amount) in numbered},
    }
    return {"Update": update}


def counters(
    table: DynamoTable,
    kind: str,
    model: str,
    version: int,
    *,
    since: datetime,
    until: datetime,
    span: timedelta = BUCKET,
) -> Iterator[Item]:
    """Yield the counters of predictions made in [``since``, ``until``), rounded to ``span``.

    Counters never decrease between reads, so callers can subtract an earlier reading.
    """
    first = bucket(since, span)
    for day in _days(first, until):
        for item in table.query(f"reward#{model}", f"{kind}{version:08d}#{day:{_DAY_FORMAT}}", consistent=True):
            text = item["sk"]["S"].split("#")[-2]
            if first <= datetime.strptime(text, _BUCKET_FORMAT).replace(tzinfo=UTC) < until:
                yield item


def _days(first: datetime, until: datetime) -> Iterator[datetime]:
    day = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < until:
        yield day
        day += timedelta(days=1)
