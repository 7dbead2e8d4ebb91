"""The release store in the DynamoDB table `control`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from slipway.aws.table import Item, Request
from slipway.errors import InputError, TooLargeError
from slipway.releases.record.document import ReleaseRecord, dump_record, load_record
from slipway.releases.record.store import newest_first, refused, stale
from slipway.releases.routing.serving import Serving
from slipway.releases.routing.serving_table import DynamoServingStore, foreign_item, key_of, serving_item

if TYPE_CHECKING:
    from slipway.aws.table import Backoff, ClientFactory

_RELEASE = "release"
_RECORD_BYTES = 390_000  # DynamoDB limits an item to 400 KB; the rest is for keys
_WHOLE_ENTRIES = 20


class DynamoReleaseStore(DynamoServingStore):
    """A `ReleaseStore` with the items `release`, and `release#{id}` for each past release, under `model#{name}`.

    A small item `serving`, which is read often, holds what assignment needs. It is written with the record, so both
    always have the same revision.
    """

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: "Backoff | None" = None) -> None:
        super().__init__(table, client=client, backoff=backoff)
        self.name = table

    def start(self, record: ReleaseRecord) -> ReleaseRecord:
        while True:
            before = next(iter(self.current([record.model])), None)
            if before is not None and not before.settled:
                raise refused(before)
            first = record.model_copy(update={"revision": before.revision + 1 if before else 1})
            condition = _at(before.revision) if before else {"ConditionExpression": "attribute_not_exists(pk)"}
            if self._put(first, condition) is None:
                return first
            # Another release was started in the meantime; the next round names it in the error.

    def current(self, models: Iterable[str]) -> list[ReleaseRecord]:
        keys = [key_of(model, _RELEASE) for model in dict.fromkeys(models)]
        return [_record(item) for item in self._table.batch_get(keys, consistent=True)]

    def save(self, record: ReleaseRecord) -> ReleaseRecord:
        following = record.model_copy(update={"revision": record.revision + 1})
        if self._put(following, _at(record.revision)) is not None:
            raise stale(record)
        return following

    def past(self, model: str) -> list[ReleaseRecord]:
        items = self._table.query(f"model#{model}", f"{_RELEASE}#", consistent=True)
        return newest_first(_record(item) for item in items)

    def _put(self, record: ReleaseRecord, condition: Request) -> object:
        text = _text(record)
        revision = {"N": str(record.revision)}
        whole = {"record": {"S": text}, "revision": revision}
        writes: list[Request] = [
            {"Put": {"Item": {**key_of(record.model, _RELEASE), **whole}, **condition}},
            {"Put": {"Item": serving_item(Serving.of(record))}},
        ]
        if record.settled:
            writes.append({"Put": {"Item": {**key_of(record.model, f"{_RELEASE}#{record.id}"), **whole}}})
        return self._table.transact(writes)


def _text(record: ReleaseRecord) -> str:
    """The record as JSON. If it is too long for an item, only the last history entries keep their evidence.

    A long history must not block a release or its rollback. Subscribers have received all of the evidence.
    """
    text = dump_record(record)
    if len(text.encode()) > _RECORD_BYTES:
        old, new = record.history[:-_WHOLE_ENTRIES], record.history[-_WHOLE_ENTRIES:]
        short = (entry.model_copy(update={"evidence": ()}) for entry in old)
        text = dump_record(record.model_copy(update={"history": (*short, *new)}))
    if len(text.encode()) > _RECORD_BYTES:
        raise TooLargeError.of(f"release {record.id}", f"has over {_RECORD_BYTES} bytes, mostly of its history")
    return text


def _at(revision: int) -> Request:
    """The condition that the stored revision is this one. A model's revisions continue across its releases."""
    return {
        "ConditionExpression": "#r = :revision",
        "ExpressionAttributeNames": {"#r": "revision"},
        "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
    }


def _record(item: Item) -> ReleaseRecord:
    try:
        return load_record(item["record"]["S"])
    except (KeyError, InputError) as error:
        raise foreign_item(item) from error
