"""Send a recording to an API at a speed: feature rows, then the hour's records, and their labels some hours later."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any
from urllib.parse import quote

from slipway.cli.api import Api
from slipway.cli.feature_upload import ApiUpload
from slipway.cli.local.recording import Hour, Recorded
from slipway.cli.predict_input import Described, calls
from slipway.features.sending import send_all
from slipway.features.store import FeatureWrite
from slipway.records.rows import Position

_CHANCE = SystemRandom()
_LABELS_IN_FLIGHT = 4
_LABELS_PER_TURN = 16


@dataclass(slots=True)
class Played:
    """What was sent, and how many answers were what the recording's label says."""

    writes: int = 0
    predictions: int = 0
    labelled: int = 0
    right: int = 0

    def __add__(self, other: "Played") -> "Played":
        return Played(
            self.writes + other.writes,
            self.predictions + other.predictions,
            self.labelled + other.labelled,
            self.right + other.right,
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """``speed`` hours of the recording pass in an hour. The clock and its sleep are given, for tests."""

    speed: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def waits(self, first: datetime) -> Callable[[datetime], None]:
        """Return a function that waits until a moment of a recording that begins at ``first``."""
        began = self.monotonic()

        def wait(moment: datetime) -> None:
            left = began + (moment - first).total_seconds() / self.speed - self.monotonic()
            if left > 0:
                self.sleep(left)

        return wait


@dataclass(frozen=True, slots=True)
class _Due:
    """A label to be sent once the recording has come to ``at``."""

    at: datetime
    feedback: dict[str, Any]


def _nobody(recorded: Recorded, prediction: dict[str, Any]) -> None:
    """Look at no answer."""


@dataclass
class Player:
    """Sends a recording to the API of ``client``, each hour as if it were now.

    With a ``share``, labels come for as many of the predictions, drawn at random, and say so by their `probability`.
    ``answered`` gets each record with its prediction.
    """

    client: Api
    model: str
    version: Described
    upload: ApiUpload
    labels_after: timedelta
    share: float | None = None
    answered: Callable[[Recorded, dict[str, Any]], None] = _nobody
    _due: deque[_Due] = field(default_factory=deque)

    def play(self, hours: Iterable[Hour], pace: Pace) -> Iterator[tuple[datetime, Played]]:
        """Yield what was sent in each hour; labels that are still due follow the last hour.

        Raises:
            ApiError: the API refused something for another reason than being busy.
            InputError: a feature row was refused.
            UnavailableError: the API cannot be reached.
        """
        wait: Callable[[datetime], None] | None = None
        for hour in hours:
            wait = wait or pace.waits(hour.start)
            wait(hour.start)
            self._send_labels(hour.start)
            played = Played(writes=self._write(hour.writes))
            yield hour.start, played + self._predict(hour)
        self._send_labels(None)

    def _write(self, writes: Sequence[FeatureWrite]) -> int:
        now = datetime.now(UTC)
        current = (
            (Position(number), replace(write, event_time=now)) for number, write in enumerate(_newest(writes), 1)
        )
        for sent in self.upload.send(current):
            if sent.error is not None:
                raise sent.error
        return len(writes)

    def _predict(self, hour: Hour) -> Played:
        played, rest = Played(), deque(hour.records)
        if not rest:
            return played
        path = f"/v1/models/{quote(self.model, safe='')}/predict"
        for part in calls([each.placed for each in hour.records], self.version):
            body = {"inputs": [each.record for each in part]}
            answer = self.client.call_patiently("POST", path, body)
            for prediction in answer["predictions"]:
                played += self._answered(rest.popleft(), prediction, hour.start)
        return played

    def _answered(self, record: Recorded, prediction: dict[str, Any], moment: datetime) -> Played:
        """Count a prediction, and put its label in the queue if it is to come."""
        self.answered(record, prediction)
        if record.label is None or not self._draw():
            return Played(predictions=1)
        said = "label" if "label" in prediction else "value"
        drawn = {} if self.share is None else {"probability": self.share}
        feedback = {"prediction_id": prediction["id"], said: record.label, **drawn}
        self._due.append(_Due(moment + self.labels_after, feedback))
        right = said == "label" and prediction["label"] == record.label
        return Played(predictions=1, labelled=1, right=int(right))

    def _draw(self) -> bool:
        return self.share is None or _CHANCE.random() < self.share

    def _send_labels(self, moment: datetime | None) -> None:
        """Send the labels that are due; without a moment, all of them."""
        due: list[_Due] = []
        while self._due and (moment is None or self._due[0].at <= moment):
            due.append(self._due.popleft())
        turns = [due[at : at + _LABELS_PER_TURN] for at in range(0, len(due), _LABELS_PER_TURN)]
        for _ in send_all(
            turns, self._feedback, key=lambda each: each.feedback["prediction_id"], in_flight=_LABELS_IN_FLIGHT
        ):
            pass

    def _feedback(self, due: Sequence[_Due]) -> None:
        for each in due:
            self.client.call_patiently("POST", "/v1/feedback", each.feedback)


def _newest(writes: Sequence[FeatureWrite]) -> Iterable[FeatureWrite]:
    """The last row of each key: they are all written as of now, and an hour may have several."""
    return {write.key: write for write in sorted(writes, key=lambda each: each.event_time)}.values()
