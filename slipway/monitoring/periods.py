"""How long an hour of the settings is."""

from datetime import timedelta

# Periods of a minute or less are for laptops.
_LAPTOP_MINUTES = 1


def is_on_laptop(minutes: float) -> bool:
    """Whether periods of so many minutes are those of a laptop."""
    return minutes <= _LAPTOP_MINUTES


def hour_of(minutes: float) -> timedelta:
    """An hour of the settings: on a laptop, one period."""
    return timedelta(minutes=minutes) if is_on_laptop(minutes) else timedelta(hours=1)
