"""The cells into which profiles count each input and output of a version, made of its baseline."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from slipway.models.manifest import Form, Manifest
from slipway.models.measurements.baseline import (
    PIECE_CELLS,
    Baseline,
    Categories,
    InputSummary,
    Numbers,
    OutputSummary,
    Text,
)

MISSING = "missing"
OTHER = "other"
BELOW, ABOVE = "below", "above"
TRUE, FALSE = "true", "false"
_ROUNDING = 5e-6  # a baseline's numbers have six significant digits

Kind = Literal["numbers", "categories", "pieces"]


@dataclass(frozen=True, slots=True)
class Bins:
    """The cells of one column, and the baseline's share of each.

    ``column`` is the input or output, such as ``inputs.age``. The last of ``cells`` is always `MISSING`. Of numbers,
    cell i counts the values in (edges[i - 1], edges[i]]; other columns have no ``edges``. ``expected`` has a share for
    each cell; they add up to 1. ``count`` is how many values the baseline was measured on.
    """

    column: str
    kind: Kind
    cells: tuple[str, ...]
    edges: tuple[float, ...]
    expected: tuple[float, ...]
    count: int


def bins_of(manifest: Manifest, baseline: Baseline) -> tuple[Bins, ...]:
    """The bins of every column: inputs in the manifest's order, then outputs.

    A column that an older baseline did not measure, such as the pieces of a text, has none.
    """
    named = [(field.name, baseline.inputs.get(field.name)) for field in manifest.inputs]
    inputs = [bins for name, summary in named if summary for bins in _of_input(f"inputs.{name}", summary)]
    return (*inputs, *_of_outputs(manifest.outputs.form, baseline.outputs, baseline.records))


def bins_digest(bins: tuple[Bins, ...]) -> str:
    """A digest of the cells: only profiles over the same cells add up."""
    text = "\n".join(repr((each.column, each.kind, each.cells, each.edges)) for each in bins)
    return hashlib.sha256(text.encode()).hexdigest()


def _of_input(column: str, summary: InputSummary) -> Iterator[Bins]:
    missing = summary.missing or 0.0
    match summary:
        case Numbers():
            yield number_bins(column, summary, missing)
        case Categories():
            yield _category_bins(column, summary.shares, summary.count, other=summary.other, missing=missing)
        case Text():
            yield from _text_bins(column, summary, missing)


def _text_bins(column: str, summary: Text, missing: float) -> Iterator[Bins]:
    numbers = {"characters": summary.characters, "words": summary.words, "unseen": summary.unseen}
    for part, measured in numbers.items():
        if measured is not None:
            yield number_bins(f"{column}.{part}", measured, missing)
    if summary.pieces is not None:
        names = tuple(f"{cell:02x}" for cell in range(PIECE_CELLS))
        pieces = summary.pieces
        yield Bins(f"{column}.pieces", "pieces", (*names, MISSING), (), _adding_up([*pieces.shares, 0.0]), pieces.count)


def _of_outputs(form: Form, outputs: OutputSummary, records: int) -> Iterator[Bins]:
    labels = outputs.labels or {}
    if form is Form.LABELS:
        # Each label is a column of its own, since a record may have any number of them.
        for label, share in labels.items():
            yield _category_bins(f"outputs.labels.{label}", {TRUE: share, FALSE: 1 - share}, records)
    elif labels:
        yield _category_bins("outputs.label", labels, records)
    if outputs.score is not None:
        yield number_bins("outputs.score", outputs.score)
    if outputs.value is not None:
        yield number_bins("outputs.value", outputs.value)
    for target, values in (outputs.values or {}).items():
        yield number_bins(f"outputs.values.{target}", values)


def number_bins(column: str, summary: Numbers, missing: float = 0.0) -> Bins:
    """The baseline's quantile bins, between a cell below its least value and one above its greatest."""
    # Ties put an edge on the greatest value, with nothing above it.
    inner = [edge for edge in summary.edges if edge < summary.max]
    shares = [*summary.shares[: len(inner)], math.fsum(summary.shares[len(inner) :])]
    # The baseline rounds, so that its own extremes may lie beyond the rounded ones.
    least = math.nextafter(summary.min - abs(summary.min) * _ROUNDING, -math.inf)
    greatest = summary.max + abs(summary.max) * _ROUNDING
    names = [summary.min, *inner, summary.max]
    cells = [BELOW, *(f"{low:g} – {high:g}" for low, high in pairwise(names)), ABOVE, MISSING]
    expected = [0.0, *(share * (1 - missing) for share in shares), 0.0, missing]
    return Bins(column, "numbers", tuple(cells), (least, *inner, greatest), _adding_up(expected), summary.count)


def _category_bins(
    column: str, shares: Mapping[str, float], count: int, *, other: float = 0.0, missing: float = 0.0
) -> Bins:
    expected = [share * (1 - missing) for share in (*shares.values(), other)]
    return Bins(column, "categories", (*shares, OTHER, MISSING), (), _adding_up([*expected, missing]), count)


def _adding_up(shares: list[float]) -> tuple[float, ...]:
    """Shares that add up to 1; the baseline's are rounded."""
    whole = math.fsum(shares)
    return tuple(share / whole for share in shares) if whole else tuple(shares)
