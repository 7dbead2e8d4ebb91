"""One behaviour of every bucket: S3's by moto, the tests' in memory, and the benchmarks' in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.captures import MemoryBucket
from support.moto_account import use_test_credentials

from benchmarks.folder_bucket import FolderBucket
from slipway.errors import UnavailableError
from slipway.monitoring.captures.bucket import CaptureBucket, ObjectBucket


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_test_credentials(monkeypatch)
    with mock_aws():
        yield


@pytest.fixture(params=["s3", "memory", "folder"])
def bucket(request: Any, aws: None, tmp_path: Path) -> ObjectBucket:
    if request.param == "memory":
        return MemoryBucket()
    if request.param == "folder":
        return FolderBucket(tmp_path)
    boto3.client("s3").create_bucket(Bucket="captures")
    return CaptureBucket("captures")


def test_what_is_put_is_read_and_replaced(bucket: ObjectBucket) -> None:
    assert (bucket.get("a/b"), bucket.open("a/b"), bucket.tagged("a/b")) == (None, None, None)
    bucket.put("a/b", b"one")
    bucket.put("a/b", b"two")
    assert bucket.get("a/b") == b"two"
    stream = bucket.open("a/b")
    assert stream is not None
    with stream:
        assert (stream.read(1), stream.read()) == (b"t", b"wo")


def test_keys_are_listed_in_order_by_prefix_and_from_a_place_on(bucket: ObjectBucket) -> None:
    for key in ("x/2/b", "x/10/a", "x/2/a", "y/1", "x/3"):
        bucket.put(key, b"")
    assert list(bucket.keys("x/")) == ["x/10/a", "x/2/a", "x/2/b", "x/3"]
    assert list(bucket.keys("x/", after="x/2/")) == ["x/2/a", "x/2/b", "x/3"]
    assert list(bucket.keys("z")) == []


def test_folders_are_what_keys_begin_with(bucket: ObjectBucket) -> None:
    for key in ("p/v=2/a", "p/v=10/a", "p/v=2/b"):
        bucket.put(key, b"")
    assert list(bucket.folders("p/v=")) == ["p/v=10/", "p/v=2/"]
    assert list(bucket.folders("q/")) == []


def test_of_two_that_saw_the_same_content_one_replaces_it(bucket: ObjectBucket) -> None:
    assert bucket.replace("lease", b"first", None)
    assert not bucket.replace("lease", b"second", None)
    found = bucket.tagged("lease")
    assert found is not None
    assert found[0] == b"first"
    assert bucket.replace("lease", b"third", found[1])
    assert not bucket.replace("lease", b"fourth", found[1])
    assert bucket.get("lease") == b"third"


def test_a_bucket_that_is_not_there_is_unavailable(aws: None) -> None:
    absent = CaptureBucket("absent")
    calls: list[Any] = [
        lambda: absent.put("a", b""),
        lambda: list(absent.keys("a")),
        lambda: list(absent.folders("a")),
        lambda: absent.replace("a", b"", None),
    ]
    for call in calls:
        with pytest.raises(UnavailableError, match="the bucket of captures is unavailable"):
            call()
