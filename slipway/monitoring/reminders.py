"""When a standing alarm becomes an event again: each day, so that a training run that lacked labels is tried again."""

from datetime import datetime

from slipway.monitoring.periods import hour_of

EVERY_HOURS = 24


def is_due(told: datetime | None, now: datetime, *, minutes: float) -> bool:
    """Whether a day has passed since an alarm was told; ``minutes`` is the length of a period."""
    return told is None or now - told >= EVERY_HOURS * hour_of(minutes)
