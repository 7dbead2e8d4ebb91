"""Accuracy: compares the true labels of feedback with the predicted labels of captures."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class CapturedLabel:
    """The label of a captured prediction; true labels that arrive after ``expires`` are ignored."""

    prediction: PredictionId
    label: str
    expires: datetime


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


def captured_labels(captures: Iterable[Capture], kept: timedelta) -> list[CapturedLabel]:
    """Return the labels of the captures that have one; each expires ``kept`` after its prediction."""
    return [
        CapturedLabel(capture.prediction, capture.label, capture.made_at + kept)
        for capture in captures
        if capture.label is not None
    ]
