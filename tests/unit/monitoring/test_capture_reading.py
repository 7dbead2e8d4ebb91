"""Capture files are read as a stream, each capture once, and lines that are none are told apart."""

import gzip
from datetime import timedelta

import pytest
from support.captures import HOUR, MemoryBucket, prices

from slipway.monitoring.captures.reading import BROKEN, CaptureReader, hour_folder

FOLDER = hour_folder("tiny-price", HOUR)


def test_each_capture_of_an_hour_is_read_once() -> None:
    bucket = MemoryBucket()
    bucket.add(prices(5))
    bucket.add(prices(5, first=3))
    found = list(CaptureReader(bucket).captures("tiny-price", HOUR, HOUR + timedelta(hours=1)))
    assert sorted(each.outputs["value"] for each in found) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_window_is_kept_to_the_second_over_hours() -> None:
    bucket = MemoryBucket()
    bucket.add([*prices(60, minute=59), *prices(60, minute=60, first=60)])
    since = HOUR + timedelta(minutes=59, seconds=58)
    found = list(CaptureReader(bucket).captures("tiny-price", since, since + timedelta(seconds=4)))
    assert [each.outputs["value"] for each in found] == [58, 59, 60, 61]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"id": "tiny-price.1.zz"}', "\x00"])
def test_a_broken_line_does_not_stop_the_reading(line: str) -> None:
    bucket = MemoryBucket()
    good = prices(2)
    bucket.add_lines(f"{FOLDER}a.jsonl.gz", [good[0].model_dump_json(), line, "", good[1].model_dump_json()])
    assert list(CaptureReader(bucket).read(f"{FOLDER}a.jsonl.gz")) == [good[0], BROKEN, good[1]]


def test_a_file_that_was_cut_off_gives_what_can_be_unpacked() -> None:
    bucket = MemoryBucket()
    (key,) = bucket.add(prices(1000))
    bucket.objects[key] = bucket.objects[key][:-2000]
    *found, last = CaptureReader(bucket).read(key)
    assert len(found) > 100
    assert last is BROKEN
    assert BROKEN not in found
    bucket.objects["plain"] = b"not gzip"
    assert list(CaptureReader(bucket).read("plain")) == [BROKEN]


def test_fields_of_a_later_build_are_passed_over() -> None:
    bucket = MemoryBucket()
    (good,) = prices(1)
    bucket.objects["new"] = gzip.compress(good.model_dump_json()[:-1].encode() + b', "weather": "fine"}\n')
    (found,) = CaptureReader(bucket).read("new")
    assert found.model_dump() == good.model_dump()


def test_the_files_of_many_hours_are_found_by_one_listing_a_day() -> None:
    bucket = MemoryBucket()
    for minute in (-13 * 60, 0, 60, 13 * 60):
        bucket.add(prices(2, minute=minute))
    hours = [HOUR + timedelta(hours=number) for number in range(-1, 13)]
    found = CaptureReader(bucket).files_by_hour("tiny-price", hours)
    assert list(found) == hours
    assert {hour: len(keys) for hour, keys in found.items() if keys} == {HOUR: 1, HOUR + timedelta(hours=1): 1}
    assert bucket.listed == 2
    assert found[HOUR] == CaptureReader(bucket).files("tiny-price", HOUR)


def test_a_file_that_is_gone_has_no_captures() -> None:
    assert list(CaptureReader(MemoryBucket()).read("gone")) == []
