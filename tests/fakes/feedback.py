"""Feedback in this process's memory."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from slipway.monitoring.accuracy.labels import Accuracy, CapturedLabel
from slipway.monitoring.feedback.impressions import Click, won, won_by_bucket
from slipway.monitoring.feedback.prediction_ids import PredictionId
from slipway.monitoring.feedback.store import Feedback, Rewards, bucket, contradiction


class MemoryFeedbackStore:
    """A `FeedbackStore` with its counters, gone with the process."""

    def __init__(self) -> None:
        self._stored: dict[PredictionId, Feedback] = {}
        self._captured: dict[PredictionId, CapturedLabel] = {}

    def put(self, feedback: Feedback) -> bool:
        stored = self._stored.get(feedback.prediction)
        if stored is None:
            self._stored[feedback.prediction] = feedback
        elif stored.content() != feedback.content():
            raise contradiction(feedback)
        return stored is None

    def captured(self, labels: Iterable[CapturedLabel]) -> None:
        now = datetime.now(UTC)
        self._captured |= {each.prediction: each for each in labels if each.expires > now}

    def rewards(self, model: str, version: int, since: datetime, until: datetime) -> Rewards:
        found = self._about(model, version, since, until)
        rewards = (Rewards.of(each.reward, each.prediction.bucket) for each in found if each.reward is not None)
        return sum(rewards, Rewards())

    def accuracy(self, model: str, version: int, since: datetime, until: datetime) -> Accuracy:
        found = [
            Accuracy.of(predicted=captured.label, true=each.label_text, bucket=each.prediction.bucket)
            for each in self._about(model, version, since, until)
            if each.label_text is not None
            and (captured := self._captured.get(each.prediction)) is not None
            and captured.label is not None
        ]
        return sum(found, Accuracy())

    def wins(self, model: str, release: str) -> Mapping[int, int]:
        return won(self._clicks(model, release))

    def wins_by_bucket(self, model: str, release: str) -> Mapping[int, Mapping[int, int]]:
        return won_by_bucket(self._clicks(model, release))

    def _clicks(self, model: str, release: str) -> list[Click]:
        clicks = map(Click.of, self._stored.values())
        return [click for click in clicks if click and (click.model, click.release) == (model, release)]

    def _about(self, model: str, version: int, since: datetime, until: datetime) -> list[Feedback]:
        return [
            feedback
            for prediction, feedback in self._stored.items()
            if (prediction.model, prediction.version) == (model, version)
            and bucket(since) <= bucket(prediction.made_at) < until
        ]
