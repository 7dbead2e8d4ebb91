"""Feature files: every format yields the same writes, and errors name the row's number and column."""

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from support.feature_files import DEFINITIONS, NINE, NOW, WRITERS, read, read_text, write_parquet

from slipway.errors import InputError
from slipway.features.files import count_rows, read_file
from slipway.features.store import FeatureKey, FeatureWrite


@pytest.mark.parametrize("suffix", WRITERS)
def test_each_format_gives_a_write_for_each_group_of_a_row(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"users{suffix}"
    WRITERS[suffix](
        path,
        [
            {"user": "u1", "event_time": NINE.isoformat(), "name": "Zoë", "visits": 3, "member": True, "spend": 0.1},
            {"user": "u2", "event_time": None, "name": None, "visits": -1, "member": False, "spend": None},
        ],
    )
    assert read(path) == [
        (1, FeatureWrite(FeatureKey("user", "u1", "profile"), {"name": "Zoë", "visits": 3, "member": True}, NINE)),
        (1, FeatureWrite(FeatureKey("user", "u1", "money"), {"spend": 0.1}, NINE)),
        (2, FeatureWrite(FeatureKey("user", "u2", "profile"), {"visits": -1, "member": False}, NOW)),
    ]
    assert count_rows(path) == 2


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_large_file_is_read_row_by_row(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"users{suffix}"
    WRITERS[suffix](path, [{"user": f"u{number}", "visits": number} for number in range(3000)])
    rows = read_file(path, DEFINITIONS, NOW)
    assert next(rows)[1] == FeatureWrite(FeatureKey("user", "u0", "profile"), {"visits": 0}, NOW)
    assert sum(1 for _ in rows) == 2999
    assert count_rows(path) == 3000


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("u1,x,1,true", "visits: must be of type integer, not str (got 'x')"),
        ("u1,1.0,1,true", "visits: must be of type integer, not str (got '1.0')"),
        ("u1,1_0,1,true", "visits: must be of type integer, not str (got '1_0')"),
        ("u1,9223372036854775808,1,true", "visits: must be an integer of at most 64 bits"),
        ("u1,1,nan,true", "spend: must be a finite number, not nan"),
        ("u1,1,1e999,true", "spend: must be a finite number, not inf"),
        ("u1,1,1,yes", "member: must be of type boolean, not str (got 'yes')"),
        (",1,1,true", "user: must be the id of the entity, a string"),
        ("u1,,,", "(record): has no feature with a value"),
        ("u1,1,1", "(record): has 3 cells; needed are 4: user, visits, spend, member"),
        (
            "u1,x,y,true",
            "visits: must be of type integer, not str (got 'x'); spend: must be of type float, not str (got 'y')",
        ),
    ],
)
def test_a_csv_row_is_refused_with_its_number_and_columns(tmp_path: Path, cells: str, problem: str) -> None:
    text = f"user,visits,spend,member\nu0,+1,-1.5e-3,TRUE\n{cells}\nu2,2,.5,0\n"
    rows = read_text(tmp_path / "f.csv", text)
    assert rows[2] == (2, problem)
    assert [(number, row.values) for number, row in rows if isinstance(row, FeatureWrite)] == [
        (1, {"visits": 1, "member": True}),
        (1, {"spend": -0.0015}),
        (3, {"visits": 2, "member": False}),
        (3, {"spend": 0.5}),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "(record): is not JSON"),
        ("[1]", "(record): must be a JSON object"),
        (
            '{"user": "u1", "spend": NaN}',
            "spend: must be a finite number",
        ),
        ("[" * 100_000, "(record): is not JSON"),
        ('{"user": "u1", "visits": "3"}', "visits: must be of type integer, not str (got '3')"),
        ('{"user": "u1", "member": 1}', "member: must be of type boolean, not int"),
        ('{"user": "u1", "name": ["x"]}', "name: must be of type string, not list"),
        ('{"user": 1.5, "visits": 3}', "user: must be the id of the entity"),
        ('{"user": "u1", "vists": 3}', "vists: is not a feature of profile, money"),
        ('{"visits": 3}', "(columns): one must be an entity: item, user"),
        ('{"user": "u1"}', "(columns): at least one must be a feature of profile, money"),
        ('{"user": "u1", "visits": 3, "event_time": "soon"}', "event_time: 'soon' is neither ISO 8601"),
    ],
)
def test_a_jsonl_row_is_refused_with_its_number_and_columns(tmp_path: Path, line: str, problem: str) -> None:
    rows = read_text(tmp_path / "f.ndjson", f'\n{line}\n{{"user": 7, "spend": 1}}\n\n')
    assert [number for number, _ in rows] == [1, 2]
    assert rows[0][1].startswith(problem)
    assert rows[1][1] == FeatureWrite(FeatureKey("user", "7", "money"), {"spend": 1}, NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T09:00:00Z", NINE),
        ("2026-11-21T10:00:00+01:00", NINE),
        ("2026-11-21 09:00:00.250+00:00", NINE + timedelta(milliseconds=250)),
        (str(int(NINE.timestamp())), NINE),
        (f"{NINE.timestamp()}", NINE),
        ("", NOW),
    ],
)
def test_event_times_are_iso_with_a_zone_or_seconds(tmp_path: Path, text: str, moment: datetime) -> None:
    ((_, write),) = read_text(tmp_path / "f.csv", f"user,event_time,visits\nu1,{text},1\n")
    assert write.event_time == moment


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-11-21T09:00:00", "event_time: 2026-11-21T09:00:00 needs a time zone"),
        ("2026-13-01", "event_time: '2026-13-01' is neither ISO 8601"),
        (str(int(NINE.timestamp()) * 1000), "is not a time in seconds since 1970"),
        ("1e400", "event_time: '1e400' is not a time in seconds since 1970"),
    ],
)
def test_other_event_times_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    ((_, refused),) = read_text(tmp_path / "f.csv", f"user,event_time,visits\nu1,{text},1\n")
    assert problem in refused


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_may_hold_timestamps(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "f.parquet"
    times = pyarrow.array([NINE], pyarrow.timestamp("us", "Europe/Paris")).cast(pyarrow.timestamp(unit, "UTC"))
    pyarrow.parquet.write_table(pyarrow.table({"user": [1], "event_time": times, "visits": [3]}), path)
    assert read(path) == [(1, FeatureWrite(FeatureKey("user", "1", "profile"), {"visits": 3}, NINE))]


def test_nanoseconds_below_a_microsecond_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    times = pyarrow.array([int(NINE.timestamp()) * 10**9 + 1999], pyarrow.timestamp("ns", "UTC"))
    pyarrow.parquet.write_table(pyarrow.table({"user": ["u1"], "event_time": times, "visits": [3]}), path)
    ((_, write),) = read(path)
    assert write.event_time == NINE + timedelta(microseconds=1)


def test_parquet_timestamps_without_a_zone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    write_parquet(path, [{"user": "u1", "event_time": NINE.replace(tzinfo=None), "visits": 3}])
    ((_, refused),) = read(path)
    assert "event_time: 2026-11-21 09:00:00 needs a time zone" in refused


def test_parquet_nan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    write_parquet(path, [{"user": "u1", "spend": float("nan")}])
    assert read(path) == [(1, "spend: must be a finite number, not nan")]


def test_a_file_may_hold_several_entities(tmp_path: Path) -> None:
    rows = read_text(tmp_path / "f.csv", "user,item,spend,price,stock.currency\nu1,i1,1.5,2.5,EUR\nu2,,1,,\nu3,,1,2,\n")
    assert rows == [
        (1, FeatureWrite(FeatureKey("user", "u1", "money"), {"spend": 1.5}, NOW)),
        (1, FeatureWrite(FeatureKey("item", "i1", "stock"), {"price": 2.5, "currency": "EUR"}, NOW)),
        (2, FeatureWrite(FeatureKey("user", "u2", "money"), {"spend": 1.0}, NOW)),
        (3, "item: must be the id of the entity, a string"),
    ]


def test_a_feature_of_several_groups_needs_its_group(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    with pytest.raises(
        InputError, match=r"currency: is a feature of several groups; name it money\.currency or stock\."
    ):
        read_text(path, "user,item,currency\nu1,i1,EUR\n")
    ((_, write),) = read_text(path, "user,currency\nu1,EUR\n")
    assert write.key.group == "money"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("f.xlsx", b"", "must end in .csv, .tsv, .jsonl, .ndjson or .parquet"),
        (
            "f.csv",
            b"user,visits,vists,agee\nu1,1,1,1\n",
            "vists: is not a feature of profile, money; agee: is not a feature",
        ),
        ("f.csv", b"user,visits,visits\n", "the header (line 1) names a column twice: visits"),
        ("f.csv", b"", "the header (line 1) must name the columns"),
        ("f.csv", b"user,visits,profile.visits\nu1,1,2\n", "profile.visits: is the same feature as visits"),
        ("f.csv", b"user, visits\nu1,1\n", " visits: is not a feature of profile, money; its name begins or ends with"),
        ("f.csv", b"visits\n1\n", "one must be an entity: item, user"),
        ("f.csv", "user,visits\nu1,1\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("f.jsonl", b"PAR1\xff", "is Parquet; name it .parquet"),
        ("f.parquet", b"user,visits\n", "is not Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(tmp_path / name)
    assert problem in str(refused.value)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    for reader in (read, count_rows):
        with pytest.raises(InputError, match=r"nowhere.*No such file"):
            reader(tmp_path / f"nowhere{suffix}")


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(b'\xef\xbb\xbfuser,name\r\nu1,"two\r\nlines"\r\n')
    ((_, write),) = read(path)
    assert write.values == {"name": "two\r\nlines"}


def test_a_cell_may_be_as_long_as_a_row(tmp_path: Path) -> None:
    ((_, write),) = read_text(tmp_path / "f.csv", f"user,name\nu1,{'x' * 390_000}\n")
    assert len(write.values["name"]) == 390_000


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from slipway.errors import InputError\n"
        "from slipway.features.files import count_rows\n"
        "try: count_rows(Path('f.parquet'))\n"
        "except InputError as error: print(error)"
    )
    (tmp_path / "f.parquet").touch()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "f.parquet: reading Parquet needs pyarrow: pip install 'slipway[parquet]'"


def test_a_zone_other_than_utc_is_kept_as_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    local = NINE.astimezone(timezone(timedelta(hours=5, minutes=30)))
    write_parquet(path, [{"user": "u1", "event_time": local, "visits": 3}])
    ((_, write),) = read(path)
    assert write.event_time == NINE
