"""`slipway features history`, `backfill` and `compact`, on a folder laid out as the bucket is."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from slipway.cli import main

CONFIG = """
models: {m: {versions: [1], stable: 1}}
features:
  account:
    entity: user
    ttl_days: 2
    history: true
    features: {age: {type: integer, default: 18}, city: {type: string}}
  visits: {entity: user, history: {retention_days: 30}, features: {age: {type: float}}}
  other: {entity: shop, features: {size: {type: integer}}}
"""
ROWS = """user,event_time,account.age,city,visits.age
u1,2026-01-01T00:00:00Z,30,Oslo,1.5
u1,2026-01-02T00:00:00Z,31,,2.5
007,2026-01-01T00:00:00Z,40,"a,b",
"""
POINTS = """user,time,label
u1,2026-01-01T12:00:00Z,0
u1,2026-01-01T23:59:59.999Z,0
u1,2026-01-02T00:00:00Z,1
u1,2025-12-31T23:59:59Z,1
007,1767225600,0
u1,2026-01-09T00:00:00Z,1
nobody,2026-01-01T12:00:00Z,1
"""
# 007: CSV reads times as numbers of seconds, too: 1767225600 is 2026-01-01.
AGES = [30, 30, 31, 18, 40, 18, 18]
CITIES = ["Oslo", "Oslo", None, None, "a,b", None, None]
VISITS = [1.5, 1.5, 2.5, None, None, 2.5, None]


@pytest.fixture
def slipway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    Path(tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    Path(tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    Path(tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["slipway", "features", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


@pytest.fixture
def filled(slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> Callable[..., int]:
    """The command, beside a folder that a file was added to."""
    assert slipway("backfill", "rows.csv", "--to", "bucket", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"added": 5, "files": 4, "refused": []}
    return slipway


def join(run: Callable[..., int], points: str, output: str, *options: str) -> int:
    given = ("--entities", points, "-o", output, "--from", "bucket")
    return run("history", "account", "visits", *given, *options)


def of_parquet(path: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = parquet.read_table(path).to_pydict()
    return found


def test_features_are_joined_as_they_were(filled: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert join(filled, "points.csv", "joined.parquet", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["rows"] == 7
    assert said["changes"] == {"account": 3, "visits": 2}
    assert said["missing"] == {"account": 3, "visits": 3}
    found = of_parquet("joined.parquet")
    assert (found["account.age"], found["city"], found["visits.age"]) == (AGES, CITIES, VISITS)
    assert found["label"] == ["0", "0", "1", "1", "0", "1", "1"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_format_goes_in_and_comes_out(filled: Callable[..., int], kind: str, ending: str) -> None:
    rows = [dict(zip(("user", "time"), line.split(",")[:2], strict=True)) for line in POINTS.splitlines()[1:]]
    if kind == "jsonl":
        lines = [{**row, "time": float(row["time"]) if row["time"].isdigit() else row["time"]} for row in rows]
        lines = [{**line, "time": "2026-01-01T00:00:00Z"} if line["user"] == "007" else line for line in lines]
        Path("points.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    elif kind == "parquet":
        times = ["2026-01-01T00:00:00Z" if row["user"] == "007" else row["time"] for row in rows]
        moments = (
            pa.array([time.replace("Z", "") for time in times]).cast(pa.timestamp("ms")).cast(pa.timestamp("us", "UTC"))
        )
        parquet.write_table(pa.table({"user": [row["user"] for row in rows], "time": moments}), "points.parquet")
    assert join(filled, f"points.{kind}", f"joined.{ending}") == 0
    assert len(Path(f"joined.{ending}").read_bytes()) > 100
    if ending == "jsonl":
        lines = [json.loads(line) for line in Path("joined.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [line["account.age"] for line in lines] == AGES
        assert [line["visits.age"] for line in lines] == VISITS


def test_defaults_may_be_left_out_and_times_shown(filled: Callable[..., int]) -> None:
    assert join(filled, "points.csv", "joined.parquet", "--no-defaults", "--times") == 0
    found = of_parquet("joined.parquet")
    assert found["account.age"] == [None if age == 18 else age for age in AGES]
    assert [time and time.isoformat() for time in found["account.event_time"]][:3] == [
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-01-02T00:00:00+00:00",
    ]


def test_a_delay_hides_a_row_until_the_store_would_have_had_it(slipway: Callable[..., int]) -> None:
    assert slipway("backfill", "rows.csv", "--to", "bucket", "--delay", "86400") == 0
    assert join(slipway, "points.csv", "joined.parquet") == 0
    assert of_parquet("joined.parquet")["account.age"] == [18, 18, 30, 18, 18, 18, 18]
    assert join(slipway, "points.csv", "joined.parquet", "--as-of", "event") == 0
    assert of_parquet("joined.parquet")["account.age"] == AGES


def test_compacting_changes_no_answer_and_nothing_the_second_time(
    filled: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert filled("backfill", "rows.csv", "--to", "bucket") == 0  # again: superseded rows are no answers
    for group in ("account", "visits"):
        capsys.readouterr()
        assert filled("compact", group, "--from", "bucket", "--json") == 0
        assert [day["day"] for day in json.loads(capsys.readouterr().out)["days"]] == ["2026-01-01", "2026-01-02"]
    files = sorted(Path("bucket").rglob("*.*"))
    assert {file.suffix for file in files} == {".parquet"}
    assert join(filled, "points.csv", "joined.parquet") == 0
    assert of_parquet("joined.parquet")["account.age"] == AGES
    assert filled("compact", "account", "--from", "bucket", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"days": []}
    assert sorted(Path("bucket").rglob("*.*")) == files


def test_compacting_refuses_to_lose_a_feature(filled: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("slipway.yaml").write_text(CONFIG.replace(", city: {type: string}", ""), encoding="utf-8")
    before = sorted(Path("bucket").rglob("*.*"))
    assert filled("compact", "account", "--from", "bucket") == 1
    assert "city" in capsys.readouterr().err
    assert sorted(Path("bucket").rglob("*.*")) == before
    # A join leaves it out, and one of a new feature finds it missing.
    Path("slipway.yaml").write_text(CONFIG.replace("city: {type: string}", "town: {type: string}"), encoding="utf-8")
    assert join(filled, "points.csv", "joined.parquet") == 0
    assert of_parquet("joined.parquet")["town"] == [None] * 7


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ("user,when\nu1,2026-01-01T00:00:00Z\n", "time: is not a column of the file, which has user, when"),
        ("person,time\nu1,2026-01-01T00:00:00Z\n", "user: is not a column"),
        ("user,time\nu1,2026-01-01T00:00:00Z\nu1,\n", "time: record 2 has no time"),
        ("user,time\n,2026-01-01T00:00:00Z\n", "user: record 1 has no id"),
        ("user,time\nu1,2026-01-01T00:00:00Z\nu1,yesterday\n", "time: record 2: 'yesterday' is neither"),
        ("user,time\nu1,2026-01-01T00:00:00\n", "needs a time zone"),
        ("user,time\nu1,20260101\n", "too old to be meant"),
        ("user,time,city,account.city\nu1,2026-01-01T00:00:00Z,a,b\n", "is a column of the file already"),
    ],
)
def test_a_wrong_file_is_refused_by_record_and_leaves_no_output(
    filled: Callable[..., int], capsys: pytest.CaptureFixture[str], points: str, says: str
) -> None:
    Path("wrong.csv").write_text(points, encoding="utf-8")
    assert join(filled, "wrong.csv", "joined.csv") == 1
    assert says in capsys.readouterr().err
    assert not list(Path().glob("*joined*"))


def test_a_backfill_refuses_rows_by_number(slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    Path("rows.csv").write_text("shop,size\ns1,3\n", encoding="utf-8")
    assert slipway("backfill", "rows.csv", "--to", "bucket", "--json") == 1
    (refused,) = json.loads(capsys.readouterr().out)["refused"]
    assert refused["row"] == 1
    assert "history: true" in refused["reason"] or "has no history" in refused["reason"]


def test_a_group_without_a_history_is_refused_where_it_is_deployed(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert slipway("history", "other", "--entities", "points.csv", "-o", "joined.csv") == 1
    assert "other: has no history" in capsys.readouterr().err
    assert slipway("history", "none", "--entities", "points.csv", "-o", "joined.csv", "--from", ".") == 1
    assert "none" in capsys.readouterr().err


def test_whole_numbers_are_ids_and_seconds_are_times(filled: Callable[..., int]) -> None:
    table = pa.table({"who": pa.array([7, 7]), "at": pa.array([1767225600.0, 1767225599.9])})
    parquet.write_table(table, "points.parquet")
    Path("rows.csv").write_text("user,event_time,account.age\n7,2026-01-01T00:00:00Z,50\n", encoding="utf-8")
    assert filled("backfill", "rows.csv", "--to", "bucket") == 0
    options = ("--column", "user=who", "--time", "at", "--no-defaults")
    assert join(filled, "points.parquet", "joined.parquet", *options) == 0
    assert of_parquet("joined.parquet")["account.age"] == [50, None]
