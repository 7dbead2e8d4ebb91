"""Accuracy: compares the true labels of feedback with the predicted labels of captures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from slipway.config.releases.segments import SegmentConfig
from slipway.models.prediction.labels import confidence_of
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.feedback.bucket_sums import BucketSums, merged
from slipway.monitoring.feedback.prediction_ids import PredictionId


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many predictions received a true label, and how many of those were wrong; both also by bucket."""

    count: int = 0
    wrong: int = 0
    buckets: BucketSums = field(default_factory=dict)

    def __add__(self, other: "Accuracy") -> "Accuracy":
        return Accuracy(self.count + other.count, self.wrong + other.wrong, merged(self.buckets, other.buckets))

    @classmethod
    def of(cls, *, predicted: str, true: str, bucket: int | None = None) -> "Accuracy":
        """Compare one predicted label with the true one."""
        wrong = int(predicted != true)
        return cls(1, wrong, {} if bucket is None else {bucket: (1, wrong)})


Answer = Mapping[str, Any]
"""What was predicted, or is true: one of `label`, `labels`, `value` and `values` by its name, as in an API's body."""

Segmented = Mapping[str, Sequence[SegmentConfig]]
"""The inputs by which a model's accuracy is shown apart, by model."""

OTHERS = "other values"
_ANSWERS = ("label", "labels", "value", "values")
_LONGEST_VALUE = 64


@dataclass(frozen=True, slots=True)
class CapturedLabel:
    """The label of a captured prediction, or the text of its labels; None for a regression.

    True labels that arrive after ``expires`` are ignored. ``answer`` is the whole prediction, ``score`` that of a
    classifier, and ``segments`` has the values of the inputs that `release.segments` names.
    """

    prediction: PredictionId
    label: str | None
    expires: datetime
    answer: Answer = field(default_factory=dict)
    score: float | None = None
    segments: Mapping[str, str] = field(default_factory=dict)


class LabelStore(Protocol):
    """Stores captured labels and matches them with feedback, whichever arrives first."""

    def captured(self, labels: Iterable[CapturedLabel]) -> None:
        """Store labels, and count those whose feedback has arrived; duplicate captures count once.

        Raises:
            UnavailableError: the store cannot be reached; a retry completes the work.
        """
        ...


class AccuracyCounters(Protocol):
    """Reads how often a version was right."""

    def accuracy(self, model: str, version: int, since: datetime, until: datetime) -> Accuracy:
        """Return the accuracy of captured predictions made in [``since``, ``until``), rounded to `BUCKET`.

        The time of the prediction counts, not the time at which its label arrived.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...


def captured_labels(
    captures: Iterable[Capture], kept: timedelta, segmented: Segmented | None = None
) -> list[CapturedLabel]:
    """What waits for true answers of the captures that have an answer; each expires ``kept`` after its prediction."""
    return [
        CapturedLabel(
            capture.prediction,
            capture.label,
            capture.made_at + kept,
            answer,
            confidence_of(capture.outputs),
            segment_values(capture.inputs, (segmented or {}).get(capture.model, ())),
        )
        for capture in captures
        if (answer := answer_of(capture.outputs))
    ]


def answer_of(outputs: Mapping[str, Any]) -> Answer:
    """The answer in outputs or in feedback, without its scores; empty if there is none that a label can be of."""
    found = next((name for name in _ANSWERS if outputs.get(name) is not None), None)
    return {} if found is None else {found: outputs[found]}


def segment_values(inputs: Mapping[str, Any], segments: Sequence[SegmentConfig]) -> dict[str, str]:
    """The value of each segment's input, as text; a value that is not among the segment's own is `OTHERS`."""
    return {each.input: _segment_value(inputs.get(each.input), each.values) for each in segments}


def _segment_value(value: Any, named: Sequence[str]) -> str:
    if value is None:
        return OTHERS
    text = str(value).lower() if isinstance(value, bool) else str(value)  # as baselines write it
    return text[:_LONGEST_VALUE] if not named or text in named else OTHERS
