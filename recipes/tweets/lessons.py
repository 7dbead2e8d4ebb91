"""What the recipes of tweets take from a training run: its labelled texts, and its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recipes.tweets.data import Tweets, tweets_of
from slipway.config.training import Scalar
from slipway.errors import InputError
from slipway.training.dataset import WEIGHT

_KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("a string", (str,)),
}


@dataclass(frozen=True)
class Lessons:
    """Labelled texts, and how much each counts; ``weights`` is None if all count the same."""

    tweets: Tweets
    weights: np.ndarray | None

    @classmethod
    def of(cls, rows: Any, most: int | None = None) -> Self:
        """Rows of a pyarrow table whose oldest row is first; the newest ``most`` of them."""
        newest = rows if most is None else rows.slice(max(0, rows.num_rows - most))
        weights = newest[WEIGHT].to_numpy()
        return cls(tweets_of(newest), None if np.all(weights == weights[0]) else weights)


def settings(parameters: Mapping[str, Scalar], defaults: Mapping[str, Scalar]) -> dict[str, Any]:
    """The defaults with the `training.parameters` that are set.

    Raises:
        InputError: a parameter has no default, or is of another type.
    """
    if unknown := sorted(set(parameters) - set(defaults)):
        there = ", ".join(defaults)
        raise InputError.of(f"training.parameters.{unknown[0]}", f"is no parameter of this recipe; there is {there}")
    return {name: _typed(name, parameters.get(name, value), type(value)) for name, value in defaults.items()}


def _typed(name: str, value: Scalar, kind: type) -> Scalar:
    wanted, accepted = _KINDS[kind]
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise InputError.of(f"training.parameters.{name}", f"must be {wanted}, not {value!r}")
    found: Scalar = kind(value)
    return found
