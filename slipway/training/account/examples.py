"""Labelled predictions of an account: captures joined with their true answers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import BrokenLine, CaptureReader, start_of_hour
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.monitoring.steps import Labelled, LabelledReader
from slipway.training.ports import Example
from slipway.training.run import Run


class CapturedExamples:
    """`Examples` of the bucket of captures: it reads the files of those hours only of which there are labels."""

    def __init__(self, captures: CaptureReader, labels: LabelledReader) -> None:
        self._captures = captures
        self._labels = labels

    def examples(self, run: Run) -> Iterator[Example]:
        by_hour: dict[datetime, dict[str, Labelled]] = defaultdict(dict)
        for each in self._labels.labelled(run.model, run.window.since, run.window.until):
            by_hour[_hour(each.id)][each.id] = each
        hours = sorted(by_hour)
        for hour, files in self._captures.files_by_hour(run.model, hours).items() if hours else ():
            yield from _joined(by_hour[hour], self._of(files))

    def _of(self, files: Sequence[str]) -> Iterator[Capture]:
        for _, captures in self._captures.each(files):
            yield from (each for each in captures if not isinstance(each, BrokenLine))


def _hour(prediction: str) -> datetime:
    return start_of_hour(parse_prediction_id(prediction).made_at)


def _joined(labels: dict[str, Labelled], captures: Iterable[Capture]) -> Iterator[Example]:
    waiting = dict(labels)
    for capture in captures:
        if (labelled := waiting.pop(capture.id, None)) is not None:
            weight = 1.0 if labelled.probability is None else 1 / labelled.probability
            yield Example(capture.id, capture.made_at, capture.inputs, labelled.true, weight, capture.entities)
