"""A job's state is its output: broken off anywhere and run again, it ends as if it had never been."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.packages import make_regression_package, make_tabular_package, make_text_package

from slipway import load
from slipway.batch import cutting, steps
from slipway.batch.folders import OutputFolder
from slipway.batch.local import LocalJob, Progress, run
from slipway.batch.parts import OutputFormat
from slipway.errors import CheckFailedError, ConflictError, InputError
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ROWS = 40


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalJob:
    """Two files of text and one of Parquet, each of several shards."""
    monkeypatch.setattr(cutting, "TEXT_BYTES", 60)
    monkeypatch.setattr(cutting, "_PIECE_BYTES", 16)
    monkeypatch.setattr(cutting, "GROUP_ROWS", 10)
    make_regression_package(tmp_path / "tiny-price" / "1")
    source = tmp_path / "in"
    (source / "more").mkdir(parents=True)
    (source / "a.csv").write_text("rooms,area,note\n" + "".join(f"{n},{n}.5,row {n}\n" for n in range(ROWS)))
    (source / "more" / "b.jsonl").write_text("".join(f'{{"rooms": {n}, "area": 1, "x": [{n}]}}\n' for n in range(ROWS)))
    columns = {"rooms": [float(n) for n in range(ROWS)], "area": [2.0] * ROWS, "day": [NOW] * ROWS}
    pq.write_table(pa.table(columns), source / "c.parquet", row_group_size=5)
    return LocalJob(tmp_path / "tiny-price" / "1", source, tmp_path / "out")


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def answers(folder: Path) -> list[tuple[float, float]]:
    """What each part says, in the order of the parts."""
    found = []
    for part in sorted(folder.glob("part-*.parquet")):
        table = pq.read_table(part)
        found += list(zip(table["rooms"].to_pylist(), table["prediction_value"].to_pylist(), strict=True))
    return found


def test_every_row_of_every_file_is_scored(job: LocalJob) -> None:
    summary = run(job, now=NOW)
    assert (summary.rows, summary.scored, summary.rejected) == (3 * ROWS, 3 * ROWS, 0)
    assert summary.parts > 6
    expected = [(n, 2 * n + 0.5) for n in range(ROWS)] + [(n, n + 2.0) for n in range(ROWS)]
    assert answers(job.output) == expected + [(n, n + 1.0) for n in range(ROWS)]
    assert json.loads((job.output / "_SUCCESS").read_text())["scored"] == 3 * ROWS


def test_the_columns_of_the_input_are_kept_with_their_types(job: LocalJob) -> None:
    run(job, now=NOW)
    tables = [pq.read_table(part) for part in sorted(job.output.glob("part-*.parquet"))]
    kinds = {table.schema.names[2]: str(table.schema.field(2).type) for table in tables}
    assert kinds == {"note": "string", "x": "string", "day": "timestamp[us, tz=UTC]"}
    assert tables[0]["note"][0].as_py() == "row 0"
    assert tables[0].schema.field("rooms").type == pa.float64()


def test_each_prediction_has_an_id_of_its_own(job: LocalJob) -> None:
    run(job, now=NOW)
    ids = [each for part in job.output.glob("part-*") for each in pq.read_table(part)["prediction_id"].to_pylist()]
    assert len(set(ids)) == 3 * ROWS
    parsed = parse_prediction_id(ids[0])
    assert (parsed.model, parsed.version, parsed.made_at, parsed.bucket) == ("tiny-price", 1, NOW, None)


def test_run_again_it_scores_only_what_is_missing(job: LocalJob, monkeypatch: pytest.MonkeyPatch) -> None:
    run(job, now=NOW)
    whole = content(job.output)
    next(iter(job.output.glob("part-00003-*"))).unlink()
    seen: list[Progress] = []
    run(job, lambda progress: seen.append(Progress(progress.rows, progress.earlier, progress.done)))
    assert 0 < seen[0].earlier < seen[0].rows
    assert content(job.output) == whole
    monkeypatch.setattr(steps, "scored_tables", None)  # which must not be called
    run(job)
    assert content(job.output) == whole


@pytest.mark.parametrize("kept", range(0, 40, 3))
def test_broken_off_at_any_write_it_can_be_run_again(job: LocalJob, monkeypatch, tmp_path: Path, kept: int) -> None:
    run(LocalJob(job.package, job.source, tmp_path / "whole"), now=NOW)
    left, write = [kept], OutputFolder.writing

    def failing(self: OutputFolder, name: str):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return write(self, name)

    monkeypatch.setattr(OutputFolder, "writing", failing)
    try:
        run(job, now=NOW)
    except KeyboardInterrupt:
        assert not (job.output / "_SUCCESS").exists()
    monkeypatch.setattr(OutputFolder, "writing", write)
    run(job, now=NOW)
    assert content(job.output) == content(tmp_path / "whole")


def test_what_a_killed_worker_left_is_removed(job: LocalJob) -> None:
    run(job, now=NOW)
    whole = content(job.output)
    (job.output / ".unfinished-123-part-00000.parquet").write_bytes(b"half")
    (job.output / "_outcomes" / ".unfinished-123-part-00000.json").write_bytes(b"half")
    run(job)
    assert content(job.output) == whole


def test_several_workers_write_the_same(job: LocalJob, tmp_path: Path) -> None:
    # Spawned processes cut nothing, so that the sizes set here hold.
    run(job, now=NOW)
    run(LocalJob(job.package, job.source, tmp_path / "two", workers=2), now=NOW)
    assert content(tmp_path / "two") == content(job.output)


def test_a_changed_file_is_scored_again_and_its_old_parts_go(job: LocalJob) -> None:
    run(job, now=NOW)
    before = set(content(job.output))
    (job.source / "more" / "b.jsonl").unlink()  # the last one, so the others keep their numbers
    summary = run(job)
    assert summary.rows == 2 * ROWS
    assert set(content(job.output)) < before
    (job.source / "a.csv").write_text("rooms,area\n1,1\n")
    assert run(job).rows == 1 + ROWS
    assert answers(job.output)[0] == (1.0, 2.0)


def test_wrong_rows_are_kept_with_their_place_and_reason(job: LocalJob) -> None:
    (job.source / "a.csv").write_text('rooms,area,note\n1,1,fine\nmany,2,"two\nlines"\n3,nan,last\n4\n5,5,\n')
    summary = run(job.__class__(job.package, job.source, job.output, most_rejected=0.1), now=NOW)
    assert summary.rejected == 3
    lines = [line for file in sorted((job.output / "rejected").iterdir()) for line in file.read_text().splitlines()]
    found = [json.loads(line) for line in lines]
    assert [(each["file"], each["row"], each["line"]) for each in found] == [
        ("a.csv", 2, 3),
        ("a.csv", 3, 5),
        ("a.csv", 4, 6),
    ]
    assert [each["problems"][0].get("field") for each in found] == ["rooms", "area", None]
    assert found[0]["record"] == {"rooms": "many", "area": "2", "note": "two\nlines"}
    assert found[2]["problems"] == [{"message": "has 1 cell; needed are 3: rooms, area, note"}]


def test_too_many_wrong_rows_fail_the_job(job: LocalJob) -> None:
    (job.source / "a.csv").write_text("rooms,area\n1,1\n2,x\n")
    with pytest.raises(CheckFailedError, match=r"1 of 82 rows were rejected, more than 1 %"):
        run(job, now=NOW)
    assert not (job.output / "_SUCCESS").exists()
    assert (job.output / "rejected").exists()
    assert run(LocalJob(job.package, job.source, job.output, most_rejected=0.5)).rejected == 1


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_shard_without_a_right_row_is_scored_all_the_same(tmp_path: Path, ending: str) -> None:
    package = make_tabular_package(tmp_path / "m", fields=[{"name": "age", "type": "integer", "min": 0}])
    if ending == "csv":
        (tmp_path / "in.csv").write_text("age\n-1\n-2\n")
    else:
        pq.write_table(pa.table({"age": [-1, -2]}), tmp_path / "in.parquet")
    summary = run(LocalJob(package.folder, tmp_path / f"in.{ending}", tmp_path / "out", most_rejected=1.0), now=NOW)
    assert (summary.scored, summary.rejected, summary.labels) == (0, 2, {})
    [part] = (tmp_path / "out").glob("part-*")
    assert "prediction_scores" in pq.read_table(part).column_names


def test_wrong_rows_of_parquet_have_their_number(job: LocalJob) -> None:
    for name in ("a.csv", "more/b.jsonl"):
        (job.source / name).unlink()
    columns = {"rooms": [1.0, None, 3.0] * 4, "area": [2.0] * 12}
    pq.write_table(pa.table(columns), job.source / "c.parquet", row_group_size=6)
    run(LocalJob(job.package, job.source, job.output, most_rejected=0.5), now=NOW)
    found = [json.loads(line) for file in (job.output / "rejected").iterdir() for line in file.read_text().splitlines()]
    assert [(each["row"], each["record"]["rooms"]) for each in found] == [(2, None), (5, None), (8, None), (11, None)]
    assert "line" not in found[0]


def test_json_lines_by_choice(job: LocalJob) -> None:
    run(LocalJob(job.package, job.source, job.output, OutputFormat.JSON_LINES), now=NOW)
    first = json.loads(next(iter(job.output.glob("part-00000-*.jsonl"))).read_text().splitlines()[0])
    assert {**first, "prediction_id": None} == {
        "rooms": 0.0, "area": 0.5, "note": "row 0",
        "prediction_id": None, "prediction_version": 1, "prediction_value": 0.5,
    }  # fmt: skip


def test_the_output_of_another_job_is_left_alone(job: LocalJob, tmp_path: Path) -> None:
    run(job, now=NOW)
    make_regression_package(tmp_path / "tiny-price" / "2", version=2)
    with pytest.raises(ConflictError, match=r"is that of tiny-price 1 \(parquet\)"):
        run(LocalJob(tmp_path / "tiny-price" / "2", job.source, job.output))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("mine")
    with pytest.raises(ConflictError, match=r"has thesis.doc, which no batch job has written"):
        run(LocalJob(job.package, job.source, tmp_path / "full"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "rooms\n1\n", "a.csv: has no column area, which tiny-price 1 needs"),
        ("a.csv", "rooms,area,prediction_value\n1,2,3\n", "a.csv: has the column prediction_value"),
        ("more/b.jsonl", '{"rooms": 1, "area": 2, "prediction_id": 3}\n', "the input: has the column prediction_id"),
        ("a.csv", 'rooms,area\n1,2\n"3"x,4\n5,6\n', "a.csv line 3: has text after a closing quote"),
        ("note.txt", "hello", "note.txt, which must end in .csv"),
        ("a.csv", "", "a.csv: the header (line 1) must name the columns"),
    ],
)
def test_what_cannot_be_scored_is_named(job: LocalJob, name: str, text: str, said: str) -> None:
    (job.source / name).write_text(text)
    with pytest.raises(InputError, match=re.escape(said)):
        run(job)
    assert not (job.output / "_SUCCESS").exists()


def test_a_file_without_records_is_named(job: LocalJob, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("rooms,area\n")
    with pytest.raises(InputError, match="INPUT: has no records"):
        run(LocalJob(job.package, tmp_path / "empty.csv", job.output))
    with pytest.raises(InputError, match="no such file or folder"):
        run(LocalJob(job.package, tmp_path / "nothing", job.output))


@pytest.mark.parametrize("make", [make_tabular_package, make_text_package])
def test_batch_is_the_same_as_a_prediction(tmp_path: Path, make) -> None:
    package = make(tmp_path / "m")
    model = load(package.folder)
    values: dict[str, list[object]] = {
        field.name: ["a day", "good day", ""] if field.type == "string" else [1, 4, 30] for field in model.inputs
    }
    records = [{name: column[row] for name, column in values.items()} for row in range(3)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    run(LocalJob(package.folder, tmp_path / "in.jsonl", tmp_path / "out"), now=NOW)
    [part] = (tmp_path / "out").glob("part-*")
    rows = pq.read_table(part).to_pylist()
    for record, row in zip(records, rows, strict=True):
        [answer] = model.predict([record])
        assert {name: row[f"prediction_{name}"] for name in answer} == answer
