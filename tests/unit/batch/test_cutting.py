"""However a file is cut, its shards together have the rows of the whole file, each with its number and line."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.batch import cutting
from slipway.batch.cutting import cut
from slipway.batch.shards import Shard, from_lines, to_lines
from slipway.errors import InputError
from slipway.records.files import Format, read_stream
from slipway.records.rows import Position, Refusal, Row


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "TEXT_BYTES", 12)
    monkeypatch.setattr(cutting, "_PIECE_BYTES", 7)


def whole(text: bytes, kind: Format) -> list[Row | Refusal]:
    return list(read_stream(io.BytesIO(text), kind, "all").rows)


def in_shards(text: bytes, shards: list[Shard]) -> list[Row | Refusal]:
    found: list[Row | Refusal] = []
    for shard in shards:
        part = io.BytesIO(text[shard.begin : shard.end])
        for row in read_stream(part, shard.format, "all", shard.columns).rows:
            line = None if row.position.line is None else shard.first_line + row.position.line - 1
            position = Position(shard.first_row + row.position.number, line)
            if isinstance(row, Row):
                found.append(Row(position, row.values))
            else:
                found.append(Refusal(position, row.problems, row.malformed, row.ends))
    return found


def same(text: bytes, kind: Format) -> None:
    shards = cut(io.BytesIO(text), "all", kind)
    rows = in_shards(text, shards)
    assert rows == whole(text, kind)
    assert sum(shard.rows for shard in shards) == len(rows)
    assert [shard.number for shard in shards] == list(range(len(shards)))
    assert list(from_lines(to_lines(shards))) == shards


cells = st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", "é", "😂", " ", "\t"]), max_size=6).map("".join)
ends = st.sampled_from(["\n", "\r\n"])


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set('",\r\n') else cell


@given(st.lists(st.tuples(cells, cells), max_size=12), ends, st.booleans(), st.booleans())
def test_csv_is_cut_between_records(rows, end: str, mark: bool, last: bool) -> None:
    lines = ["name,x", *(f"{quoted(a)},{quoted(b)}" for a, b in rows)]
    text = end.join(lines) + (end if last else "")
    same(("\ufeff" * mark + text).encode(), Format.CSV)


plain = st.text(st.sampled_from(["a", "é", " ", "'"]), max_size=9)


@given(st.lists(st.one_of(st.just(""), st.tuples(plain, plain)), max_size=12), ends, st.sampled_from([",", "\t"]))
def test_empty_lines_are_no_records(rows, end: str, tab: str) -> None:
    text = end.join([f"name{tab}x", *(tab.join(row) if row else "" for row in rows)])
    same(text.encode(), Format.CSV if tab == "," else Format.TSV)


def test_a_quote_within_a_cell_is_a_character() -> None:
    same(b'size,x\n5" pipe,1\nlong "er,2\n"a\nb",3\n7",4\n', Format.CSV)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["", "  ", "\t", "not json", "[1]", "\u00a0"]),
            st.dictionaries(cells, st.one_of(cells, st.integers(), st.none()), max_size=2).map(json.dumps),
        ),
        max_size=12,
    ),
    ends,
    st.booleans(),
)
def test_json_lines_are_cut_at_lines(lines, end: str, mark: bool) -> None:
    same(("\ufeff" * mark + end.join(lines)).encode(), Format.JSON_LINES)


def test_nothing_is_lost_behind_a_wrong_quote() -> None:
    text = b'a,b\n1,2\n"3"x,4\n5,6\n7,8\n9,1\n'
    shards = cut(io.BytesIO(text), "all", Format.CSV)
    rows = in_shards(text, shards)
    assert shards[-1].end == len(text)
    assert isinstance(rows[-1], Refusal)
    assert rows[-1].ends


def test_a_long_line_without_an_end_needs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "RECORD_BYTES", 20)
    text = b'{"a":1}\n' + b"x" * 90 + b'\n{"a":2}\n'
    shards = cut(io.BytesIO(text), "all", Format.JSON_LINES)
    assert sum(shard.rows for shard in shards) == 3
    assert (shards[0].begin, shards[-1].end) == (0, len(text))


def test_a_header_alone_has_no_shard() -> None:
    assert cut(io.BytesIO(b"a,b\n"), "all", Format.CSV) == []
    assert cut(io.BytesIO(b""), "all", Format.JSON_LINES) == []


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (b"", Format.CSV, "the header"),
        (b"PAR1....", Format.JSON_LINES, "is Parquet; name it .parquet"),
        (b"\x1f\x8b..", Format.CSV, "is compressed with gzip"),
        (b"nothing", Format.PARQUET, "is not Parquet"),
    ],
)
def test_another_format_is_refused_by_name(text: bytes, kind: Format, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cut(io.BytesIO(text), "flights.csv", kind)


def parquet(sizes: list[int]) -> io.BytesIO:
    stream = io.BytesIO()
    with pq.ParquetWriter(stream, pa.schema([("x", pa.int64())])) as writer:
        for size in sizes:
            writer.write_table(pa.table({"x": list(range(size))}))
    stream.seek(0)
    return stream


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([5, 5, 5, 2], [(0, 2, 0, 10), (2, 4, 10, 7)]),
        ([30], [(0, 1, 0, 30)]),
        ([3], [(0, 1, 0, 3)]),
        ([], []),
    ],
)
def test_small_row_groups_are_put_together(monkeypatch, sizes: list[int], expected) -> None:
    monkeypatch.setattr(cutting, "GROUP_ROWS", 8)
    shards = cut(parquet(sizes), "x.parquet", Format.PARQUET, 4)
    assert [(s.begin, s.end, s.first_row, s.rows) for s in shards] == expected
    assert [s.number for s in shards] == list(range(4, 4 + len(shards)))


def test_a_digest_tells_content_part_and_job_apart() -> None:
    [one, *_] = cut(io.BytesIO(b"a\n1\n"), "all", Format.CSV)
    [other, *_] = cut(io.BytesIO(b"a\n2\n"), "all", Format.CSV)
    assert len({one.digest("job"), other.digest("job"), one.digest("another job")}) == 3


def test_a_shard_takes_no_more_rows_than_asked_for() -> None:
    lines = b"".join(b'{"a": %d}\n' % n for n in range(8))
    table = io.BytesIO()
    pq.write_table(pa.table({"a": range(20)}), table, row_group_size=2)
    quoted = b"a\n" + b'"x"\n' * 9
    found = {
        kind: [shard.rows for shard in cut(io.BytesIO(content), "all", kind, most_rows=2)]
        for kind, content in ((Format.PARQUET, table.getvalue()), (Format.JSON_LINES, lines), (Format.CSV, quoted))
    }
    assert found[Format.PARQUET] == [2] * 10
    assert sum(found[Format.JSON_LINES]) == 8
    assert sum(found[Format.CSV]) == 9
    assert max(*found[Format.JSON_LINES], *found[Format.CSV]) <= 2
