import json
from pathlib import Path

import pytest

from slipway.errors import InputError
from slipway.models.gates.labelled import read_labelled
from slipway.models.package import Package


def test_a_tsv_has_no_quoting_and_may_have_more_columns(text_package: Package, tmp_path: Path):
    path = tmp_path / "val.tsv"
    path.write_text('year\tlabel\ttext\n2016\tpositive\t"good" she said\n2016\tnegative\tbad, "so bad\n', "utf-8")
    read = read_labelled(path, text_package.manifest)
    assert read.records == [{"text": '"good" she said'}, {"text": 'bad, "so bad'}]
    assert read.labels == ["positive", "negative"]
    assert (read.name, len(read.sha256)) == ("val.tsv", 64)


def test_a_csv_gives_values_of_the_inputs_types(tabular_package: Package, tmp_path: Path):
    path = tmp_path / "val.csv"
    path.write_text("radius,age,label\n1.5,3,no\n9,40,yes\n", "utf-8")
    read = read_labelled(path, tabular_package.manifest)
    assert [dict(record) for record in read.records] == [
        {"radius": 1.5, "smooth": 0.5, "age": 3},
        {"radius": 9.0, "smooth": 0.5, "age": 40},
    ]


def test_a_regression_has_numbers_for_labels(regression_package: Package, tmp_path: Path):
    path = tmp_path / "val.jsonl"
    path.write_text(json.dumps({"rooms": 1.0, "area": 2.0, "label": 3}) + "\n\n", "utf-8")
    assert read_labelled(path, regression_package.manifest).labels == [3.0]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("val.txt", "", ".csv, .tsv, .jsonl, .ndjson or .parquet"),
        ("val.jsonl", "", "has no records"),
        ("val.jsonl", "{", "record 1 (line 1): is not JSON"),
        ("val.jsonl", "[]", "record 1 (line 1): must be a JSON object"),
        (
            "val.jsonl",
            '{"text": "good"}',
            "record 1 (line 1), label: must be one of negative, neutral, positive (got nothing)",
        ),
        ("val.jsonl", '{"text": 3, "label": "neutral"}', "val.jsonl record 1 (line 1), text: must be a string"),
        ("val.jsonl", '{"label": "neutral"}', "val.jsonl record 1 (line 1), text: is required"),
        ("val.tsv", "label\ttext\nneutral", "record 1 (line 2): has 1 cell; needed are 2: label, text"),
        ("val.tsv", b"\xff\xfe", "is UTF-16; save it as UTF-8"),
        (
            "val.tsv",
            b"label\ttext\nneutral\tsch\xf6n\n",
            "record 1 (line 2), text: has the byte 0xF6",
        ),
        ("val.csv", "label,text\nneutral,a\nneutral,b,c\n", "record 2 (line 3): has 3 cells; needed are 2"),
        ("val.csv", "label,text,text\nneutral,a,b\n", "names a column twice: text"),
        ("val.jsonl", "[" * 20_000, "record 1 (line 1): is not JSON that can be read: it is nested too deeply"),
        ("val.jsonl", '{"text": "cut \\ud83d", "label": "neutral"}', "text: has half of a surrogate pair"),
    ],
)
def test_what_is_wrong_is_named_by_record(text_package: Package, tmp_path: Path, name, text, says):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        read_labelled(path, text_package.manifest)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_named(text_package: Package, tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.jsonl: No such file"):
        read_labelled(tmp_path / "none.jsonl", text_package.manifest)


def test_the_first_ten_problems_are_enough(text_package: Package, tmp_path: Path):
    path = tmp_path / "val.jsonl"
    path.write_text('{"text": 1, "label": "neutral"}\n' * 500, "utf-8")
    with pytest.raises(InputError) as caught:
        read_labelled(path, text_package.manifest)
    assert len(caught.value.problems) == 10
