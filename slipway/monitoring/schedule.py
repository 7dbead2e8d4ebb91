"""When periods begin, end and close, and which hours may still change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slipway.monitoring.captures.reading import HOUR, start_of_hour

_LONGEST_GRACE = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """The captured models, the length of a period, and for how many hours captures may come late.

    After an outage, hours up to ``kept_days`` back are made up for, as long as captures are kept.
    """

    models: Sequence[str]
    minutes: float = 60
    late_hours: int = 24
    kept_days: int = 30
    settle: timedelta | None = None

    @property
    def grace(self) -> timedelta:
        """How long after its end a period closes, since captures come minutes late, or as configured."""
        return self.settle or timedelta(minutes=min(self.minutes, _LONGEST_GRACE))

    def closed(self, now: datetime) -> datetime:
        """The end of the newest closed period."""
        length = timedelta(minutes=self.minutes)
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (now - self.grace - midnight) // length * length

    def oldest(self, now: datetime, finished: datetime | None) -> datetime:
        """The oldest hour to look at: captures of it may still come, or no run has ``finished`` it."""
        hour = start_of_hour(now)
        late, kept = hour - self.late_hours * HOUR, hour - timedelta(days=self.kept_days)
        return late if finished is None else max(kept, min(late, start_of_hour(finished)))

    def hours(self, now: datetime, finished: datetime | None) -> list[datetime]:
        """The hours to look at, oldest first."""
        oldest = self.oldest(now, finished)
        return [oldest + HOUR * number for number in range((start_of_hour(now) - oldest) // HOUR + 1)]

    def periods(self, since: datetime, until: datetime) -> int:
        """The number of periods between two of their ends."""
        return max(0, (until - since) // timedelta(minutes=self.minutes))
