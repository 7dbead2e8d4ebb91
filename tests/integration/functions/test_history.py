"""The function `history`, given events as the features table's stream has them."""

import copy
import gzip
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.lambda_context import CallContext

from functions.history.settings import Settings
from slipway.errors import ConfigError

DAY = "history/group=tumour/lines/date=2026-11-2"
PLACE = {"LocationConstraint": "eu-west-1"}


@pytest.fixture
def handle(aws: None, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    file = bundle / "slipway.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n    history: true\n", encoding="utf-8")
    for name, value in {"SLIPWAY_HISTORY_BUCKET": "history", "LAMBDA_TASK_ROOT": str(bundle)}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="history", CreateBucketConfiguration=PLACE)
    return importlib.reload(importlib.import_module("functions.history.handler")).handler


def stored() -> dict[str, list[dict[str, Any]]]:
    """The rows in the bucket, by key."""
    s3 = boto3.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="history").get("Contents", [])]
    contents = {key: s3.get_object(Bucket="history", Key=key)["Body"].read() for key in keys}
    return {key: [json.loads(line) for line in gzip.decompress(text).splitlines()] for key, text in contents.items()}


def test_changes_become_a_file_a_day_once(
    handle: Any, event: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert handle(event("feature_changes"), CallContext()) == {"batchItemFailures": []}
    (first, writes), (second, removals) = sorted(stored().items())
    assert [key.rpartition("/")[0] for key in (first, second)] == [f"{DAY}1", f"{DAY}2"]
    assert [(row["id"], row["change"]) for row in sorted(writes, key=lambda row: row["sequence"])] == [
        ("p001", "write"),
        ("p001", "write"),
    ]
    assert {(row["id"], row["change"]) for row in removals} == {("p002", "expiry"), ("p#3", "delete")}
    assert "not of Slipway" not in "".join(capsys.readouterr())


def test_a_row_has_its_times_and_its_values_digit_by_digit(handle: Any, event: Callable[..., dict[str, Any]]) -> None:
    handle(event("feature_changes"), CallContext())
    rows = {row["sequence"]: row for rows in stored().values() for row in rows}
    assert rows["4421584500000000017450439091".zfill(40)] == {
        "entity": "patient",
        "id": "p001",
        "change": "write",
        "written_at": 1795262400456,
        "event_time": 1795262399123,
        "expires_at": 1795348800,
        "sequence": "4421584500000000017450439091".zfill(40),
        "features": {"radius": 12.5, "smooth": 1e-300},
    }
    # A writer that does not say when: the store had it by the end of the second, to which streams round down.
    assert rows["4421584500000000017450439092".zfill(40)]["written_at"] == 1795262460999
    assert rows["4421584500000000017450439093".zfill(40)]["features"] is None


@pytest.mark.parametrize(
    ("claimed", "written_at"), [("1795262300000", 1795262400000), ("1795269999999", 1795262400999)]
)
def test_a_wrong_clock_moves_a_write_by_less_than_a_second(
    handle: Any, event: Callable[..., dict[str, Any]], claimed: str, written_at: int
) -> None:
    changes = event("feature_changes")
    changes["Records"] = changes["Records"][:1]
    changes["Records"][0]["dynamodb"]["NewImage"]["written_at"]["N"] = claimed
    handle(changes, CallContext())
    ((row,),) = stored().values()
    assert row["written_at"] == written_at


def test_changes_of_groups_without_a_history_are_left_out(handle: Any, event: Callable[..., dict[str, Any]]) -> None:
    changes = event("feature_changes")
    for record in changes["Records"]:
        record["dynamodb"]["Keys"]["sk"]["S"] = "other"
    assert handle(changes, CallContext()) == {"batchItemFailures": []}
    assert stored() == {}


def test_what_cannot_be_stored_is_named_and_stored_when_it_comes_again(
    handle: Any, event: Callable[..., dict[str, Any]]
) -> None:
    changes = event("feature_changes")
    boto3.client("s3").delete_bucket(Bucket="history")
    failed = {each["itemIdentifier"] for each in handle(copy.deepcopy(changes), CallContext())["batchItemFailures"]}
    assert failed == {f"442158450000000001745043909{last}" for last in (1, 2, 3, 4)}
    boto3.client("s3").create_bucket(Bucket="history", CreateBucketConfiguration=PLACE)
    assert handle(changes, CallContext()) == {"batchItemFailures": []}
    assert sum(map(len, stored().values())) == 4


def test_the_bucket_must_be_named() -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_HISTORY_BUCKET"):
        Settings.of({})
