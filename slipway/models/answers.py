"""How far two answers to the same record lie apart."""

from collections.abc import Mapping
from typing import Any

# Above what the order of sums changes in float32, below what a rounded activation changes.
_BATCH_TOLERANCE = 1e-4


def is_batch_independent(largest: float) -> bool:
    """Whether a difference between alone and in a batch is only the order of sums."""
    return largest <= _BATCH_TOLERANCE


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The largest difference of a score, of a value as a share of it, or 0 or 1 for answers of another kind."""
    if "scores" in one and "scores" in other:
        return max(float(abs(score - other["scores"][name])) for name, score in one["scores"].items())
    if "value" in one and "value" in other:
        return float(abs(one["value"] - other["value"]) / max(abs(one["value"]), 1e-9))
    return float(one != other)
