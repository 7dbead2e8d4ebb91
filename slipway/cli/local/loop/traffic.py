"""Sends days of flights to the API as `slipway local replay` does, and counts whose answers were right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from slipway.cli.local.loop.days import Day
from slipway.cli.local.loop.months import Ledger
from slipway.cli.local.playing import Pace, Player
from slipway.cli.local.recording import Hour, Recorded

LABELS_AFTER = timedelta(hours=6)
_DAY_SECONDS = 86_400.0


@dataclass
class Traffic:
    """One day after the other. ``player`` makes the `Player` of a share of labels and an observer of its answers."""

    player: Callable[[float, Callable[[Recorded, dict[str, Any]], None]], Player]
    ledger: Ledger
    opposite: dict[Any, Any]
    labels: int = 0
    learned: int = 0
    """The labels that the last version was trained on."""
    _weather: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def new_labels(self) -> int:
        """The labels since then."""
        return self.labels - self.learned

    def play(self, day: Day, *, share: float, seconds: float, poisoned: bool = False) -> None:
        """Send a day in at least ``seconds``; labels come for a ``share`` of it, and the opposite ones if poisoned."""
        sent = day.flipped(self.opposite) if poisoned else day
        answers: list[tuple[Recorded, dict[str, Any]]] = []
        player = self.player(share, lambda recorded, prediction: answers.append((recorded, prediction)))
        by_hour, month = [], self.ledger.month(day.date.month)
        month.poisoned = month.poisoned or poisoned
        hours = iter(sent.hours)
        for _, played in player.play(sent.hours, Pace(_DAY_SECONDS / seconds)):
            by_hour += self._served(next(hours), answers, poisoned=poisoned)
            answers.clear()
            self.labels += played.labelled
        self.ledger.count(month, by_hour)

    def _served(
        self, hour: Hour, answers: list[tuple[Recorded, dict[str, Any]]], *, poisoned: bool
    ) -> list[tuple[dict[str, Any], Any, dict[str, Any]]]:
        """The records of an hour as the model got them, with their true labels and predictions."""
        for write in sorted(hour.writes, key=lambda write: write.event_time):
            self._weather[write.key.id] = dict(write.values)
        found = []
        for recorded, prediction in answers:
            values = dict(recorded.placed.record)
            entities = [values.pop(name) for name in self.ledger.entities]
            read = {name: value for each in entities for name, value in self._weather.get(each, {}).items()}
            true = self.opposite[recorded.label] if poisoned else recorded.label
            found.append(({**read, **values}, true, prediction))
        return found
