"""`slipway monitor` of a version that is only in the registry, as a retrained one is: no folder here has it."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.calibrated import calibration
from support.packages import LABELS, make_regression_package, make_tabular_package, make_text_package, seal_again
from support.registries import ORIGIN, PASSED
from typer.testing import CliRunner

from slipway.cli.commands import app
from slipway.cli.deployed import Deployed
from slipway.cli.model.registry_target import Target
from slipway.console.queries.monitoring import Chosen, drift_of, skew_of, watched_of
from slipway.console.workspace import Workspace
from slipway.errors import NotFoundError
from slipway.features.history.files import HistoryFolder, pack_rows
from slipway.features.history.rows import Change, HistoryRow
from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import BASELINE, Package
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture, pack
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import Period

CONFIG = """
project: demo
models:
  tiny-price: {versions: [1], stable: 1, capture: {sample: 1.0}}
  tiny-sentiment: {versions: [1], stable: 1, capture: {sample: 1.0}}
  tiny-tabular: {versions: [1], stable: 1, capture: {sample: 1.0}}
features:
  tumour: {entity: patient, history: true, features: {radius: {type: float}, smooth: {type: float}}}
"""
OUTPUTS = {"CaptureBucket": "captures", "ControlTable": "control", "ModelBucket": "models", "HistoryBucket": "history"}
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
REGISTERED = 2


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account whose registry has version 2 of each model, and a project with version 1 only."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    deployed = Deployed("this account", OUTPUTS)
    for module in ("deployed", "monitor.drift_source", "skew.sources", "history.place"):
        monkeypatch.setattr(f"slipway.cli.{module}.find_deployed", lambda _: deployed)
    monkeypatch.setattr("slipway.console.workspace.find_deployed", lambda _: deployed)
    with mock_aws():
        for bucket in ("captures", "models", "history"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        boto3.client("dynamodb").create_table(
            TableName="control",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        registry = Target("control", "models", "this account").open()
        for make in (price, sentiment, make_tabular_package):
            for number in (1, REGISTERED):
                made = make(tmp_path / "made" / str(number), version=number)
                registry.register(made, PASSED, ORIGIN)
                if number == 1:
                    shutil.copytree(made.folder, tmp_path / "models" / made.manifest.name / "1")
                shutil.rmtree(made.folder)
        yield


def price(folder: Path, *, version: int) -> Package:
    made = make_regression_package(folder, version=version)
    records = [{"rooms": 1.0 + number % 3, "area": 20.0 + number % 100} for number in range(4000)]
    baseline = measure_baseline(made.manifest, records, [{"value": sum(record.values())} for record in records])
    write_baseline(made.path(BASELINE), baseline)
    return seal_again(made)


def sentiment(folder: Path, *, version: int) -> Package:
    made = make_text_package(folder, version=version)
    write_calibration(made.folder / "calibration.json", calibration())
    return seal_again(made)


def captured(model: str, number: int, inputs: dict[str, Any], outputs: dict[str, Any], **more: Any) -> Capture:
    at = START + timedelta(seconds=number % 3000)
    return Capture(
        id=f"{model}.{REGISTERED}.{int(at.timestamp()):08x}{number:016x}",
        model=model,
        version=REGISTERED,
        time=int(at.timestamp() * 1000),
        request="r",
        inputs=inputs,
        outputs=outputs,
        **more,
    )


def monitor(*words: str, typed: str = "") -> Any:
    done = CliRunner().invoke(app, ["monitor", *words], input=typed, catch_exceptions=False, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.output


@pytest.fixture
def drifted() -> None:
    """Profiles and a state of tiny-price 2 whose areas are far above the baseline's."""
    package = price(Path("served"), version=REGISTERED)
    bucket = CaptureBucket("captures")
    captures = [captured("tiny-price", n, {"rooms": 1.0, "area": 9000.0 + n}, {"value": float(n)}) for n in range(2000)]
    profile = profile_of(package, captures, start=START, minutes=60)
    BucketProfiles(bucket).write(profile)
    bins, end = bins_of(package.manifest, package.baseline), START + timedelta(hours=1)
    period = Period(package, bins, profile, lambda: iter(()), lambda: (), end)
    state, _ = DriftStep({}, BucketReferences("captures")).after(None, period)
    document = {"until": end.isoformat(), "state": state}
    StateStore(bucket).write(version_state("tiny-price", REGISTERED, "drift"), document)
    shutil.rmtree("served")


def test_drift_compares_the_version_with_its_own_baseline(drifted: None) -> None:
    found = monitor("drift", "tiny-price", "--json")
    assert (found["version"], found["records"]) == (REGISTERED, 2000)
    assert found["columns"][0]["effect"] > 0.5


def test_what_has_drifted_is_acknowledged_and_taken_back(drifted: None) -> None:
    found = monitor("acknowledge", "tiny-price", "--columns", "inputs.area", "--json")
    assert (found["version"], found["columns"]) == (REGISTERED, ["inputs.area"])
    back = monitor("acknowledge", "tiny-price", "--baseline", "--json")
    assert (back["columns"], back["acknowledged"]) == (["inputs.area"], {})


