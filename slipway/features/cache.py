"""The prediction cache: a version's outputs by record, kept for the model's time to live."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from slipway.config import FeatureValue

Output = Mapping[str, Any]
"""A prediction as JSON values, e.g. ``{"label": "positive", "score": 0.93}``."""


class PredictionCache(Protocol):
    """Predictions by `cache_key`."""

    def get(self, keys: Iterable[str]) -> dict[str, Output]:
        """The cached, unexpired predictions; one round trip for up to 100 distinct keys.

        Raises:
            UnavailableError: the cache could not be read; predictions do not depend on it.
        """
        ...

    def put(self, entries: Mapping[str, Output], ttl: timedelta) -> None:
        """Cache ``entries`` for ``ttl``; predictions too large for a DynamoDB item are skipped.

        Raises:
            UnavailableError: some entries were not cached; the predictions themselves are unaffected.
        """
        ...


def cache_key(model: str, version: int, record: Mapping[str, FeatureValue | None]) -> str:
    """A key that identifies a model, version and complete record in every process: the model, ``#`` and 64 digits.

    The model is in front so that a role can be allowed the entries of its models only. The digits are the SHA-256 of
    compact ASCII JSON with sorted names. A value's type counts: ``1``, ``1.0``, ``true`` and ``"1"`` are four different
    values (the schema gives each field one type, so each value has one form).

    Raises:
        ValueError: the record contains NaN or an infinity, which the schema does not allow.
    """
    canonical = json.dumps([model, version, record], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{model}#{hashlib.sha256(canonical.encode('ascii')).hexdigest()}"


def cache_partitions(model: str) -> str:
    """The pattern of a model's cache keys, as IAM conditions have it."""
    return f"{model}#*"
