"""`slipway monitor` of a version that is only in the registry, as a retrained one is: no folder here has it."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from support.packages import LABELS
from support.registered import REGISTERED, START, answered, captured, monitor, price, registered_account

from slipway.console.queries.monitoring import Chosen, drift_of, skew_of, watched_of
from slipway.console.workspace import Workspace
from slipway.errors import NotFoundError
from slipway.features.history.files import HistoryFolder, pack_rows
from slipway.features.history.rows import Change, HistoryRow
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture, pack
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import Period


@pytest.fixture(autouse=True)
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with registered_account(tmp_path, monkeypatch):
        yield


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
