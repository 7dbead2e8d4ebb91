"""The feature store and the prediction cache in memory."""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from threading import Lock

from slipway.errors import SlipwayError
from slipway.features.cache import Output
from slipway.features.definitions import AcceptedWrite, FeatureDefinitions
from slipway.features.precomputed import Precomputed
from slipway.features.store import (
    Clock,
    FeatureKey,
    FeatureRow,
    FeatureWrite,
    WriteResult,
    from_milliseconds,
    late,
    utc_now,
)


class MemoryFeatureStore:
    """A `FeatureStore` in memory."""

    def __init__(self, definitions: FeatureDefinitions, *, clock: Clock = utc_now) -> None:
        self.definitions = definitions
        self._clock = clock
        self._rows: dict[FeatureKey, AcceptedWrite] = {}
        self._lock = Lock()

    def read(self, keys: Iterable[FeatureKey]) -> dict[FeatureKey, FeatureRow]:
        wanted = list(dict.fromkeys(keys))
        self.definitions.check_keys(wanted)
        now = self._clock().timestamp()
        found = {key: self._rows[key] for key in wanted if key in self._rows}
        return {
            key: FeatureRow(dict(row.values), from_milliseconds(row.event_milliseconds))
            for key, row in found.items()
            if row.expires_at is None or row.expires_at > now
        }

    def write(self, writes: Iterable[FeatureWrite]) -> Iterator[WriteResult]:
        for write in writes:
            try:
                accepted = self.definitions.accept(write, self._clock())
                self._store(accepted)
            except SlipwayError as error:
                yield WriteResult(write, error)
            else:
                yield WriteResult(write)

    def _store(self, write: AcceptedWrite) -> None:
        with self._lock:
            stored = self._rows.get(write.key)
            if stored is not None and stored.event_milliseconds > write.event_milliseconds:
                raise late(
                    write.key,
                    from_milliseconds(write.event_milliseconds),
                    from_milliseconds(stored.event_milliseconds),
                )
            self._rows[write.key] = write


class MemoryPredictionCache:
    """A `PredictionCache` in memory, which grows without limit."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[Output, float]] = {}

    def get(self, keys: Iterable[str]) -> dict[str, Output]:
        now = self._clock().timestamp()
        found = {key: self._entries[key] for key in keys if key in self._entries}
        return {key: copy.deepcopy(output) for key, (output, expires_at) in found.items() if expires_at > now}

    def put(self, entries: Mapping[str, Output], ttl: timedelta) -> None:
        expires_at = int((self._clock() + ttl).timestamp())
        self._entries.update({key: (copy.deepcopy(output), expires_at) for key, output in entries.items()})


class MemoryPrecomputed:
    """A `PrecomputedStore` in memory."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self.entries: dict[str, tuple[Precomputed, datetime]] = {}

    def get(self, keys: Iterable[str]) -> dict[str, Precomputed]:
        now = self._clock()
        found = {key: self.entries[key] for key in keys if key in self.entries}
        return {key: entry for key, (entry, expires_at) in found.items() if expires_at > now}

    def put(self, entries: Mapping[str, Precomputed], ttl: timedelta) -> int:
        small = {
            key: entry for key, entry in entries.items() if len(json.dumps([entry.output, entry.inputs])) < 300_000
        }
        self.entries.update({key: (copy.deepcopy(entry), entry.made_at + ttl) for key, entry in small.items()})
        return len(small)
