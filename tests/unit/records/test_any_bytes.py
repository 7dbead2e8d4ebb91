"""Whatever bytes a file has, each entry gives its records or names what is wrong; the entries agree."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slipway.cli.predict_input import Described, read_rows, records_of
from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import read_file
from slipway.features.store import FeatureWrite
from slipway.models.gates.labelled import read_given, whole_record_model
from slipway.models.importing.samples import read_samples
from slipway.models.package import Package
from slipway.models.schema import RequestRecord
from slipway.records.files import Format, open_records, read_stream
from slipway.records.rows import Records, Refusal, Row, readable
from slipway.serving.apis.sagemaker import _reader
from slipway.serving.prediction.reading import RecordReader

TEXTS = (Format.CSV, Format.TSV, Format.JSON_LINES)
BITS = st.sampled_from(
    [
        *(b"a", b"b", b",", b"\t", b"\n", b"\r", b"\r\n", b'"', b"1", b"1_0", b"nan", b"1e400", b"\x00", b"\xff"),
        *(
            b"\xef\xbb\xbf",
            b"\xed\xa0\xbd",
            b"\\ud83d",
            b"{",
            b"}",
            b"[",
            b"]",
            b":",
            b'{"a": 1}',
            b'{"a": "x"}',
            b"PK",
        ),
        *("\u2028".encode(), "\x85".encode(), "Zoë".encode(), b"true", b"NaN", b"null", b"a,b\n", b"a\tb\n", b" "),
    ]
)
ANY = st.one_of(st.binary(max_size=200), st.lists(BITS, max_size=30).map(b"".join))
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
TYPES = {"radius": FeatureType.FLOAT, "age": FeatureType.INTEGER}
DEFINITIONS = FeatureDefinitions(
    {"g": FeatureGroupConfig(entity="user", features={n: FeatureConfig(type=t) for n, t in TYPES.items()})}
)


def told(records: Records) -> tuple[list[Row], list[Refusal]]:
    """The rows and refusals, each of which names its place and says something that any terminal can show."""
    rows: list[Row] = []
    refusals: list[Refusal] = []
    for number, found in enumerate(records.rows, start=1):
        assert found.position.number == number
        if isinstance(found, Row):
            rows.append(found)
        else:
            refusals.append(found)
            assert str(found.error).encode()
    return rows, refusals


@pytest.mark.parametrize("kind", TEXTS)
@given(content=ANY)
@example(content=b"a,b\n1," + b"[" * 5000)
@example(content=b"[" * 100_000)
@example(content=b'{"a": ' + b"9" * 5000 + b"}")
def test_any_bytes_are_rows_or_named_refusals(kind: Format, content: bytes) -> None:
    try:
        rows, _ = told(read_stream(io.BytesIO(content), kind, "f"))
    except InputError as error:
        assert str(error).startswith("f: ")  # noqa: PT017 - most examples raise nothing
        return
    for row in rows:
        assert "".join(map(str, row.values)).encode() is not None
        assert all(str(value).encode() is not None for value in row.values.values())


def parquet() -> bytes:
    made = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2], "b": ["x", "y"]}), made)
    return made.getvalue()


WHOLE = parquet()


@SHARED
@given(at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255), end=st.integers(0, len(WHOLE)))
def test_a_damaged_parquet_file_gives_rows_or_named_refusals(tmp_path: Path, at: int, byte: int, end: int) -> None:
    path = tmp_path / "f.parquet"
    path.write_bytes((WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :])[: end or None])
    try:
        with open_records(path) as records:
            told(records)
    except InputError as error:
        assert "f.parquet: is not Parquet" in str(error)  # noqa: PT017 - most examples raise nothing


CELLS = st.sampled_from(["1", " 2", "2.5", "1_000", "nan", "inf", "1e1", "9" * 400, "", "x", "07", "True", "1,5"])


@SHARED
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_one_file_gives_every_entry_the_same_records_or_refusal(
    tabular_package: Package, tmp_path: Path, cells: list[tuple[str, str]]
) -> None:
    path = tmp_path / "f.csv"
    quoted = "".join(f'{n},"{radius}","{age}"\n' for n, (radius, age) in enumerate(cells))
    path.write_text("user,radius,age\n" + quoted, encoding="utf-8")
    gates, features = by_gates(path, tabular_package), by_features(path)
    samples = by_samples(path)
    assert (gates is None) == (features is None)
    assert gates is None or gates == features == samples
    path.write_text("radius,age\n" + "".join(f'"{radius}","{age}"\n' for radius, age in cells), encoding="utf-8")
    assert by_predict(path, tabular_package) == by_invocations(path, tabular_package) == gates


def by_gates(path: Path, package: Package) -> list[tuple[object, object]] | None:
    try:
        records = read_given(path, package.manifest).records
    except InputError:
        return None
    return [(record["radius"], record["age"]) for record in records]


def by_features(path: Path) -> list[tuple[object, object]] | None:
    found = [row for _, row in read_file(path, DEFINITIONS, datetime(2026, 11, 21, tzinfo=UTC))]
    if not all(isinstance(row, FeatureWrite) and len(row.values) == len(TYPES) for row in found):
        return None
    return [(row.values["radius"], row.values["age"]) for row in found if isinstance(row, FeatureWrite)]


def by_predict(path: Path, package: Package) -> list[tuple[object, object]] | None:
    """The records that `slipway predict --input` sends, as the API reads them."""
    fields = [{"name": each.name, "type": each.type.value} for each in package.manifest.inputs]
    schema = {"properties": dict.fromkeys(each["name"] for each in fields)}
    described = {"versions": [{"version": 1, "inputs": fields, "record_schema": schema}]}
    version = Described.of(package.manifest.name, described, 1)
    try:
        with open_records(path) as file:
            inputs = [each.record for each in records_of(file, read_rows(file), version, ())]
        return pairs(reader(package).from_json(json.dumps({"inputs": inputs}).encode()))
    except InputError:
        return None


def by_invocations(path: Path, package: Package) -> list[tuple[object, object]] | None:
    read = _reader(package.manifest, path.read_bytes(), Format.CSV, header=True)
    try:
        return pairs(read(reader(package)))
    except InputError:
        return None


def reader(package: Package) -> RecordReader:
    return RecordReader(whole_record_model(package.manifest), limit=100, characters=10_000)


def pairs(records: list[RequestRecord]) -> list[tuple[object, object]]:
    return [(whole["radius"], whole["age"]) for whole in (record.complete() for record in records)]


def by_samples(path: Path) -> list[tuple[object, object]] | None:
    samples = read_samples(path, None)
    try:
        columns = [samples.values(name, kind) for name, kind in TYPES.items()]
    except InputError:
        return None
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_and_line_ends_change_nothing(tmp_path: Path, mark: str, end: str) -> None:
    for name, lines in (("f.csv", ["a,b", "1,x"]), ("f.tsv", ["a\tb", "1\tx"]), ("f.jsonl", ['{"a": "1", "b": "x"}'])):
        (tmp_path / name).write_bytes((mark + end.join([*lines, ""])).encode())
        with open_records(tmp_path / name) as records:
            assert [dict(row.values) for row in readable(records)] == [{"a": "1", "b": "x"}]


def test_a_line_that_is_too_long_is_refused_and_the_next_is_read() -> None:
    content = b'{"a": "' + b"x" * (9 * 1024 * 1024) + b'"}\n{"a": 1}\n'
    rows, refusals = told(read_stream(io.BytesIO(content), Format.JSON_LINES, "f"))
    assert [dict(row.values) for row in rows] == [{"a": 1}]
    assert "has more than 8388608 bytes" in str(refusals[0].error)


def test_a_quote_left_open_is_named_where_it_was_opened() -> None:
    rows, (refusal,) = told(read_stream(io.BytesIO(b'a,b\n1,2\n3,"4\n5,6\n'), Format.CSV, "f"))
    assert len(rows) == 1
    assert str(refusal.position) == "record 2 (line 3)"
    assert "opens a quote that is never closed; the rest of the file was not read" in str(refusal.error)


def test_a_value_without_a_column_name_is_not_dropped() -> None:
    rows, (refusal,) = told(read_stream(io.BytesIO(b"a,b,\n1,2,\n1,2,3\n"), Format.CSV, "f"))
    assert [dict(row.values) for row in rows] == [{"a": "1", "b": "2"}]
    assert "column 3: has a value" in str(refusal.error)
