"""Answers are also written under the entity of each row, for the API to answer from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes.features import MemoryPrecomputed
from support.packages import make_tabular_package

from slipway.batch.folders import InputFolder, OutputFolder
from slipway.batch.job import Extras, Job
from slipway.batch.listeners.precompute import PrecomputingListener, require_precomputable
from slipway.batch.local import LocalJob, run
from slipway.batch.parts import OutputFormat
from slipway.batch.scoring import Scorer
from slipway.batch.shards import Shard
from slipway.batch.steps import Needed, begin, finish, plan, score
from slipway.errors import InputError, UnavailableError
from slipway.features.precomputed import precomputed_key
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor

NOW = datetime(2026, 11, 27, 12, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
FIELDS = [
    {"name": "radius", "type": "float", "group": "tumour"},
    {"name": "smooth", "type": "float", "default": 0.5},
    {"name": "age", "type": "integer", "nullable": True},
]
OWNERS = {"tumour": "patient", "weather": "town"}


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return make_tabular_package(tmp_path / "1", fields=FIELDS)


def scored(package: Package, tmp_path: Path, rows: str, store: MemoryPrecomputed) -> dict[str, int]:
    (tmp_path / "in.csv").write_text(rows)
    inputs, outputs = InputFolder(tmp_path / "in.csv"), OutputFolder(tmp_path / "out")
    extras = Extras(precompute="patient", ttl=DAY)
    job = begin(Job.of(package, OutputFormat.PARQUET, None, NOW, extras), outputs)
    shards = plan(inputs, outputs, package.manifest, Needed.of(extras, package.manifest, OWNERS))
    scorer = Scorer(Predictor(package))

    def listeners(_job: Job, _shard: Shard) -> list[PrecomputingListener]:
        return [PrecomputingListener(package.manifest, "patient", store, DAY, clock=lambda: NOW)]

    for shard in shards:
        score(job, shard, inputs, outputs, scorer, listeners=listeners)
    summary = finish(job, shards, outputs)
    return {"scored": summary.scored, "rejected": summary.rejected, "precomputed": summary.precomputed}


def test_each_answer_lies_under_its_entity_with_the_record_that_it_is_of(package: Package, tmp_path: Path) -> None:
    store = MemoryPrecomputed(clock=lambda: NOW)
    rows = "patient,radius,smooth,age\np1,1,1,3\n007,20,,4\n"
    assert scored(package, tmp_path, rows, store) == {"scored": 2, "rejected": 0, "precomputed": 2}
    keys = {id_: precomputed_key("tiny-tabular", 1, "patient", id_) for id_ in ("p1", "007")}
    found = store.get(keys.values())
    assert found.keys() == set(keys.values())
    whole = {"radius": 20.0, "smooth": 0.5, "age": 4}
    assert found[keys["007"]].inputs == whole
    assert found[keys["007"]].output == Predictor(package).predict([whole])[0]
    assert found[keys["007"]].made_at == NOW.replace(microsecond=123000)


def test_rejected_rows_and_rows_of_nobody_are_not_precomputed(package: Package, tmp_path: Path) -> None:
    store = MemoryPrecomputed(clock=lambda: NOW)
    rows = "patient,radius,smooth,age\np1,many,1,3\n,1,1,1\np2,1,1,1\n"
    assert scored(package, tmp_path, rows, store) == {"scored": 2, "rejected": 1, "precomputed": 1}
    assert [key.rpartition("#")[2] for key in store.entries] == ["p2"]


def test_of_two_rows_of_an_entity_the_last_one_counts(package: Package, tmp_path: Path) -> None:
    store = MemoryPrecomputed(clock=lambda: NOW)
    scored(package, tmp_path, "patient,radius,smooth,age\np1,1,1,1\np1,30,1,1\n", store)
    [(entry, _)] = store.entries.values()
    assert (entry.output["label"], entry.inputs["radius"]) == ("yes", 30.0)


def test_a_shard_whose_answers_cannot_be_stored_is_not_done(package: Package, tmp_path: Path) -> None:
    class Down(MemoryPrecomputed):
        def put(self, entries, ttl):
            raise UnavailableError("precomputed predictions", "down")

    with pytest.raises(UnavailableError):
        scored(package, tmp_path, "patient,radius,smooth,age\np1,1,1,1\n", Down())
    assert not list((tmp_path / "out").glob("part-*"))
    assert not list((tmp_path / "out" / "_outcomes").glob("*"))
    assert scored(package, tmp_path, "patient,radius,smooth,age\np1,1,1,1\n", MemoryPrecomputed())["precomputed"] == 1


def test_the_column_of_the_entity_is_needed(package: Package, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("radius,smooth,age\n1,1,1\n")
    job = LocalJob(package.folder, tmp_path / "in.csv", tmp_path / "out", extras=Extras(precompute="patient"))
    with pytest.raises(InputError, match="there is no table of predictions"):
        run(job)
    needed = Needed.of(job.extras, package.manifest, OWNERS)
    with pytest.raises(InputError, match=r"in\.csv: has no column patient, which tiny-tabular 1 needs"):
        plan(InputFolder(tmp_path / "in.csv"), OutputFolder(tmp_path / "out"), package.manifest, needed)


@pytest.mark.parametrize(
    ("entity", "configured", "said"),
    [
        ("patient", None, "of nothing: set models.tiny-tabular.cache.precomputed to patient in slipway.yaml"),
        ("patient", "town", "looks for precomputed answers of town"),
        ("town", "town", "a request to tiny-tabular must give radius, too"),
    ],
)  # fmt: skip
def test_what_the_api_would_not_answer_from_is_refused(package: Package, entity, configured, said) -> None:
    require_precomputable(package.manifest, OWNERS, "patient", "patient")
    with pytest.raises(InputError, match=said):
        require_precomputable(package.manifest, OWNERS, entity, configured)


def test_a_required_input_that_is_no_feature_is_named(tmp_path: Path) -> None:
    package = make_tabular_package(tmp_path / "2")
    with pytest.raises(InputError, match="must give age, too"):
        require_precomputable(load_package(package.folder).manifest, OWNERS, "patient", "patient")


def test_chunks_keep_their_rows(package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.batch.reading.TABLE_ROWS", 3)
    store = MemoryPrecomputed(clock=lambda: NOW)
    radii = np.random.default_rng(1).integers(0, 30, 20).tolist()
    rows = "".join(f"p{number},{radius},0,0\n" for number, radius in enumerate(radii))
    assert scored(package, tmp_path, f"patient,radius,smooth,age\n{rows}", store)["precomputed"] == 20
    found = {key.rpartition("#p")[2]: entry.inputs["radius"] for key, (entry, _) in store.entries.items()}
    assert found == {str(number): float(radius) for number, radius in enumerate(radii)}
