"""The lengths of time that drift is judged by."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slipway.config.drift import DriftConfig
from slipway.monitoring.periods import hour_of, is_on_laptop

_YEAR_HOURS = 365 * 24


@dataclass(frozen=True, slots=True)
class Spans:
    """``unit`` is what is bet on at once, ``cycle`` a whole number of units, and ``window`` what effects are of."""

    unit: timedelta
    cycle: timedelta
    window: timedelta
    year: timedelta

    @classmethod
    def of(cls, config: DriftConfig, minutes: float) -> "Spans":
        """The spans for periods of so many minutes. On a laptop every period is a cycle of its own."""
        hour = hour_of(minutes)
        unit = hour * max(1, config.unit_hours)
        return cls(
            unit=unit,
            cycle=unit if is_on_laptop(minutes) else hour * config.cycle_hours,
            window=max(unit, hour * config.window_hours),
            year=hour * _YEAR_HOURS,
        )

    def unit_of(self, moment: datetime) -> datetime:
        """The start of the unit that a moment lies in."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return epoch + (moment - epoch) // self.unit * self.unit

    @property
    def units_per_year(self) -> float:
        """The number of units in a year."""
        return self.year / self.unit

    @property
    def cycles_per_year(self) -> float:
        """The number of cycles in a year."""
        return self.year / self.cycle
