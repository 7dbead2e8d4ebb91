"""Makes profiles of captures, a few thousand at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from slipway.models.baseline import Text
from slipway.models.labels import answered_labels
from slipway.models.package import Package
from slipway.models.pieces import SeenPieces
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.bins import FALSE, TRUE, Bins, bins_digest, bins_of
from slipway.monitoring.profiles.columns import CategoryCounting, Counting, NumberCounting, counting_of
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import Summing

CHUNK = 4096
Outputs = Mapping[str, Any]


class VersionCounting:
    """Counts records and answers of one version into its baseline's bins."""

    def __init__(self, package: Package, sums: Sequence[Summing] = ()) -> None:
        self.package = package
        self.bins = bins_of(package.manifest, package.baseline)
        self.inputs = {field.name: self._input(field.name) for field in package.manifest.inputs}
        self.outputs = {each.column: _output_counting(each) for each in self.bins if each.column.startswith("outputs.")}
        self.records = 0
        self._summing = sums
        self._sums: dict[str, Any] = {}

    def add(self, captures: Sequence[Capture]) -> None:
        """Count some captures."""
        self.add_inputs([capture.inputs for capture in captures])
        self.add_outputs([capture.outputs for capture in captures])
        self.records += len(captures)
        for each in self._summing:
            found = np.asarray(each.add(captures), dtype=np.float64)
            self._sums[each.name] = self._sums.get(each.name, 0) + found

    def add_inputs(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Count the inputs of some records; what a record lacks is missing."""
        for name, counting in self.inputs.items():
            counting.add([record.get(name) for record in records])

    def add_outputs(self, outputs: Sequence[Outputs]) -> None:
        """Count some answers."""
        for column, counting in self.outputs.items():
            read = _reader_of(column)
            counting.add([read(output) for output in outputs])

    def profile(
        self, start: datetime, minutes: int, *, source: str = "", columns: Sequence[str] | None = None
    ) -> Profile:
        """The profile of what was counted; of ``columns`` only, the names of inputs, if they are given."""
        manifest = self.package.manifest
        kept = [counting for name, counting in self.inputs.items() if columns is None or name in columns]
        counted = [*kept, *(self.outputs.values() if columns is None else ())]
        return Profile(
            model=manifest.name,
            version=manifest.version,
            start=start,
            minutes=minutes,
            baseline=bins_digest(self.bins),
            records=self.records,
            counts={name: counts for each in counted for name, counts in each.counts().items()},
            sums={name: tuple(vector.tolist()) for name, vector in self._sums.items()},
            source=source,
        )

    def _input(self, name: str) -> Counting:
        prefix = f"inputs.{name}"
        columns = {
            each.column.removeprefix(prefix).removeprefix("."): each
            for each in self.bins
            if each.column == prefix or each.column.startswith(f"{prefix}.")
        }
        field = next(field for field in self.package.manifest.inputs if field.name == name)
        return counting_of(field, columns, seen_pieces(self.package, name))


def seen_pieces(package: Package, name: str) -> SeenPieces | None:
    """The pieces that training saw of a text input, where the baseline has them."""
    summary = package.baseline.inputs.get(name)
    if not isinstance(summary, Text) or summary.pieces is None:
        return None
    return SeenPieces.load(summary.pieces.seen)


def profile_of(
    package: Package,
    captures: Iterable[Capture],
    *,
    start: datetime,
    minutes: int,
    source: str = "",
    sums: Sequence[Summing] = (),
) -> Profile:
    """The profile of captures of one version, which must be distinct; those of other versions are left out.

    ``start`` and ``minutes`` name the period; the captures' own times do not matter.
    """
    own = (package.manifest.name, package.manifest.version)
    counting = VersionCounting(package, sums)
    for chunk in chunks(capture for capture in captures if (capture.model, capture.version) == own):
        counting.add(chunk)
    return counting.profile(start, minutes, source=source)


def chunks(captures: Iterable[Capture]) -> Iterator[list[Capture]]:
    """Captures in lists of up to `CHUNK`."""
    iterator = iter(captures)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _output_counting(bins: Bins) -> Counting:
    return NumberCounting(bins) if bins.kind == "numbers" else CategoryCounting(bins)


def _reader_of(column: str) -> Callable[[Outputs], Any]:
    """Reads the value of an output's column from an answer."""
    _, part, *rest = column.split(".", 2)
    if part == "labels":
        return lambda output: _has_label(output, rest[0])
    if part == "values":
        return lambda output: (values := output.get("values")) and values.get(rest[0])
    return lambda output: output.get(part)


def _has_label(output: Outputs, label: str) -> str | None:
    labels = answered_labels(output)
    return None if labels is None else TRUE if label in labels else FALSE
