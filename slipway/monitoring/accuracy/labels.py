"""Accuracy: labels that came back, held against what was predicted, where that was captured."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.feedback.prediction_ids import PredictionId


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A number of predictions whose label came back, and how many of them were of another label."""

    count: int = 0
    wrong: int = 0

    def __add__(self, other: "Accuracy") -> "Accuracy":
        return Accuracy(self.count + other.count, self.wrong + other.wrong)

    @classmethod
    def of(cls, *, predicted: str, true: str) -> "Accuracy":
        """One prediction."""
        return cls(1, int(predicted != true))


@dataclass(frozen=True, slots=True)
class CapturedLabel:
    """What a captured prediction answered; a label that comes back after ``expires`` is not held against it."""

    prediction: PredictionId
    label: str
    expires: datetime


class LabelStore(Protocol):
    """Where captured labels wait for those that come back, or find them there already."""

    def captured(self, labels: Iterable[CapturedLabel]) -> None:
        """Store them, and count those whose feedback is there: each once, however often it is captured.

        Raises:
            UnavailableError: the store cannot be reached; to do it again does what is left.
        """
        ...


class AccuracyCounters(Protocol):
    """How often a version was right."""

    def accuracy(self, model: str, version: int, since: datetime, until: datetime) -> Accuracy:
        """Of captured predictions made from ``since`` on and before ``until``, to `BUCKET`; whenever labels came.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...


def captured_labels(captures: Iterable[Capture], kept: timedelta) -> list[CapturedLabel]:
    """The labels of captures that have one, each to be kept for that long after the prediction."""
    return [
        CapturedLabel(capture.prediction, capture.label, capture.made_at + kept)
        for capture in captures
        if capture.label is not None
    ]
