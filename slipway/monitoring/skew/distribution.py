"""How far the values of an offline file and of predictions are apart, input by input."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.monitoring.drift.effects import js_distance
from slipway.statistics.betting import Array

_CELLS = 10
_CATEGORIES = 100  # the rest is counted together


@dataclass(frozen=True, slots=True)
class Apart:
    """One input: the effect size, from 0 to 1, and the share of missing values offline and served."""

    name: str
    effect: float
    missing_offline: float
    missing_served: float


def distances(offline: Mapping[str, Sequence[Any]], served: Mapping[str, Sequence[Any]]) -> list[Apart]:
    """The inputs that both have, the farthest apart first, by the Jensen–Shannon distance of their cells.

    Numbers are counted in tenths of the offline values, below and above them; other values by themselves; missing
    values are a cell, too.
    """
    shared = [name for name in offline if offline[name] and served.get(name)]
    found = [_apart(name, offline[name], served[name]) for name in shared]
    return sorted(found, key=lambda each: -each.effect)


def _apart(name: str, offline: Sequence[Any], served: Sequence[Any]) -> Apart:
    count = _count_numbers if _are_numbers(offline) and _are_numbers(served) else _count_categories
    first, second = count(offline, served)
    missing = [sum(value is None for value in values) / len(values) for values in (offline, served)]
    return Apart(name, float(js_distance(first, second)), *missing)


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _count_numbers(offline: Sequence[Any], served: Sequence[Any]) -> tuple[Array, Array]:
    numbers = np.asarray([value for value in offline if value is not None], dtype=np.float64)
    if not len(numbers):
        return _count_categories(offline, served)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _CELLS + 1)))
    return _in_cells(offline, edges), _in_cells(served, edges)


def _in_cells(values: Sequence[Any], edges: Array) -> Array:
    """Counts below the first edge or on it, between edges, above the last one, and missing."""
    numbers = np.asarray([value for value in values if value is not None], dtype=np.float64)
    counts = np.bincount(np.searchsorted(edges, numbers), minlength=len(edges) + 1)
    return np.asarray([*counts, len(values) - len(numbers)], dtype=np.float64)


def _count_categories(offline: Sequence[Any], served: Sequence[Any]) -> tuple[Array, Array]:
    first, second = (Counter(map(str, values)) for values in (offline, served))
    names = [name for name, _ in (first + second).most_common(_CATEGORIES)]
    return _counted(first, names), _counted(second, names)


def _counted(side: Counter[str], names: Sequence[str]) -> Array:
    counts = [side[name] for name in names]
    return np.asarray([*counts, side.total() - sum(counts)], dtype=np.float64)
