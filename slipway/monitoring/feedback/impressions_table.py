"""Stores impressions in the DynamoDB table `control`, and counts the wins of each version.

The clicks of an impression are one item under `impression#{model}#{id}`. The wins of a release are under
`reward#{model}` with the sort key `wins#{tag}#{shard}`, which has an attribute for each version.
"""

from collections import Counter

from slipway.aws.table import DynamoTable, Item, Request
from slipway.monitoring.feedback.impressions import KEPT, Click, Impression

_SORT = "impression"
# Concurrent writes to one item conflict, so each counter is split into shards.
_SHARDS = 8
_VERSION = "v"


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
        for item in self._table.query(f"reward#{model}", f"wins#{release}#"):
            won.update({_version(name): int(value["N"]) for name, value in item.items() if name not in ("pk", "sk")})
        return dict(won)


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
    changes = {version: change for version, change in ((loser, -1), (winner, 1)) if version is not None}
    shard = int(click.impression[-2:], 16) % _SHARDS
    update = {
        "Key": {"pk": {"S": f"reward#{click.model}"}, "sk": {"S": f"wins#{click.release}#{shard}"}},
        "UpdateExpression": "ADD " + ", ".join(f"#{version} :{version}" for version in changes),
        "ExpressionAttributeNames": {f"#{version}": f"{_VERSION}{version}" for version in changes},
        "ExpressionAttributeValues": {f":{version}": {"N": str(change)} for version, change in changes.items()},
    }
    return [{"Update": update}]


def _version(attribute: str) -> int:
    return int(attribute.removeprefix(_VERSION))
