"""Missing values in scikit-learn's encoders and imputers, and how skl2onnx can be told of them."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from slipway.models.prediction.tasks import MISSING_TEXT


class _MissingText(float):
    """NaN to skl2onnx, which looks for it among an encoder's categories, and the graph's text when it is written."""

    def __str__(self) -> str:
        return MISSING_TEXT


def is_missing(value: Any) -> bool:
    """Whether a category or a marker of missing values is None, NaN or pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def has_missing(categories: Any) -> bool:
    """Whether an encoder has a category of its own for missing values."""
    return any(is_missing(category) for category in np.asarray(categories).tolist())


def imputes(step: Any) -> bool:
    """Whether a transformer, or a step of it, fills missing values in."""
    return any(hasattr(inner, "missing_values") and hasattr(inner, "statistics_") for inner in _inner(step))


def for_export(model: Any) -> Any:
    """A copy that skl2onnx converts so that `MISSING_TEXT` means a missing string, and NaN a missing number."""
    copied = copy.deepcopy(model)
    for step in _inner(copied):
        if hasattr(step, "statistics_") and is_missing(getattr(step, "missing_values", 0)):
            is_text = np.asarray(step.statistics_).dtype.kind in "OUS"
            step.missing_values = MISSING_TEXT if is_text else math.nan
        elif hasattr(step, "categories_") and any(has_missing(each) for each in step.categories_):
            _rename_missing(step)
    return copied


def _rename_missing(encoder: Any) -> None:
    if _leaves_missing(encoder):
        # An unknown category is NaN as well, so the graph needs none for missing values.
        encoder.categories_ = [_whole(each) for each in encoder.categories_]
        encoder.handle_unknown, encoder.unknown_value = "use_encoded_value", math.nan
        return
    encoder.categories_ = [_renamed(each) for each in encoder.categories_]


def _leaves_missing(encoder: Any) -> bool:
    """Whether an ordinal encoder makes NaN of missing values, and of nothing else that it takes."""
    if not is_missing(getattr(encoder, "encoded_missing_value", 0)):
        return False
    return encoder.handle_unknown == "error" or is_missing(encoder.unknown_value)


def _whole(categories: Any) -> Any:
    kept = [not is_missing(each) for each in np.asarray(categories).tolist()]
    return np.asarray(categories)[kept]


def _renamed(categories: Any) -> Any:
    array = np.asarray(categories)
    if array.dtype.kind != "O":
        return array
    renamed = array.copy()
    renamed[:] = [_MissingText(math.nan) if is_missing(each) else each for each in array.tolist()]
    return renamed


def _inner(model: Any) -> Iterator[Any]:
    """A model and every fitted step and transformer in it."""
    yield model
    for _, step in getattr(model, "steps", []):
        yield from _inner(step)
    for _, part, _ in getattr(model, "transformers_", []):
        yield from _inner(part)
