"""Feedback: the label, value or reward that a prediction turned out to deserve, stored once per prediction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from slipway.errors import ConflictError
from slipway.monitoring.accuracy.labels import AccuracyCounters
from slipway.monitoring.feedback.impressions import WinCounters
from slipway.monitoring.feedback.prediction_ids import PredictionId


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of one prediction: exactly one of label, value and reward, and when it was observed."""

    prediction: PredictionId
    label: str | None = None
    value: float | None = None
    reward: float | None = None
    time: datetime | None = None

    def content(self) -> dict[str, str | float]:
        """What must agree for two pieces of feedback to be the same."""
        said = {"label": self.label, "value": self.value, "reward": self.reward}
        content = {name: value for name, value in said.items() if value is not None}
        return {**content, "time": self.time.isoformat()} if self.time else content


@dataclass(frozen=True, slots=True)
class Rewards:
    """A number of rewards, their sum, and the sum of their squares; what is not from 0 to 1 counts as the nearer."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Rewards") -> "Rewards":
        return Rewards(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @classmethod
    def of(cls, reward: float) -> "Rewards":
        """One reward."""
        bounded = min(max(reward, 0.0), 1.0)
        return cls(1, bounded, bounded**2)


class RewardCounters(Protocol):
    """What came back of a version's predictions."""

    def rewards(self, model: str, version: int, since: datetime, until: datetime) -> Rewards:
        """The rewards of predictions made from ``since`` on and before ``until``, to `BUCKET`; whenever they came.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...


class FeedbackCounters(RewardCounters, AccuracyCounters, WinCounters, Protocol):
    """All that is counted of feedback."""


BUCKET = timedelta(minutes=10)
"""Feedback is counted by the time of its predictions, in spans of this length where no other is chosen."""


def bucket(time: datetime, span: timedelta = BUCKET) -> datetime:
    """The beginning of the span that a time is in."""
    return time - timedelta(seconds=time.timestamp() % span.total_seconds())


class FeedbackStore(Protocol):
    """Where feedback lies."""

    def put(self, feedback: Feedback) -> bool:
        """Store it; False where the same was stored before.

        Raises:
            ConflictError: other feedback is stored for this prediction, and stays.
            UnavailableError: the store cannot be reached.
        """
        ...


def contradiction(feedback: Feedback) -> ConflictError:
    """The error for a second, different piece of feedback."""
    return ConflictError(f"other feedback is stored already for prediction {feedback.prediction}")
