"""The registry's version table, in the DynamoDB table `control`."""

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from slipway.aws.table import DynamoTable, Item
from slipway.errors import NotFoundError, TooLargeError, UnavailableError
from slipway.models.registry.versions import Deprecation, VersionRecord, taken

if TYPE_CHECKING:
    from slipway.aws.table import Backoff, ClientFactory

_ABSENT = "attribute_not_exists(pk)"
_COUNTER = "versions"
_RECORD_BYTES = 350_000  # of an item's 400 KB; keys and a deprecation need the rest


class DynamoVersionTable:
    """A `VersionTable`: under `model#{name}`, items `version#{number}`, and `versions` with the last allocated number.

    An abandoned number is an item without a record. Reads are consistent.
    """

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: "Backoff | None" = None) -> None:
        self.name = table
        self._table = DynamoTable(table, dependency="model registry", client=client, backoff=backoff)

    def allocate(self, model: str, *, above: int = 0) -> int:
        key = {"pk": {"S": f"model#{model}"}, "sk": {"S": _COUNTER}}
        found = self._table.batch_get([key], consistent=True)
        stored: Item | None = found[0] if found else {}
        while stored is not None:  # another writer was faster
            before = int(stored["allocated"]["N"]) if stored else 0
            last = max(before, above)
            condition = "allocated = :last" if stored else _ABSENT
            values = {"ExpressionAttributeValues": {":last": {"N": str(before)}}} if stored else {}
            stored = self._table.put_if({**key, "allocated": {"N": str(last + 1)}}, condition, **values)
        return last + 1

    def add(self, record: VersionRecord) -> None:
        text = record.model_dump_json(exclude={"deprecated"})
        if len(text.encode()) > _RECORD_BYTES:
            raise TooLargeError.of(f"record of {record.label}", f"has over {_RECORD_BYTES} bytes; shorten `training`")
        item = {**_key(record.model, record.number), "record": {"S": text}}
        stored = self._table.put_if(item, _ABSENT)
        if stored is not None and stored != item:  # an equal one is from an earlier attempt whose response was lost
            raise taken(record)

    def abandon(self, model: str, number: int) -> bool:
        stored = self._table.put_if(_key(model, number), _ABSENT)
        return stored is None or "record" not in stored

    def deprecate(self, model: str, number: int, deprecation: Deprecation) -> VersionRecord:
        found = self._table.batch_get([_key(model, number)], consistent=True)
        if not found or "record" not in found[0]:
            raise NotFoundError(f"version of {model}", str(number), within="the registry")
        item = {**found[0], "deprecated": {"S": deprecation.model_dump_json()}}
        stored = self._table.put_if(item, "attribute_exists(#r) AND attribute_not_exists(deprecated)", **_NAMES)
        return _record(stored or item)

    def versions(self, model: str, number: int | None = None) -> list[VersionRecord]:
        if number is not None:
            items = self._table.batch_get([_key(model, number)], consistent=True)
        else:
            items = self._table.query(f"model#{model}", "version#", consistent=True)
        return [_record(item) for item in items if "record" in item]


_NAMES = {"ExpressionAttributeNames": {"#r": "record"}}


def _key(model: str, number: int) -> Item:
    return {"pk": {"S": f"model#{model}"}, "sk": {"S": f"version#{number:08d}"}}


def _record(item: Item) -> VersionRecord:
    try:
        document = json.loads(item["record"]["S"])
        if "deprecated" in item:
            document["deprecated"] = json.loads(item["deprecated"]["S"])
        return VersionRecord.model_validate_json(json.dumps(document))
    except (KeyError, ValueError, ValidationError) as error:
        name = f"{item['pk']['S']} / {item['sk']['S']}"
        raise UnavailableError("model registry", f"the record {name} was not written by Slipway") from error
