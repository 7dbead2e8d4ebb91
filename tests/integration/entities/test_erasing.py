"""Forgetting an entity: nothing is left of it, everybody else's data stays, and it can be stopped and repeated."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.entities import U7, U42, World, line

from slipway.errors import UnavailableError
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.erasure.bucket import Content, FileVersion, VersionedFiles
from slipway.monitoring.erasure.eraser import Eraser
from slipway.monitoring.erasure.shelves import CAPTURE_BUCKET

Lives = dict[Subject, list[str]]
Make = Callable[..., Eraser]
ALL = {
    "feature rows": 1,
    "index entries": 3,
    "captured predictions": 3,
    "captures of the reservoir": 3,
    "captures that could not be stored": 2,  # one of which was cut off
    "rows of the feature history": 1,
    "feedback and labels": 6,  # three captured labels, a true one, that it was counted, and its place in the list
    "cached predictions": 3,
    "precomputed predictions": 2,
}


def now() -> datetime:
    return datetime.now(UTC)


def counts(made: Eraser, subject: Subject = U42) -> dict[str, int]:
    return {name: count for name, count in made.erase(subject, now()).counts.items() if count}


def test_nothing_is_left_of_it_and_all_of_the_others(world: World, lives: Lives, eraser: Make) -> None:
    assert {"entity#user#u42", "user#u42"} < set(world.mentions("u42"))
    others = sorted(world.mentions("u7"))
    assert counts(eraser()) == ALL
    assert world.mentions("u42") == []
    for id_ in lives[U42]:
        assert world.mentions(id_) == []
    assert sorted(world.mentions("u7")) == others


def test_a_second_time_there_is_nothing_to_do(lives: Lives, eraser: Make) -> None:
    eraser().erase(U42, now())
    assert counts(eraser()) == {}
    assert counts(eraser(), Subject("user", "nobody")) == {}


def test_what_the_log_delivers_again_stays_forgotten_and_what_is_new_is_captured(
    world: World, lives: Lives, eraser: Make
) -> None:
    again = [line(U42, number) for number in range(2)]
    eraser().erase(U42, now())
    assert world.capture(*again, line(U7, 1)).captures[0].entities == {"user": "u7"}
    assert world.mentions("u42") == []
    later = world.capture(line(U42, 0, at=now() + timedelta(seconds=2)))
    assert [each.entities["user"] for each in later.captures] == ["u42"]
    assert counts(eraser()) == {"index entries": 1, "captured predictions": 1, "feedback and labels": 1}


class _Dying(VersionedFiles):
    """Files of a process that is killed before it stores the ``at``-th one."""

    def __init__(self, at: int) -> None:
        super().__init__("captures")
        self.left = at

    def replace(self, file: FileVersion, content: bytes, tag: str) -> bool:
        self.left -= 1
        if self.left < 0:
            raise UnavailableError("S3", "killed")
        return super().replace(file, content, tag)


@pytest.mark.parametrize("at", range(4))
def test_one_that_was_killed_is_finished_by_the_next(world: World, lives: Lives, eraser: Make, at: int) -> None:
    world.capture(*(line(U42, 60 * hours) for hours in range(1, 4)))
    with pytest.raises(UnavailableError):
        eraser({CAPTURE_BUCKET: _Dying(at)}).erase(U42, now())
    counts(eraser())
    assert world.mentions("u42") == []


class _Contended(VersionedFiles):
    """Files that another process changes after the first was read."""

    def __init__(self, also: str) -> None:
        super().__init__("captures")
        self.also: str | None = also

    def read(self, file: FileVersion) -> Content | None:
        found = super().read(file)
        if self.also is not None and found is not None and file.key.startswith("captures/"):
            lines = gzip.decompress(found.content).decode() + json.dumps(json.loads(self.also)["capture"]) + "\n"
            boto3.client("s3").put_object(Bucket="captures", Key=file.key, Body=gzip.compress(lines.encode()))
            self.also = None
        return found


def test_what_another_writes_meanwhile_is_not_lost(world: World, lives: Lives, eraser: Make) -> None:
    of_another = line(Subject("user", "u8"), 0)
    counts(eraser({CAPTURE_BUCKET: _Contended(of_another)}))
    assert world.mentions("u42") == []
    assert len(world.mentions("u8")) == 1


def test_older_versions_are_erased_too(world: World, lives: Lives, eraser: Make) -> None:
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket="captures", VersioningConfiguration={"Status": "Enabled"})
    for key in world.objects():
        body = s3.get_object(Bucket="captures", Key=key)["Body"].read()
        s3.put_object(Bucket="captures", Key=key, Body=body)
    counts(eraser())
    versions = s3.list_object_versions(Bucket="captures")["Versions"]
    assert len(versions) > len(world.objects()) - 1
    for each in versions:
        content = s3.get_object(Bucket="captures", Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
        assert b"u42" not in (content if content.startswith(b"{") else gzip.decompress(content))
    assert [each for each in world.mentions("u7") if each.startswith("captures/")]


def test_histories_in_parquet_lose_its_rows(world: World, lives: Lives, eraser: Make) -> None:
    rows = {"entity": ["user", "user", "patient"], "id": ["u42", "u7", "u42"], "features": ["{}", "{}", "{}"]}
    content = BytesIO()
    pq.write_table(pa.table(rows), content)
    s3 = boto3.client("s3")
    key = "history/group=profile/parquet/x.parquet"
    s3.put_object(Bucket="history", Key=key, Body=content.getvalue())
    assert counts(eraser())["rows of the feature history"] == 2
    left = pq.read_table(BytesIO(s3.get_object(Bucket="history", Key=key)["Body"].read())).to_pylist()
    assert [(row["entity"], row["id"]) for row in left] == [("user", "u7"), ("patient", "u42")]


@pytest.mark.parametrize("key", ["captures/model=mood/x.jsonl.gz", "aws/lambda/async/x", "history/group=g/x.parquet"])
def test_a_file_that_cannot_be_read_is_named_and_left(world: World, eraser: Make, key: str) -> None:
    bucket = "history" if key.startswith("history") else "captures"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"nonsense")
    assert eraser().erase(U42, now()).unreadable == [key]
    assert boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == b"nonsense"


def test_lines_that_are_none_stay_unless_they_hold_the_id(world: World, eraser: Make) -> None:
    key = "captures/model=mood/date=2026-11-21/hour=12/x.jsonl.gz"
    body = gzip.compress(b'{"cut off": "u7\n{"cut off": "u42\n')
    boto3.client("s3").put_object(Bucket="captures", Key=key, Body=body)
    assert counts(eraser()) == {"captured predictions": 1}
    assert world.objects()[key] == b'{"cut off": "u7\n'


def test_an_id_that_json_escapes_is_found(world: World, eraser: Make) -> None:
    odd = Subject("user", 'u"4\\2 \u2028é')
    world.capture(line(odd, 0))
    assert counts(eraser(), odd) == {"index entries": 1, "captured predictions": 1, "feedback and labels": 1}


class _Counting(VersionedFiles):
    def __init__(self) -> None:
        super().__init__("captures")
        self.reads = 0

    def listing(self, prefix: str) -> Iterator[FileVersion]:
        for file in super().listing(prefix):  # stored long ago, by S3's clock
            yield FileVersion(file.key, file.version, file.is_latest, file.modified - timedelta(hours=3))

    def read(self, file: FileVersion) -> Content | None:
        self.reads += 1
        return super().read(file)


def test_files_that_were_read_before_are_not_read_again(world: World, lives: Lives, eraser: Make) -> None:
    first, second = _Counting(), _Counting()
    eraser({CAPTURE_BUCKET: first}).erase(U42, now())
    eraser({CAPTURE_BUCKET: second}).erase(U42, now())
    assert (first.reads > 0, second.reads) == (True, 0)


def test_no_item_that_stays_has_the_id(world: World, lives: Lives, eraser: Make) -> None:
    eraser().erase(U42, now())
    kept: list[dict[str, Any]] = [
        item for item in world.items() if item["pk"]["S"].startswith(("erasure", "forgotten"))
    ]
    assert len(kept) == 2
    assert all("expires_at" in item for item in kept)
