"""Precomputed predictions: what batch jobs have answered for entities, by version, until their time to live is over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from slipway.config import FeatureValue
from slipway.features.cache import Output


@dataclass(frozen=True, slots=True)
class Precomputed:
    """The answer of a version to an entity's record: ``made_at`` has a time zone and whole milliseconds."""

    output: Output
    inputs: Mapping[str, FeatureValue | None]
    made_at: datetime


class PrecomputedStore(Protocol):
    """Precomputed predictions by `precomputed_key`."""

    def get(self, keys: Iterable[str]) -> dict[str, Precomputed]:
        """Those that are there and alive; one round trip for up to 100 distinct keys.

        Raises:
            UnavailableError: the store could not be read; predictions do not depend on it.
        """
        ...

    def put(self, entries: Mapping[str, Precomputed], ttl: timedelta) -> int:
        """Store entries until ``ttl`` after they were made, and return how many; one too large for an item is not.

        Raises:
            UnavailableError: some entries were not stored; storing all again is safe.
        """
        ...


def precomputed_key(model: str, version: int, entity: str, id_: str) -> str:
    """The key of an entity's answer by one version.

    The model is in front, as in `slipway.features.cache.cache_key`, whose keys have one ``#`` and never equal these.
    """
    return f"{model}#{version}#{entity}#{id_}"
