"""Precomputed predictions in the DynamoDB table of predictions."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from slipway.aws.table import WRITES_PER_CALL, Backoff, DynamoTable, Item, batched
from slipway.errors import UnavailableError
from slipway.features.definitions import ITEM_BYTES
from slipway.features.precomputed import Precomputed
from slipway.features.store import Clock, from_milliseconds, to_milliseconds, utc_now

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory

WRITERS = 8
READING = Backoff(attempts=3, seconds=0.5, first_wait=0.02)
"""For requests: predicting is cheaper than waiting."""

WRITING = Backoff(attempts=12, seconds=60, longest_wait=5.0)
"""For jobs: a table that takes more writes than ever before throttles until it has grown."""

_NAMES_AND_NUMBERS = 256  # bytes of an item besides key, output and inputs, rounded up


class DynamoPrecomputed:
    """A `PrecomputedStore` on a DynamoDB table."""

    def __init__(
        self,
        table: str,
        *,
        client: "ClientFactory | None" = None,
        clock: Clock = utc_now,
        backoff: Backoff = READING,
    ) -> None:
        self._table = DynamoTable(table, dependency="precomputed predictions", client=client, backoff=backoff)
        self._clock = clock

    def get(self, keys: Iterable[str]) -> dict[str, Precomputed]:
        items = self._table.batch_get([{"pk": {"S": key}} for key in dict.fromkeys(keys)])
        now = self._clock().timestamp()
        try:
            # DynamoDB removes expired items up to a few days late.
            return {item["pk"]["S"]: _read(item) for item in items if int(item["expires_at"]["N"]) > now}
        except (KeyError, ValueError) as error:
            raise UnavailableError("precomputed predictions", "there is one that Slipway did not write") from error

    def put(self, entries: Mapping[str, Precomputed], ttl: timedelta) -> int:
        items = [item for key, each in entries.items() if (item := _item(key, each, ttl)) is not None]
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="precompute") as pool:
            for _ in pool.map(self._table.batch_put, batched(items, WRITES_PER_CALL)):
                pass
        return len(items)


def _item(key: str, entry: Precomputed, ttl: timedelta) -> Item | None:
    # json.dumps writes ASCII: characters are bytes.
    output, inputs = (json.dumps(dict(part), separators=(",", ":")) for part in (entry.output, entry.inputs))
    if len(output) + len(inputs) + len(key.encode()) + _NAMES_AND_NUMBERS > ITEM_BYTES:
        return None
    return {
        "pk": {"S": key},
        "output": {"S": output},
        "inputs": {"S": inputs},
        "made_at": {"N": str(to_milliseconds(entry.made_at))},
        "expires_at": {"N": str(int((entry.made_at + ttl).timestamp()))},
    }


def _read(item: Item) -> Precomputed:
    output, inputs = (json.loads(item[name]["S"]) for name in ("output", "inputs"))
    return Precomputed(output, inputs, from_milliseconds(int(item["made_at"]["N"])))