@pytest.mark.parametrize("command", ["drift", "profile"])
def test_a_file_is_compared_with_the_version(command: str) -> None:
    Path("homes.csv").write_text("rooms,area\n1,20\n2,30\n", encoding="utf-8")
    options = {"drift": ["tiny-price", "--file", "homes.csv"], "profile": ["homes.csv", "--model", "tiny-price"]}
    found = monitor(command, *options[command], "--version", "2", "--json")
    assert (found["version"], found["records"]) == (REGISTERED, 2)


@pytest.mark.parametrize("command", ["drift", "profile"])
def test_a_version_that_is_nowhere_is_named_with_those_that_are(command: str) -> None:
    Path("homes.csv").write_text("rooms,area\n1,20\n", encoding="utf-8")
    options = {"drift": ["tiny-price", "--file", "homes.csv"], "profile": ["homes.csv", "--model", "tiny-price"]}
    with pytest.raises(NotFoundError, match="no version of tiny-price '7' in the registry; there is 1, 2"):
        monitor(command, *options[command], "--version", "7")


def answered(number: int) -> Capture:
    scores = {"negative": 0.2, "neutral": 0.2, "positive": 0.6}
    outputs = {"label": "positive", "score": 0.6, "scores": scores}
    return captured("tiny-sentiment", number, {"text": f"day {number}"}, outputs)


def test_accuracy_and_labels_are_of_the_version() -> None:
    bucket = CaptureBucket("captures")
    for key, content in pack(answered(number) for number in range(5)).items():
        bucket.put(key, content)
    found = monitor("accuracy", "tiny-sentiment", "--version", "2", "--window", "6h", "--json")
    assert found["version"] == REGISTERED
    shown = monitor(
        "label", "tiny-sentiment", "--version", "2", "--window", "6h", "--number", "1", "--shadow", typed="3\n"
    )
    assert LABELS[2] in shown


def test_profiles_are_listed(drifted: None) -> None:
    (found,) = monitor("profiles", "tiny-price", "--json")["profiles"]
    assert (found["version"], found["records"]) == (REGISTERED, 2000)


def patient(number: int, radius: float) -> Capture:
    inputs = {"radius": radius, "smooth": 0.5, "age": 40}
    return captured("tiny-tabular", number, inputs, {"label": "yes"}, entities={"patient": f"p{number}"})


@pytest.fixture
def skewed() -> None:
    """Ten captures by tiny-tabular 2, one with another radius than the history has."""
    before = int((START - timedelta(hours=1)).timestamp() * 1000)
    values = [json.dumps({"radius": n / 3, "smooth": 0.5}, separators=(",", ":")) for n in range(10)]
    rows = [
        HistoryRow("tumour", "patient", f"p{n}", Change.WRITE, before, f"{n:040}", before, None, text)
        for n, text in enumerate(values)
    ]
    files = HistoryFolder(Path("history"))
    for key, content in pack_rows(rows).items():
        files.put(key, content)
        boto3.client("s3").put_object(Bucket="history", Key=key, Body=content)
    for key, content in pack(patient(n, 9.0 if n == 4 else n / 3) for n in range(10)).items():
        CaptureBucket("captures").put(key, content)


def test_skew_replays_the_captures_of_the_version(skewed: None) -> None:
    found = monitor("skew", "tiny-tabular", "--window", "6h", "--from", "history", "--json")
    assert (found["captures"], found["rows"], found["differing"]) == (10, 10, 1)
    assert [each["id"] for each in found["differences"]] == ["p4"]


def test_skew_compares_the_version_with_a_file(skewed: None) -> None:
    at = patient(4, 9.0).made_at.isoformat()
    Path("train.csv").write_text(f"patient,time,radius,smooth,age\np4,{at},1.5,0.5,40\n", encoding="utf-8")
    found = monitor("skew", "tiny-tabular", "--window", "6h", "--file", "train.csv", "--json")
    assert [(each["id"], each["feature"]) for each in found["differences"]] == [("p4", "radius")]


def test_captures_here_of_a_version_that_is_nowhere_are_an_error() -> None:
    capture = patient(1, 1.0).model_copy(update={"version": 7, "id": patient(1, 1.0).id.replace(".2.", ".7.")})
    Path("captures.jsonl.gz").write_bytes(gzip.compress(capture.line().encode()))
    with pytest.raises(NotFoundError, match="no version of tiny-tabular '7' in the registry"):
        monitor("skew", "tiny-tabular", "--captures", "captures.jsonl.gz", "--from", "history")


@pytest.mark.parametrize(
    "read", [lambda w, c: drift_of(w, c).version, lambda w, c: watched_of(w, c).package.manifest.version]
)
def test_the_pages_of_the_console_find_it(drifted: None, read: Callable[[Workspace, Chosen], int]) -> None:
    assert read(Workspace(Path("slipway.yaml")), Chosen("tiny-price", REGISTERED, "6h")) == REGISTERED


def test_the_page_of_skew_finds_it(skewed: None) -> None:
    found = skew_of(Workspace(Path("slipway.yaml")), Chosen("tiny-tabular", None, "6h"))
    assert (found.captures, found.replay.rows, found.replay.differing) == (10, 10, 1)
