"""An odd row of a feature file is refused or read alone, and the others are read."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from support.feature_files import NINE, read, read_text

from slipway.features.store import FeatureKey, FeatureWrite

ODD = {"user": "u1", "visits": 1}, {"user": "u3", "visits": 3}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"user": "cut \\ud83d", "visits": 2}', "user: has half of a surrogate pair"),
        (b'{"user": "u2", "visits": ' + b"9" * 400 + b"}", "visits: must be a finite number"),
        (b'{"user": "u2", "visits": ' + b"9" * 5000 + b"}", "visits: must be a finite number"),
        (b'{"user": "u2", "name": "M\xfcller"}', "has the byte 0xFC, which is not UTF-8"),
        (b'{"user": "u2", "visits": 1, "visits": 2}', "visits: stands twice in the record"),
        (b'{"user": "u2", "name": ' + b"[" * 20_000, "is nested too deeply"),
        (b'{"user": "u2", "visits": 1, "profile.visits": 2}', "profile.visits: is the same feature as visits"),
        (b'{"user": "u2", "visits": 2, "event_time": 20260301}', "20260301 would be 23 August 1970"),
        (b'{"user": "u2", "visits": 2, "event_time": "9999-12-31T23:00:00-14:00"}', "outside the years 1 to 9999"),
        (b'{"user": "u2", "visits": 2, "event_time": "0001-01-01T00:00:00+14:00"}', "outside the years 1 to 9999"),
    ],
)
def test_one_odd_row_is_refused_and_the_others_are_read(tmp_path: Path, line: bytes, problem: str) -> None:
    first, last = (json.dumps(row).encode() for row in ODD)
    (tmp_path / "f.jsonl").write_bytes(first + b"\n" + line + b"\n" + last + b"\n")
    rows = read(tmp_path / "f.jsonl")
    assert [row.key.id for _, row in rows if isinstance(row, FeatureWrite)] == ["u1", "u3"]
    assert rows[1][0] == 2
    assert problem in rows[1][1]


def test_a_time_that_python_does_not_have_spoils_only_its_row(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    times = pyarrow.array([2**61, int(NINE.timestamp()) * 10**6], pyarrow.timestamp("us", "UTC"))
    pyarrow.parquet.write_table(pyarrow.table({"user": ["u1", "u2"], "event_time": times, "visits": [1, 2]}), path)
    rows = read(path)
    assert rows[0] == (1, "event_time: is a time outside the years 1 to 9999")
    assert rows[1][1] == FeatureWrite(FeatureKey("user", "u2", "profile"), {"visits": 2}, NINE)


def test_a_day_is_no_moment(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    days = pyarrow.array([20_000], pyarrow.date32())
    pyarrow.parquet.write_table(pyarrow.table({"user": ["u1"], "event_time": days, "visits": [1]}), path)
    assert read(path) == [(1, "event_time: 2024-10-04 is a day and not a moment; write 2026-01-31T12:00:00Z")]


def test_a_zone_whose_offset_had_seconds_is_read_as_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    old = pyarrow.array([50 * 365 * 86_400 * 10**6], pyarrow.timestamp("us", "Africa/Monrovia"))
    pyarrow.parquet.write_table(pyarrow.table({"user": ["u1"], "event_time": old, "visits": [1]}), path)
    ((_, write),) = read(path)
    assert write.event_time.utcoffset() == timedelta(0)
    assert write.event_time.timestamp() == 50 * 365 * 86_400


def test_a_line_of_json_may_hold_the_separators_of_unicode(tmp_path: Path) -> None:
    ((_, write),) = read_text(tmp_path / "f.jsonl", '{"user": "u1", "name": "a\u2028b\u2029c\x85d"}\n')
    assert write.values == {"name": "a\u2028b\u2029c\x85d"}


def test_the_numbers_of_rows_that_pandas_writes_are_no_feature(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"user": ["u1"], "visits": [1], "__index_level_0__": [7]}), path)
    ((_, write),) = read(path)
    assert write.values == {"visits": 1}
