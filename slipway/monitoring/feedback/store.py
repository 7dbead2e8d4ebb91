"""Feedback: the observed answer or reward of a prediction, stored once per prediction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from slipway.errors import ConflictError
from slipway.monitoring.accuracy.labels import AccuracyCounters
from slipway.monitoring.captures.parsing import label_text
from slipway.monitoring.feedback.bucket_sums import BucketSums, merged
from slipway.monitoring.feedback.impressions import WinCounters
from slipway.monitoring.feedback.prediction_ids import PredictionId


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback on one prediction: exactly one of its true answer and a reward, and when it was observed.

    The answer is the label or the set of labels of a classifier, or the value or the values by target of a regression.
    ``probability`` is that with which the record was drawn for labelling; None if its label came of itself.
    """

    prediction: PredictionId
    label: str | None = None
    value: float | None = None
    reward: float | None = None
    time: datetime | None = None
    labels: frozenset[str] | None = None
    values: Mapping[str, float] | None = None
    probability: float | None = None

    @property
    def label_text(self) -> str | None:
        """The true label, or labels, as a capture has the predicted ones; None for other feedback."""
        return self.label if self.labels is None else label_text(self.labels)

    def content(self) -> dict[str, Any]:
        """The fields by which two pieces of feedback are compared; how the record was chosen is none of them."""
        labels = None if self.labels is None else sorted(self.labels)
        values = None if self.values is None else dict(self.values)
        said = {"label": self.label, "labels": labels, "value": self.value, "values": values, "reward": self.reward}
        content = {name: value for name, value in said.items() if value is not None}
        return {**content, "time": self.time.isoformat()} if self.time else content


@dataclass(frozen=True, slots=True)
class Rewards:
    """The count, sum and sum of squares of rewards, each clamped to [0, 1], and the count and sum by bucket."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    buckets: BucketSums = field(default_factory=dict)

    def __add__(self, other: "Rewards") -> "Rewards":
        return Rewards(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            merged(self.buckets, other.buckets),
        )

    @classmethod
    def of(cls, reward: float, bucket: int | None = None) -> "Rewards":
        """Clamp one reward and count it."""
        bounded = min(max(reward, 0.0), 1.0)
        return cls(1, bounded, bounded**2, {} if bucket is None else {bucket: (1, bounded)})


class RewardCounters(Protocol):
    """Reads the rewards of a version's predictions."""

    def rewards(self, model: str, version: int, since: datetime, until: datetime) -> Rewards:
        """Return the rewards of predictions made in [``since``, ``until``), rounded to `BUCKET`.

        The time of the prediction counts, not the time at which its reward arrived.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...


class FeedbackCounters(RewardCounters, AccuracyCounters, WinCounters, Protocol):
    """Reads every counter of feedback."""


BUCKET = timedelta(minutes=10)
"""The default span in which feedback is counted, by the time of the prediction."""


def bucket(time: datetime, span: timedelta = BUCKET) -> datetime:
    """Return the start of the span that contains ``time``."""
    return time - timedelta(seconds=time.timestamp() % span.total_seconds())


class FeedbackStore(Protocol):
    """Stores feedback."""

    def put(self, feedback: Feedback) -> bool:
        """Store feedback; return False if the same feedback was stored before.

        Raises:
            ConflictError: different feedback is stored for this prediction and is kept.
            UnavailableError: the store cannot be reached.
        """
        ...


def contradiction(feedback: Feedback) -> ConflictError:
    """Return the error for a second, different piece of feedback."""
    return ConflictError(f"other feedback is stored already for prediction {feedback.prediction}")
