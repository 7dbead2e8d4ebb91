"""Stores impressions in the DynamoDB table `control`, and counts the wins of each version.

The clicks of an impression are one item under `impression#{model}#{id}`. The wins of a release are under
`reward#{model}` with the sort key `wins#{tag}#{shard}`, which has an attribute for each version, and one for each
version in each bucket of the sticky value: 16 buckets a shard, as in `slipway.monitoring.feedback.bucket_sums`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from slipway.aws.table import DynamoTable, Item, Request
from slipway.monitoring.feedback.impressions import KEPT, Click, Impression
from slipway.monitoring.feedback.prediction_ids import bucket_in

_SORT = "impression"
# Concurrent writes to one item conflict, so each counter is split into shards.
_SHARDS = 8
_ATTRIBUTE = re.compile(r"v(\d+)(?:b(\d+))?")


class DynamoImpressions:
    """Adds clicks to impressions, as parts of the transactions that store the feedback."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def writes(self, click: Click) -> list[Request]:
        """Return the writes that add a click to its impression and move the win to the new winner.

        They are refused if the impression was clicked in the meantime; the caller then asks for new ones.
        """
        found = self._table.batch_get([_key(click)], consistent=True)
        before = _impression(found[0]) if found else Impression()
        after = before.clicked(click.version)
        return [_put(click, before, after), *_move(click, before.winner, after.winner)]

    def wins(self, model: str, release: str) -> dict[int, int]:
        won: Counter[int] = Counter()
        for version, bucket, wins in self._read(model, release):
            if bucket is None:
                won[version] += wins
        return dict(won)

    def wins_by_bucket(self, model: str, release: str) -> dict[int, dict[int, int]]:
        won: dict[int, dict[int, int]] = defaultdict(dict)
        for version, bucket, wins in self._read(model, release):
            if bucket is not None:
                won[bucket][version] = wins
        return dict(won)

    def _read(self, model: str, release: str) -> Iterator[tuple[int, int | None, int]]:
        """Yield version, bucket and wins. The attributes without a bucket count all impressions."""
        for item in self._table.query(f"reward#{model}", f"wins#{release}#"):
            for name, value in item.items():
                if found := _ATTRIBUTE.fullmatch(name):
                    yield int(found[1]), int(found[2]) if found[2] else None, int(value["N"])


def _key(click: Click) -> Item:
    return {"pk": {"S": f"impression#{click.model}#{click.impression}"}, "sk": {"S": _SORT}}


def _impression(item: Item) -> Impression:
    return Impression({int(version): int(clicks["N"]) for version, clicks in item["clicks"]["M"].items()})


def _put(click: Click, before: Impression, after: Impression) -> Request:
    """Put the impression if its total is unchanged since it was read; clicks are never removed."""
    total = {"N": str(sum(after.clicks.values()))}
    expires_at = int((click.made_at + KEPT).timestamp())
    item = {
        **_key(click),
        "clicks": {"M": {str(version): {"N": str(clicks)} for version, clicks in after.clicks.items()}},
        "total": total,
        "expires_at": {"N": str(expires_at)},
    }
    if not before.clicks:
        return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
    condition = {
        "ConditionExpression": "#t = :total",
        "ExpressionAttributeNames": {"#t": "total"},
        "ExpressionAttributeValues": {":total": {"N": str(sum(before.clicks.values()))}},
    }
    return {"Put": {"Item": item, **condition}}


def _move(click: Click, loser: int | None, winner: int | None) -> list[Request]:
    if loser == winner:
        return []
    bucket = bucket_in(click.impression)
    ends = ("",) if bucket is None else ("", f"b{bucket}")
    moves = [(version, change) for version, change in ((loser, -1), (winner, 1)) if version is not None]
    changes = {f"v{version}{end}": change for version, change in moves for end in ends}
    shard = int(click.impression[-2:], 16) % _SHARDS
    update = {
        "Key": {"pk": {"S": f"reward#{click.model}"}, "sk": {"S": f"wins#{click.release}#{shard}"}},
        "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in changes),
        "ExpressionAttributeNames": {f"#{name}": name for name in changes},
        "ExpressionAttributeValues": {f":{name}": {"N": str(change)} for name, change in changes.items()},
    }
    return [{"Update": update}]
