"""Labelled captures: each captured prediction with the true answer that came for it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from slipway.models.manifest import Manifest
from slipway.models.prediction.labels import Truth
from slipway.monitoring.accuracy.labelled_table import made_at
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import HOUR, CaptureReader, start_of_hour
from slipway.monitoring.captures.reservoir_store import BucketReservoir
from slipway.monitoring.steps import Labelled, LabelledReader
from slipway.training.ports import Example
from slipway.training.run import Run


class CapturedExamples:
    """The `Examples` of captures and the labels that came for them.

    Only the hours that have labels are read. A capture that is no longer among the files is looked for in the
    reservoir, which keeps its own for longer; one that was forgotten is in neither.

    Args:
        captures: reads the files of captures.
        reservoir: keeps the captures that were drawn for labels.
        labels: reads the labels.
        manifest: that of the version that serves, for the order of a regression's targets.
    """

    def __init__(
        self, captures: CaptureReader, reservoir: BucketReservoir, labels: LabelledReader, manifest: Manifest
    ) -> None:
        self._captures = captures
        self._reservoir = reservoir
        self._labels = labels
        self._targets = manifest.outputs.target_names

    def examples(self, run: Run) -> Iterator[Example]:
        waiting = {each.id: each for each in self._labels.labelled(run.model, run.window.since, run.window.until)}
        for capture in self._of_files(run, _hours(waiting.values())):
            if (label := waiting.pop(capture.id, None)) is not None:
                yield example_of(capture, label, self._targets)
        if waiting:
            for capture in self._reservoir.captures(run.model, run.window.since, run.window.until):
                if (label := waiting.pop(capture.id, None)) is not None:
                    yield example_of(capture, label, self._targets)

    def _of_files(self, run: Run, hours: Iterable[datetime]) -> Iterator[Capture]:
        for hour in hours:
            yield from self._captures.captures(run.model, hour, hour + HOUR)


def _hours(labels: Iterable[Labelled]) -> list[datetime]:
    return sorted({start_of_hour(made_at(label)) for label in labels})


def example_of(capture: Capture, label: Labelled, targets: tuple[str, ...] = ()) -> Example:
    """A capture with its true answer; values by target are put in the order of ``targets``."""
    true: Truth = (
        tuple(float(label.true[target]) for target in targets) if isinstance(label.true, Mapping) else label.true
    )
    weight = 1.0 if label.probability is None else 1 / label.probability
    return Example(capture.id, capture.made_at, capture.inputs, true, weight, capture.entities)
