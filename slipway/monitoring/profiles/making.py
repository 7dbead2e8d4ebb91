"""Makes profiles of captures, a few thousand at a time."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from slipway.errors import PackageError
from slipway.models.measurements.baseline import Text
from slipway.models.measurements.pieces import SeenPieces
from slipway.models.package import BASELINE, Package
from slipway.models.prediction.labels import answered_labels
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.bins import FALSE, TRUE, Bins, bins_digest, bins_of
from slipway.monitoring.profiles.columns import CategoryCounting, Counting, NumberCounting, counting_of
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import Summing

CHUNK = 4096
Outputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionBins:
    """The bins of a version with their digest, the pieces that training saw by input, and what else to sum up."""

    package: Package
    bins: tuple[Bins, ...]
    digest: str
    seen: Mapping[str, SeenPieces]
    sums: Sequence[Summing] = ()

    @classmethod
    def of(cls, package: Package, sums: Sequence[Summing] = ()) -> "VersionBins":
        """Read them from a package; raises PackageError if its baseline is malformed."""
        bins = bins_of(package.manifest, package.baseline)
        found = {name: summary for name, summary in package.baseline.inputs.items() if isinstance(summary, Text)}
        try:
            seen = {name: SeenPieces.load(each.pieces.seen) for name, each in found.items() if each.pieces is not None}
        except ValueError as error:
            raise PackageError(package.folder / BASELINE, f"`pieces.seen` {error}") from error
        return cls(package, bins, bins_digest(bins), seen, sums)

    def of_input(self, name: str) -> dict[str, Bins]:
        """The bins of an input by what follows its name, which is nothing but for texts."""
        prefix = f"inputs.{name}"
        return {
            each.column.removeprefix(prefix).removeprefix("."): each
            for each in self.bins
            if each.column == prefix or each.column.startswith(f"{prefix}.")
        }


class VersionCounting:
    """Counts records and answers of one version into its baseline's bins.

    ``version`` is what `VersionBins.of` makes of the package and the sums, for those who count more than once.
    """

    def __init__(self, package: Package, sums: Sequence[Summing] = (), *, version: VersionBins | None = None) -> None:
        self.version = version = version or VersionBins.of(package, sums)
        fields = package.manifest.inputs
        self.inputs = {
            field.name: counting_of(field, version.of_input(field.name), version.seen.get(field.name))
            for field in fields
        }
        outputs = (each for each in version.bins if each.column.startswith("outputs."))
        self.outputs = {each.column: _output_counting(each) for each in outputs}
        # The columns of a file: inputs by their names, and outputs by those of the profile, since a file's `label` is
        # the true one.
        self.by_name = {**self.inputs, **self.outputs}
        self.records = 0
        self._sums: dict[str, Any] = {}

    def add(self, captures: Sequence[Capture]) -> None:
        """Count some captures."""
        self.add_inputs([capture.inputs for capture in captures])
        self.add_outputs([capture.outputs for capture in captures])
        self.records += len(captures)
        for each in self.version.sums:
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
        self, start: datetime, minutes: float, *, source: str = "", columns: Collection[str] | None = None
    ) -> Profile:
        """The profile of what was counted; with ``columns``, only that of those of ``by_name``."""
        manifest = self.version.package.manifest
        every = [*self.inputs.values(), *self.outputs.values()]
        counted = every if columns is None else [self.by_name[name] for name in self.by_name if name in columns]
        return Profile(
            model=manifest.name,
            version=manifest.version,
            start=start,
            minutes=minutes,
            baseline=self.version.digest,
            records=self.records,
            counts={name: counts for each in counted for name, counts in each.counts().items()},
            sums={name: tuple(vector.tolist()) for name, vector in self._sums.items()},
            source=source,
        )


def profile_of(
    package: Package,
    captures: Iterable[Capture],
    *,
    start: datetime,
    minutes: float,
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
