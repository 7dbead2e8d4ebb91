"""Sample records from CSV and JSONL."""

from pathlib import Path

import pytest

from slipway.config import FeatureType
from slipway.errors import InputError
from slipway.models.importing.samples import read_samples


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csvs_columns_have_the_narrowest_type_that_fits(tmp_path: Path) -> None:
    text = "flag,count,size,word,label\ntrue,1,1,a,x\nFalse,2,2.5,7,y\n"
    samples = read_samples(written(tmp_path, "rows.csv", text), None)

    assert samples.columns == ("flag", "count", "size", "word")
    assert samples.values("flag") == [True, False]
    assert samples.values("count") == [1, 2]
    assert samples.values("size") == [1.0, 2.5]
    assert samples.values("word") == ["a", "7"]
    assert samples.labels == ["x", "y"]


def test_a_type_that_the_model_knows_is_held_to(tmp_path: Path) -> None:
    samples = read_samples(written(tmp_path, "rows.csv", "code,size\n007,big\n008,3\n"), None)

    assert samples.values("code", FeatureType.STRING) == ["007", "008"]
    with pytest.raises(InputError, match=r"record 1 \(line 2\), size: must be of type float, but has 'big'"):
        samples.values("size", FeatureType.FLOAT)


def test_lines_of_json_keep_their_types_and_any_character(tmp_path: Path) -> None:
    text = '{"text": "one\u2028line", "n": 1}\n\n{"text": "x", "n": 2.5}\n'
    samples = read_samples(written(tmp_path, "rows.jsonl", text), "n")

    assert samples.values("text") == ["one\u2028line", "x"]
    assert samples.labels == [1, 2.5]
    with pytest.raises(InputError, match="text: must be of type float, but has 'one"):
        samples.values("text", FeatureType.FLOAT)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("rows.xlsx", "", "must end in"),
        ("rows.parquet", "", "is not Parquet"),
        ("rows.csv", "a,b\n", "has no records"),
        ("rows.jsonl", "{}\n[1]\n", "record 2 .line 2.: must be a JSON object"),
        ("rows.jsonl", "{\n", "record 1 .line 1.: is not JSON"),
    ],
)
def test_what_is_no_file_of_records_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_samples(written(tmp_path, name, text), None)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_samples(tmp_path / "absent.csv", None)
    (tmp_path / "latin.csv").write_bytes(b"a\n\xe4\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_samples(tmp_path / "latin.csv", None)


def test_missing_values_and_columns_are_named(tmp_path: Path) -> None:
    samples = read_samples(written(tmp_path, "rows.csv", "a,b\n1,2\n3,\n"), None)

    assert samples.values("b") == [2, None]
    with pytest.raises(InputError, match="no column price; it has a, b"):
        read_samples(tmp_path / "rows.csv", "price")
    listed = read_samples(written(tmp_path, "rows.jsonl", '{"a": [1]}\n'), None)
    with pytest.raises(InputError, match=r"record 1 \(line 1\), a: must be a string, a number, true or false"):
        listed.values("a")


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("n/a", "leave the cell empty where a value is missing"),
        ("inf", "numbers must be finite"),
        ("1_000", "write the digits without separators"),
    ],
)
def test_a_cell_that_is_no_number_does_not_make_its_column_text(tmp_path: Path, cell: str, hint: str) -> None:
    samples = read_samples(written(tmp_path, "rows.csv", f"a,b\n1,2\n{cell},4\n"), None)

    with pytest.raises(InputError, match=rf"record 2 \(line 3\), a: is '{cell}' where other records .*{hint}"):
        samples.values("a")


@pytest.mark.parametrize("cell", ["nan", "NA", "null", ""])
def test_a_cell_that_says_that_there_is_no_value_is_missing(tmp_path: Path, cell: str) -> None:
    assert read_samples(written(tmp_path, "rows.csv", f"a,b\n1,2\n{cell},4\n"), None).values("a") == [1, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,4,\n", r"record 2 \(line 3\): has 3 cells; needed are 2: a, b"),
        ("a,b\n1\n", r"record 1 \(line 2\): has 1 cell; needed are 2"),
        ("a,a\n1,2\n", "names a column twice: a"),
        ('a,b\n1,"2\n3,4\n', r"record 1 \(line 2\): opens a quote that is never closed"),
    ],
)
def test_rows_that_are_cut_or_torn_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_samples(written(tmp_path, "rows.csv", text), None)
