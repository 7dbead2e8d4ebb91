"""`slipway monitor drift` and `acknowledge` of a version whose profiles and state lie in a bucket in moto."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from support.captures import prices
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import make_regression_package, seal_again
from typer.testing import CliRunner, Result

from slipway.cli.commands import app
from slipway.cli.deployed import Deployed
from slipway.cli.monitor import drift_source
from slipway.errors import InputError, NotFoundError, StaleError
from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.package import BASELINE, Package
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.drift.references import Acknowledged, References
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import Period

BUCKET, MODEL = "captures", "tiny-price"
CONFIG = f"project: demo\nmodels:\n  {MODEL}: {{versions: [1], stable: 1}}\n"
NORMAL = Acknowledged(
    ("a", "missing"), (1.0, 0.0), 10.0, 10, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
)
Slipway = Callable[..., Result]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[CaptureBucket]:
    use_test_credentials(monkeypatch)
    outputs = {"CaptureBucket": BUCKET, "ControlTable": "control"}
    monkeypatch.setattr(drift_source, "find_deployed", lambda _: Deployed("this account", outputs))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        create_keyed_table("control")
        yield CaptureBucket(BUCKET)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A regression with a baseline of 4,000 records, since one of two says next to nothing."""
    made = make_regression_package(tmp_path / "models" / MODEL / "1")
    records = [{"rooms": 1.0 + number % 3, "area": 20.0 + number % 100} for number in range(4000)]
    baseline = measure_baseline(made.manifest, records, [{"value": sum(record.values())} for record in records])
    write_baseline(made.path(BASELINE), baseline)
    return seal_again(made)


