"""Feedback: the label, value or reward that a prediction turned out to deserve, stored once per prediction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from slipway.errors import ConflictError
from slipway.monitoring.prediction_ids import PredictionId


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


class FeedbackStore(Protocol):
    """Where feedback lies."""

    def put(self, feedback: Feedback) -> bool:
        """Store it; False where the same was stored before.

        Raises:
            ConflictError: other feedback is stored for this prediction, and stays.
            UnavailableError: the store cannot be reached.
        """
        ...


class MemoryFeedbackStore:
    """Feedback in this process only."""

    def __init__(self) -> None:
        self._stored: dict[PredictionId, Feedback] = {}

    def put(self, feedback: Feedback) -> bool:
        stored = self._stored.get(feedback.prediction)
        if stored is None:
            self._stored[feedback.prediction] = feedback
        elif stored.content() != feedback.content():
            raise contradiction(feedback)
        return stored is None


def contradiction(feedback: Feedback) -> ConflictError:
    """The error for a second, different piece of feedback."""
    return ConflictError(f"other feedback is stored already for prediction {feedback.prediction}")
