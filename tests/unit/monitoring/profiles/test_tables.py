"""A file's profile is the same in whatever format its records are, and says what it could not use."""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import HOUR, capture

from slipway.errors import InputError
from slipway.models.package import Package
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.tables import profile_file

RECORDS: list[dict[str, Any]] = [
    {"rooms": 1 + number % 7, "area": None if number % 10 == 0 else number * 0.5 - 3, "outputs.value": float(number)}
    for number in range(5000)
]


def write_csv(path: Path, records: list[dict[str, Any]], tabs: bool = False) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]), delimiter="\t" if tabs else ",")
        writer.writeheader()
        writer.writerows(records)


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(records), path, row_group_size=1999)
        case ".jsonl":
            path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
        case ending:
            write_csv(path, records, tabs=ending == ".tsv")
    return path


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_file_is_counted_as_captures_are(regression_package: Package, tmp_path: Path, ending: str) -> None:
    found = profile_file(write(tmp_path / f"records{ending}", RECORDS), regression_package, start=HOUR)
    captures = [
        capture(number, inputs={"rooms": each["rooms"], "area": each["area"]}, outputs={"value": each["outputs.value"]})
        for number, each in enumerate(RECORDS)
    ]
    expected = profile_of(regression_package, captures, start=HOUR, minutes=1440)
    assert found.profile == expected
    assert (found.absent, found.refused) == ((), 0)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_texts_and_labels_are_counted_in_each_format(text_package: Package, tmp_path: Path, ending: str) -> None:
    records = [
        {"text": f"day {number} 😍", "outputs.label": ["positive", "negative", "odd"][number % 3], "label": "neutral"}
        for number in range(30)
    ]
    profile = profile_file(write(tmp_path / f"texts{ending}", records), text_package).profile
    assert profile.records == 30
    labels = dict(
        zip(("negative", "neutral", "positive", "other", "missing"), profile.counts["outputs.label"], strict=True)
    )
    assert labels == {"negative": 10, "neutral": 0, "positive": 10, "other": 10, "missing": 0}
    assert sum(profile.counts["inputs.text.pieces"]) == 90
    assert sum(profile.counts["inputs.text.unseen"]) == 30


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_an_input_without_a_column_is_named_and_not_counted(
    regression_package: Package, tmp_path: Path, ending: str
) -> None:
    records = [{"rooms": 2.0, "colour": "red"}] * 3
    found = profile_file(write(tmp_path / f"few{ending}", records), regression_package)
    assert (set(found.profile.counts), found.absent) == ({"inputs.rooms"}, ("area",))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_file_of_something_else_is_refused(regression_package: Package, tmp_path: Path, ending: str) -> None:
    with pytest.raises(InputError, match=f"other{ending}: has none of the model's inputs: rooms, area"):
        profile_file(write(tmp_path / f"other{ending}", [{"colour": "red"}]), regression_package)


def test_records_that_cannot_be_read_are_left_out_and_counted(regression_package: Package, tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"rooms": 1, "area": 2}\n{\n[]\n{"rooms": "many", "area": 3}\n', encoding="utf-8")
    found = profile_file(path, regression_package)
    assert (found.profile.records, found.refused) == (2, 2)
    assert found.profile.counts["inputs.rooms"][-1] == 1


def test_columns_of_other_types_are_missing_values(regression_package: Package, tmp_path: Path) -> None:
    table = pa.table({"rooms": pa.array(["1", "x", None]), "area": pa.array([[1], [2], []])})
    pq.write_table(table, tmp_path / "types.parquet")
    counts = profile_file(tmp_path / "types.parquet", regression_package).profile.counts
    assert (counts["inputs.rooms"][-1], counts["inputs.area"][-1]) == (2, 3)


@pytest.mark.parametrize("name", ["absent.csv", "absent.parquet", "records.xls"])
def test_what_is_no_file_of_records_is_named(regression_package: Package, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        profile_file(tmp_path / name, regression_package)


def test_profiles_of_files_add_up(regression_package: Package, tmp_path: Path) -> None:
    first = profile_file(write(tmp_path / "a.csv", RECORDS[:100]), regression_package).profile
    second = profile_file(write(tmp_path / "b.parquet", RECORDS[100:200]), regression_package).profile
    both = profile_file(write(tmp_path / "c.jsonl", RECORDS[:200]), regression_package).profile
    assert (first + second).counts == both.counts
    assert first.start == datetime.fromisoformat("1970-01-01T00:00:00Z")
