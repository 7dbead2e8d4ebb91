"""The prediction cache: what a version answered to a record, kept for as long as the model's policy says."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from slipway.config import FeatureValue

Output = Mapping[str, Any]
"""A prediction as JSON can hold it, e.g. ``{"label": "positive", "score": 0.93}``."""


class PredictionCache(Protocol):
    """Predictions by `cache_key`."""

    def get(self, keys: Iterable[str]) -> dict[str, Output]:
        """The predictions that are cached and not expired; one round trip for up to 100 distinct keys.

        Raises:
            UnavailableError: the cache could not be read; a prediction can always be made without it.
        """
        ...

    def put(self, entries: Mapping[str, Output], ttl: timedelta) -> None:
        """Keep ``entries`` for ``ttl``. A prediction too large for a DynamoDB item is not kept.

        Raises:
            UnavailableError: some entries were not kept; a prediction that was made stands without them.
        """
        ...


def cache_key(model: str, version: int, record: Mapping[str, FeatureValue]) -> str:
    """The same 64 hexadecimal digits for the same model, version and complete record, in any process.

    It is the SHA-256 of JSON with sorted names, without spaces, in ASCII. A value's type counts: ``1``, ``1.0``,
    ``true`` and ``"1"`` are four different values (a schema gives each field one type, so a field has one form).

    Raises:
        ValueError: the record holds NaN or an infinity, which no valid record does.
    """
    canonical = json.dumps([model, version, record], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