@pytest.fixture
def slipway(bucket: CaptureBucket, package: Package) -> Slipway:
    folder = package.folder.parents[2]
    (folder / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    config = ["--config", str(folder / "slipway.yaml")]
    return lambda *words: CliRunner().invoke(app, ["monitor", *words, *config], env={"COLUMNS": "80"})


@pytest.fixture
def drifted(bucket: CaptureBucket, package: Package) -> list[datetime]:
    """Two days of captures whose areas are far above the baseline's, as the monitor leaves them."""
    profiles, step = BucketProfiles(bucket), DriftStep({}, BucketReferences(BUCKET))
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    starts = [last - timedelta(hours=hours) for hours in range(48, 0, -1)]
    state, bins = None, bins_of(package.manifest, package.baseline)
    for start in starts:
        captures = prices(60, first=5000)
        profile = profile_of(package, captures, start=start, minutes=60)
        profiles.write(profile)
        state, _ = step.after(
            state, Period(package, bins, profile, lambda: iter(()), lambda: (), start + timedelta(hours=1))
        )
    document = {"until": last.isoformat(), "state": state}
    StateStore(bucket).write(version_state(MODEL, 1, "drift"), document)
    return starts


def test_columns_are_shown_in_order_of_effect_with_pictures_and_since_when(
    slipway: Slipway, drifted: list[datetime]
) -> None:
    done = slipway("drift", MODEL)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert all(len(line) <= 80 for line in lines if line[:1] != "D" and "version 1" not in line)
    (area,) = [line for line in lines if line.startswith("inputs.area")]
    assert "drifted" in area
    assert "█" in area
    effects = [float(line.split()[1]) for line in lines if line.startswith(("inputs.", "outputs."))]
    assert effects == sorted(effects, reverse=True)
    assert "Drifted since: inputs.area" in " ".join(lines)
    assert "slipway monitor acknowledge" in done.output


def test_json_has_the_cells_and_the_verdicts(slipway: Slipway, drifted: list[datetime]) -> None:
    found = json.loads(slipway("drift", MODEL, "--json", "--window", "24h").output)
    assert found["records"] in {23 * 60, 24 * 60}
    columns = {each["column"]: each for each in found["columns"]}
    assert columns["inputs.area"]["drifted"] is True
    assert columns["inputs.area"]["cells"][-2] == {"cell": "above", "before": 0.0, "now": 1.0}


@pytest.mark.parametrize("ending", [".svg", ".png"])
def test_a_plot_shows_baseline_and_window(
    slipway: Slipway, drifted: list[datetime], tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"drift{ending}"
    assert slipway("drift", MODEL, "--plot", str(path)).exit_code == 0
    start = path.read_bytes()[:200]
    assert b"<svg" in start or b"<?xml" in start or start.startswith(b"\x89PNG")


def test_a_window_beside_the_one_before_it_has_not_moved(slipway: Slipway, drifted: list[datetime]) -> None:
    found = json.loads(slipway("drift", MODEL, "--window", "12h", "--against", "12h", "--json").output)
    assert max(each["effect"] for each in found["columns"]) < 1e-6
    assert {each["drifted"] for each in found["columns"]} == {None}


def test_a_file_stands_in_place_of_the_window_and_needs_no_deployment(
    slipway: Slipway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: str) -> Deployed:
        raise NotFoundError("deployed stack", "demo-serving")

    monkeypatch.setattr(drift_source, "find_deployed", nothing)
    path = tmp_path / "flats.csv"
    path.write_text("area,colour\n" + "".join(f"{20 + number},red\n" for number in range(50)), encoding="utf-8")
    found = json.loads(slipway("drift", MODEL, "--file", str(path), "--json").output)
    assert [each["column"] for each in found["columns"]] == ["inputs.area"]
    assert found["records"] == 50


def test_what_is_acknowledged_is_compared_with_its_window_and_said(slipway: Slipway, drifted: list[datetime]) -> None:
    done = slipway("acknowledge", MODEL)
    assert done.exit_code == 0, done.output
    assert "inputs.area" in done.output
    after = slipway("drift", MODEL)
    assert "drifted" not in after.output
    assert "acknowledged window" in after.output
    back = slipway("acknowledge", MODEL, "--baseline", "--json")
    assert json.loads(back.output)["acknowledged"] == {}


def test_columns_are_acknowledged_by_name(slipway: Slipway, drifted: list[datetime]) -> None:
    found = json.loads(slipway("acknowledge", MODEL, "--columns", "inputs.area,inputs.rooms", "--json").output)
    assert sorted(found["acknowledged"]) == ["inputs.area", "inputs.rooms"]
    wrong = slipway("acknowledge", MODEL, "--columns", "inputs.aera").exception
    assert isinstance(wrong, InputError)
    assert "inputs.area" in str(wrong)


def test_nothing_drifted_is_nothing_to_acknowledge(slipway: Slipway, drifted: list[datetime]) -> None:
    assert slipway("acknowledge", MODEL).exit_code == 0
    bucket = CaptureBucket(BUCKET)
    StateStore(bucket).write(version_state(MODEL, 1, "drift"), {"until": "2026-01-01T00:00:00+00:00", "state": None})
    assert isinstance(slipway("acknowledge", MODEL).exception, InputError)


def test_two_people_do_not_overwrite_each_other(bucket: CaptureBucket) -> None:
    mine, others = BucketReferences(BUCKET), BucketReferences(BUCKET)

    def change(column: str, meanwhile: str) -> Callable[[References], References]:
        def made(known: References) -> References:
            others.change(MODEL, 1, lambda stored: {**stored, meanwhile: NORMAL})
            return {**known, column: NORMAL}

        return made

    with pytest.raises(StaleError):
        mine.change(MODEL, 1, change("inputs.a", meanwhile="inputs.b"))  # there was none
    with pytest.raises(StaleError):
        mine.change(MODEL, 1, change("inputs.a", meanwhile="inputs.c"))
    assert sorted(mine.read(MODEL, 1)) == ["inputs.b", "inputs.c"]


def test_a_window_without_captures_names_the_setting_that_captures(slipway: Slipway, bucket: CaptureBucket) -> None:
    error = slipway("drift", MODEL).exception
    assert isinstance(error, NotFoundError)
    assert "capture.sample" in str(error)


@pytest.mark.parametrize(
    "words",
    [
        ("--window", "yesterday"),
        ("--window", "0h"),
        ("--against", "2026-11-02/2026-11-01"),
        ("--file", "x.csv", "--window", "24h"),
    ],
)
def test_a_window_that_cannot_be_read_is_refused(slipway: Slipway, words: tuple[str, ...]) -> None:
    assert isinstance(slipway("drift", MODEL, *words).exception, InputError)
