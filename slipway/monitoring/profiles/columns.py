"""Counts the values of one column into its cells."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from slipway.config import FeatureType
from slipway.models.manifest import InputField
from slipway.models.measurements.baseline import category_of
from slipway.models.measurements.pieces import SeenPieces, measure_texts
from slipway.monitoring.profiles.bins import Bins

_IN_CACHE = 16_384
_SPECIAL = 2  # the cells of other and missing values, which come last

Floats = NDArray[np.float64]


class Counting(Protocol):
    """Counts values into the cells of one column or, of texts, several."""

    def add(self, values: Sequence[Any]) -> None:
        """Count some values; None and NaN are missing."""
        ...

    def counts(self) -> Mapping[str, tuple[int, ...]]:
        """The counts by column, as `Profile` has them."""
        ...


class NumberCounting:
    """Counts numbers between the edges; what is not a number counts as missing."""

    def __init__(self, bins: Bins) -> None:
        self._column = bins.column
        self._edges = np.array(bins.edges)
        self._counts = np.zeros(len(bins.cells), dtype=np.int64)

    def add(self, values: Sequence[Any]) -> None:
        self.add_floats(as_floats(values))

    def add_floats(self, values: Floats) -> None:
        """Count numbers; NaN is missing. A part at a time fits the cache and is compared with every edge."""
        for start in range(0, len(values), _IN_CACHE):
            part = values[start : start + _IN_CACHE]
            up_to = [np.count_nonzero(part <= edge) for edge in self._edges]
            there = len(part) - np.count_nonzero(np.isnan(part))
            self._counts[:-1] += np.diff([0, *up_to, there])
            self._counts[-1] += len(part) - there

    def counts(self) -> dict[str, tuple[int, ...]]:
        return {self._column: tuple(self._counts.tolist())}


class CategoryCounting:
    """Counts values that are among the baseline's, others, and missing ones."""

    def __init__(self, bins: Bins, kind: FeatureType = FeatureType.STRING) -> None:
        self._column = bins.column
        self._kind = kind
        self._cells = {self._key(name): at for at, name in enumerate(bins.cells[:-_SPECIAL])}
        self._counts = [0] * len(bins.cells)

    def add(self, values: Sequence[Any]) -> None:
        for value, count in Counter(map(_hashable, values)).items():
            self.add_many(value, count)

    def add_many(self, value: Any, count: int) -> None:
        """Count one value several times."""
        is_missing = value is None or (isinstance(value, float) and math.isnan(value))
        other = len(self._counts) - _SPECIAL
        self._counts[-1 if is_missing else self._cells.get(self._key(value), other)] += count

    def counts(self) -> dict[str, tuple[int, ...]]:
        return {self._column: tuple(self._counts)}

    def _key(self, value: Any) -> str | float:
        """What equal values share: the same number may be written as 1 and 1.0, and a boolean as 1."""
        if self._kind is FeatureType.STRING:
            return category_of(value)
        if self._kind is FeatureType.BOOLEAN:
            return {"1": "true", "0": "false"}.get(text := category_of(value).lower(), text)
        try:
            return float(value)
        except ValueError:
            return str(value)


class TextCounting:
    """Counts measures of texts; of a text that is missing, all but its pieces are missing."""

    def __init__(self, columns: Mapping[str, Bins], seen: SeenPieces | None) -> None:
        self._seen = seen
        self._numbers = {part: NumberCounting(bins) for part, bins in columns.items() if bins.kind == "numbers"}
        pieces = columns.get("pieces")
        self._pieces = None if pieces is None else (pieces.column, np.zeros(len(pieces.cells), dtype=np.int64))

    def add(self, values: Sequence[Any]) -> None:
        texts = [value if isinstance(value, str) else str(value) for value in values if not _is_missing(value)]
        measured = measure_texts(texts, self._seen)
        missing = np.full(len(values) - len(texts), math.nan)
        for part, counting in self._numbers.items():
            counting.add_floats(getattr(measured, part))
            counting.add_floats(missing)
        if self._pieces is not None:
            self._pieces[1][:-1] += measured.pieces

    def counts(self) -> dict[str, tuple[int, ...]]:
        numbers = {name: counts for each in self._numbers.values() for name, counts in each.counts().items()}
        pieces = {self._pieces[0]: tuple(self._pieces[1].tolist())} if self._pieces is not None else {}
        return {**numbers, **pieces}


def counting_of(field: InputField, columns: Mapping[str, Bins], seen: SeenPieces | None) -> Counting:
    """How an input is counted; ``columns`` has its bins by what follows its name, which is nothing but for texts."""
    own = columns.get("")
    if own is None:
        return TextCounting(columns, seen)
    return NumberCounting(own) if own.kind == "numbers" else CategoryCounting(own, field.type)


def as_floats(values: Sequence[Any]) -> Floats:
    """Numbers as an array, with NaN for every value that is none."""
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_float(value) for value in values], dtype=np.float64)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _hashable(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else str(value)
