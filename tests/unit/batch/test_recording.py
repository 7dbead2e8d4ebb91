"""Rows are sampled, profiled and kept as requests are, the same ones each time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.nullable import INPUTS, make_nullable_package, nullable_graph
from support.packages import make_tabular_package, make_text_package
from support.several import make_labels_package, make_values_package

from slipway.batch import cutting
from slipway.batch.job import Extras
from slipway.batch.listeners.recording import mixed
from slipway.batch.local import LocalJob, run
from slipway.errors import ConflictError
from slipway.models.package import Package, load_package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.profile import Profile, load_profile

NOW = datetime(2026, 11, 27, 12, 3, 4, tzinfo=UTC)
ROWS = 600


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalJob:
    monkeypatch.setattr(cutting, "GROUP_ROWS", 200)
    package = make_tabular_package(tmp_path / "1")
    chance = np.random.default_rng(4)
    columns = {
        "radius": chance.uniform(0, 20, ROWS),
        "smooth": pa.array(chance.uniform(0, 1, ROWS), mask=chance.random(ROWS) < 0.2),
        "age": chance.integers(-3, 50, ROWS),
        "patient": [f"p{number % 40}" for number in range(ROWS)],
    }
    pq.write_table(pa.table(columns), tmp_path / "in.parquet", row_group_size=100)
    extras = Extras(sample=1.0, captures=1000)
    return LocalJob(package.folder, tmp_path / "in.parquet", tmp_path / "out", most_rejected=1.0, extras=extras)


def profile_in(folder: Path) -> Profile:
    return load_profile((folder / "_profile.json").read_text())


def captures_in(folder: Path) -> list[Capture]:
    files = sorted((folder / "_captures").glob("*.jsonl"))
    return [Capture.model_validate_json(line) for file in files for line in file.read_text().splitlines()]


def test_the_profile_is_that_of_the_captures(job: LocalJob) -> None:
    summary = run(job, now=NOW)
    made, captures = profile_in(job.output), captures_in(job.output)
    assert summary.rejected > 0
    assert summary.sampled == made.records == len(captures) == summary.scored
    expected = profile_of(load_package(job.package), captures, start=made.start, minutes=made.minutes)
    assert made.counts == expected.counts
    assert (made.model, made.version, made.baseline) == ("tiny-tabular", 1, expected.baseline)
    assert made.start == NOW.replace(second=0)


def make_flights(folder: Path) -> Package:
    return make_nullable_package(folder, nullable_graph(), INPUTS)


@pytest.mark.parametrize("make", [make_text_package, make_labels_package, make_values_package, make_flights])
def test_every_form_is_profiled_as_its_captures_are(tmp_path: Path, make) -> None:
    package, chance = make(tmp_path / "m"), np.random.default_rng(1)
    columns = {
        field.name: ["good day", "bad", "sunny"] * 10 if field.type == "string" else chance.normal(0, 9, 30).tolist()
        for field in package.manifest.inputs
    }
    if make is make_flights:
        rows = [(1.0, 1, "AA", 5.0), (None, None, None, 5.0), (float("nan"), 3, "UA", 5.0)] * 10
        columns = {name: [row[at] for row in rows] for at, name in enumerate(["wind", "seats", "carrier", "distance"])}
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    job = LocalJob(package.folder, tmp_path / "in.parquet", tmp_path / "out", extras=Extras(sample=1.0, captures=99))
    run(job, now=NOW)
    made, captures = profile_in(job.output), captures_in(job.output)
    assert len(captures) == 30
    assert made.counts == profile_of(package, captures, start=made.start, minutes=1).counts


def test_a_share_of_the_rows_is_sampled_and_the_smallest_draws_of_each_shard_are_kept(job: LocalJob) -> None:
    run(replace(job, extras=Extras(sample=0.5, captures=10)), now=NOW)
    made, captures = profile_in(job.output), captures_in(job.output)
    assert 0.4 * ROWS < made.records < 0.6 * ROWS
    assert len(captures) == 3 * 10
    assert {capture.request[:6] for capture in captures} == {"batch-"}
    numbers = [int(capture.prediction.random[-12:-2], 16) for capture in captures]
    assert numbers == sorted(numbers)


def test_run_again_or_by_several_workers_it_samples_the_same(job: LocalJob, tmp_path: Path) -> None:
    job = replace(job, extras=Extras(sample=0.3, captures=5))
    run(job, now=NOW)
    run(replace(job, output=tmp_path / "two", workers=2), now=NOW)

    def content(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    whole = content(job.output)
    assert content(tmp_path / "two") == whole
    next(job.output.glob("part-00001-*")).unlink()
    profile = next((job.output / "_profiles").glob("part-00001-*"))
    profile.unlink()
    run(job, now=NOW)
    assert content(job.output) == whole
    profile.unlink()
    with pytest.raises(ConflictError, match=r"shard 1 of in\.parquet has lost its profile: remove _outcomes/"):
        run(job, now=NOW)


def test_of_sampled_entities_all_rows_are_kept(job: LocalJob) -> None:
    run(replace(job, extras=Extras(sample=0.3, captures=1, sampled_by="patient")), now=NOW)
    captures = captures_in(job.output)
    rows = pq.read_table(sorted(job.output.glob("part-*"))).to_pylist()
    ids = {capture.id for capture in captures}
    of_sampled = {row["patient"] for row in rows if row["prediction_id"] in ids}
    assert 3 < len(of_sampled) < 25
    assert {row["prediction_id"] for row in rows if row["patient"] in of_sampled} == ids
    assert profile_in(job.output).records == len(captures)


def test_without_a_share_nothing_is_recorded(job: LocalJob) -> None:
    run(replace(job, extras=Extras()), now=NOW)
    assert {path.name for path in job.output.iterdir() if path.name.startswith("_")} == {
        "_job.json", "_manifest.jsonl", "_outcomes", "_SUCCESS",
    }  # fmt: skip


def test_the_profiles_of_shards_that_are_gone_go(job: LocalJob) -> None:
    run(job, now=NOW)
    before = {path.name for path in (job.output / "_profiles").iterdir()}
    table = pq.read_table(job.source).slice(0, 100)
    pq.write_table(table, job.source)
    run(job, now=NOW)
    after = {path.name for path in (job.output / "_profiles").iterdir()}
    assert len(after) == 1
    assert not after & before
    assert profile_in(job.output).records == json.loads((job.output / "_SUCCESS").read_text())["scored"]


def test_draws_are_even_and_differ_by_job() -> None:
    numbers = np.arange(200_000)
    one, other = mixed(numbers, 1), mixed(numbers, 2)
    assert 0 <= one.min() < one.max() < 1
    for draws in (one, other):
        assert np.histogram(draws, 10, (0, 1))[0] == pytest.approx(20_000, rel=0.05)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.01
