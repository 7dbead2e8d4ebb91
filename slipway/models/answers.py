"""How far two outputs for the same record differ."""

from collections.abc import Mapping
from typing import Any

# Above the effect of summation order in float32, below that of a rounded activation.
_BATCH_TOLERANCE = 1e-4


def is_batch_independent(largest: float) -> bool:
    """Whether a difference between alone and in a batch is only rounding from the order of sums."""
    return largest <= _BATCH_TOLERANCE


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The largest difference of scores, the relative difference of values, or 0 or 1 for other outputs."""
    if "scores" in one and "scores" in other:
        return max(float(abs(score - other["scores"][name])) for name, score in one["scores"].items())
    if "value" in one and "value" in other:
        return float(abs(one["value"] - other["value"]) / max(abs(one["value"]), 1e-9))
    return float(one != other)
