"""Impressions in the DynamoDB table `control`, and the counters of who won them.

The clicks of an impression are one item under `impression#{model}#{id}`. Who has won how many is under
`reward#{model}`, by the tag of the release: `wins#{tag}#{shard}`, with an attribute for each version.
"""

from collections import Counter

from slipway.aws.table import DynamoTable, Item, Request
from slipway.monitoring.feedback.impressions import KEPT, Click, Impression

_SORT = "impression"
# Writers of one counter get into each other's way, so there are some of each.
_SHARDS = 8
_VERSION = "v"


class DynamoImpressions:
    """Counts clicks into impressions, for transactions that store the feedback as well."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def writes(self, click: Click) -> list[Request]:
        """What adds a click to its impression, and moves the impression from who had won it to who has.

        It is refused where the impression was clicked meanwhile; whoever asks again gets what is right then.
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
    """The impression, if nobody has clicked it since it was read: clicks only become more."""
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
