"""Rows that name entities get the features that the API would have given them, and the same refusals."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.features import MemoryFeatureStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.nullable import INPUTS, make_nullable_package, nullable_graph
from support.packages import make_tabular_package

from slipway.batch.features import FeatureReader, FeaturesFrom, HistoryReader, StoreReader
from slipway.batch.job import Extras
from slipway.batch.local import LocalJob, run
from slipway.batch.row_features import RowFeatures, entity_text
from slipway.batch.scoring import Scorer, described
from slipway.batch.stores import Stores
from slipway.config import parse_config
from slipway.config.validation import field_problems
from slipway.errors import ConflictError, InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.backfill import backfill
from slipway.features.history.files import HistoryFolder
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.models.missing_values import Column, file_record
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor
from slipway.models.schema import record_model
from slipway.records.rows import Position

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
CONFIG = parse_config("""
project: demo
models: {tiny-tabular: {versions: [1], stable: 1}}
features:
  tumour:
    entity: patient
    history: true
    features: {radius: {type: float}, smooth: {type: float}, note: {type: string}, size: {type: integer, default: 2}}
  weather:
    entity: town
    features: {wind: {type: float}}
""")
FIELDS = [
    {"name": "radius", "type": "float", "group": "tumour", "min": 0, "max": 100},
    {"name": "smooth", "type": "float", "group": "tumour", "default": 0.5},
    {"name": "size", "type": "integer", "group": "tumour"},
    {"name": "age", "type": "integer", "min": 0},
]


@pytest.fixture(scope="module")
def store() -> MemoryFeatureStore:
    store = MemoryFeatureStore(FeatureDefinitions(CONFIG.features), clock=lambda: NOW)
    rows: dict[str, Mapping[str, Any]] = {
        "whole": {"radius": 3.0, "smooth": 0.25, "size": 7},
        "part": {"radius": 4.5},
        "wide": {"radius": 1000.0, "smooth": 1.0},
        "7": {"radius": 7.0},
    }
    writes = [FeatureWrite(FeatureKey("patient", id_, "tumour"), values, NOW) for id_, values in rows.items()]
    assert all(result.stored for result in store.write(writes))
    return store


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("m") / "1"
    make_tabular_package(folder, fields=FIELDS)
    return Predictor(load_package(folder))


def scorer_of(predictor: Predictor, reader: FeatureReader, time_column: str | None = None) -> Scorer:
    owners = {name: group.entity for name, group in CONFIG.features.items()}
    return Scorer(predictor, batch_size=2, features=RowFeatures(predictor.manifest, owners, reader, time_column))


def online(predictor: Predictor, store: MemoryFeatureStore, row: Mapping[str, Any]) -> dict[str, Any] | list[str]:
    """What the API's own schema makes of a row: the record, or the fields that are wrong."""
    definitions = FeatureDefinitions(CONFIG.features)
    model = record_model(predictor.manifest, definitions.entities, text_characters=None)
    columns = {f.name: Column(f.type, f.nullable, f.default is not None) for f in predictor.manifest.inputs}
    named = {"patient": id_} if (id_ := entity_text(row.get("patient"))) is not None else {}
    values = {name: value for name, value in row.items() if name in columns}
    try:
        record = model.model_validate({**file_record(values, columns, is_text=False), **named})
        stored = {}
        for group, id_ in record.to_fetch().items():
            key = FeatureKey("patient", id_, group)
            found = store.read([key]).get(key)
            stored[group] = {**definitions.defaults(group), **(found.values if found else {})}
        return dict(record.complete(stored))
    except ValidationError as error:
        return [problem.field for problem in field_problems(error)]
    except InputError as error:
        return [problem.field for problem in error.problems]


numbers = st.one_of(st.none(), st.sampled_from([0.0, 1.5, 200.0, float("nan")]))
columns = st.fixed_dictionaries(
    {"age": st.just((pa.int64(), st.one_of(st.none(), st.integers(-1, 50))))},
    optional={
        "radius": st.sampled_from([(pa.float64(), numbers), (pa.float32(), numbers), (pa.null(), st.none())]),
        "smooth": st.just((pa.float64(), numbers)),
        "size": st.sampled_from([(pa.int64(), st.one_of(st.none(), st.integers(0, 9))), (pa.float64(), numbers)]),
        "patient": st.sampled_from([
            (pa.string(), st.sampled_from([None, "", "whole", "part", "wide", "nobody", "x" * 300])),
            (pa.int32(), st.sampled_from([None, 7, 8])),
            (pa.float64(), st.sampled_from([None, 7.0])),
            (pa.dictionary(pa.int8(), pa.string()), st.sampled_from([None, "whole", "nobody"])),
        ]),
    },
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.RecordBatch:
    rows, made = draw(st.integers(1, 5)), draw(columns)
    return pa.RecordBatch.from_pydict({
        name: pa.array(draw(st.lists(values, min_size=rows, max_size=rows)), kind)
        for name, (kind, values) in made.items()
    })  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=400)
@given(table=tables())
def test_any_row_is_completed_as_the_api_would(
    predictor: Predictor, store: MemoryFeatureStore, table: pa.RecordBatch
) -> None:
    found = scorer_of(predictor, StoreReader(store, store.definitions)).score(table)
    expected = [online(predictor, store, row) for row in table.to_pylist()]
    assert [number for number, each in enumerate(expected) if isinstance(each, dict)] == found.right.tolist()
    records = [each for each in expected if isinstance(each, dict)]
    assert found.records(range(len(records))) == records
    refused = {number: each for number, each in enumerate(expected) if isinstance(each, list)}
    assert {each.row: [problem.field for problem in each.problems] for each in found.rejected} == refused
    answers = [answer for record in records for answer in predictor.predict([record])]
    assert list(found.answers.main) == [answer["label"] for answer in answers]  # type: ignore[union-attr, arg-type]
    assert np.array_equal(found.answers.score, [answer["score"] for answer in answers])  # type: ignore[union-attr]


def test_what_is_wrong_with_a_row_is_said(predictor: Predictor, store: MemoryFeatureStore) -> None:
    table = pa.RecordBatch.from_pydict({"patient": ["nobody", "wide", None, "whole"], "age": [1, 1, 1, 1]})
    found = scorer_of(predictor, StoreReader(store, store.definitions)).score(table)
    assert found.right.tolist() == [3]
    assert [described(each.problems) for each in found.rejected] == [
        "radius: is not in feature group tumour of patient 'nobody', nor in the record",
        "radius: must be at most 100 (got 1000.0); the value is from the feature store",
        "patient: is required, because the record does not have radius and 2 more",
    ]


def test_a_nullable_input_may_be_missing_from_the_store_but_not_its_entity(tmp_path: Path, store) -> None:
    make_nullable_package(tmp_path / "flights", nullable_graph(), INPUTS)
    predictor = Predictor(load_package(tmp_path / "flights"))
    table = pa.RecordBatch.from_pydict({"town": ["nowhere", None], "distance": [30, 30]})
    found = scorer_of(predictor, StoreReader(store, store.definitions)).score(table)
    assert found.records([0]) == [{"wind": None, "seats": None, "carrier": None, "distance": 30.0}]
    assert found.answers.main == [3.0]  # type: ignore[union-attr]
    assert [(each.row, described(each.problems)) for each in found.rejected] == [
        (1, "town: is required, because the record does not have wind")
    ]


class Counted(MemoryFeatureStore):
    """A store that counts the keys that it is asked for."""

    asked = 0

    def read(self, keys):
        wanted = list(keys)
        self.asked += len(wanted)
        return super().read(wanted)


def test_an_entity_is_read_once_a_table_and_not_at_all_where_rows_are_whole(predictor: Predictor) -> None:
    store = Counted(FeatureDefinitions(CONFIG.features))
    list(store.write([FeatureWrite(FeatureKey("patient", "a", "tumour"), {"radius": 1.0}, NOW)]))
    scorer = scorer_of(predictor, StoreReader(store, store.definitions))
    scorer.score(pa.RecordBatch.from_pydict({"patient": ["a"] * 50, "age": [1] * 50}))
    assert store.asked == 1
    whole = {"radius": [1.0], "smooth": [1.0], "size": [1], "age": [1]}
    assert scorer.score(pa.RecordBatch.from_pydict(whole)).right.tolist() == [0]
    assert store.asked == 1


def history_of(folder: Path, values: Mapping[datetime, float]) -> HistoryFolder:
    definitions, files = FeatureDefinitions(CONFIG.features), HistoryFolder(folder)
    folder.mkdir(parents=True)
    whole = {"size": 1}
    rows = [
        (Position(number), FeatureWrite(FeatureKey("patient", "a", "tumour"), {"radius": value, **whole}, at))
        for number, (at, value) in enumerate(values.items(), 1)
    ]
    assert not backfill(rows, files, definitions, now=NOW).refused
    return files


@pytest.mark.parametrize("kind", ["timestamp", "text", "seconds"])
def test_features_from_history_are_as_they_were_at_each_rows_time(
    predictor: Predictor, tmp_path: Path, kind: str
) -> None:
    first, second = NOW - timedelta(days=2), NOW - timedelta(days=1)
    files = history_of(tmp_path / "history", {first: 1.0, second: 2.0})
    times = [first - timedelta(seconds=1), first, second - timedelta(milliseconds=1), second, None]
    column = {
        "timestamp": pa.array(times, pa.timestamp("us", "UTC")),
        "text": pa.array([time and time.isoformat() for time in times]),
        "seconds": pa.array([time and time.timestamp() for time in times]),
    }[kind]
    table = pa.RecordBatch.from_pydict({"patient": ["a"] * 5, "age": [1] * 5, "at": column})
    scorer = scorer_of(predictor, HistoryReader(files, FeatureDefinitions(CONFIG.features)), "at")
    found = scorer.score(table)
    assert [record["radius"] for record in found.records(range(3))] == [1.0, 1.0, 2.0]
    assert [(each.row, described(each.problems)) for each in found.rejected] == [
        (0, "radius: is not in feature group tumour of patient 'a', nor in the record"),
        (4, "at: is required, because the record's features are read as they were at its time"),
    ]


@pytest.fixture
def job(tmp_path: Path) -> LocalJob:
    """A job that reads features from a folder of history."""
    make_tabular_package(tmp_path / "tiny" / "1", fields=FIELDS)
    history_of(tmp_path / "history", {NOW - timedelta(days=1): 1.0})
    (tmp_path / "in").mkdir()
    extras = Extras(features=FeaturesFrom.HISTORY, time_column="at")
    stores = Stores(groups=CONFIG.features, history=tmp_path / "history")
    return LocalJob(
        tmp_path / "tiny" / "1", tmp_path / "in", tmp_path / "out", most_rejected=1.0, extras=extras, stores=stores
    )


TIMES = [NOW, NOW - timedelta(days=2)]


def write_rows(folder: Path, ending: str) -> None:
    rows = [{"patient": who, "at": at.isoformat(), "age": 3} for who in ("a", "nobody") for at in TIMES]
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    elif ending == "jsonl":
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        (folder / "rows.csv").write_text(
            "patient,at,age\n" + "".join(f"{row['patient']},{row['at']},3\n" for row in rows)
        )


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_reads_features_and_rejects_rows_without(job: LocalJob, ending: str, workers: int) -> None:
    write_rows(job.source, ending)
    if workers == 2:  # so that there are two shards
        write_rows(job.source.parent / "in", "csv" if ending != "csv" else "jsonl")
    summary = run(replace(job, workers=workers), now=NOW)
    assert (summary.scored, summary.rejected) == (workers, 3 * workers)
    [part] = list(job.output.glob("part-00000*"))
    table = pq.read_table(part)
    assert table.column_names[:3] == ["patient", "at", "age"]
    assert "radius" not in table.column_names
    lines = [line for file in sorted((job.output / "rejected").iterdir()) for line in file.read_text().splitlines()]
    found = [json.loads(line) for line in lines][:3]
    assert [each["row"] for each in found] == [2, 3, 4]
    assert found[1]["record"]["patient"] == "nobody"
    assert found[1]["problems"] == [
        {"field": "radius", "message": "is not in feature group tumour of patient 'nobody', nor in the record"}
    ]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("at,age", "rows.csv: has no column patient, which tiny-tabular 1 needs"),
        ("patient,age", "rows.csv: has no column at, which"),
        ("patient,at", "rows.csv: has no column age, which"),
    ],
)
def test_a_column_that_features_are_read_by_is_needed(job: LocalJob, header: str, said: str) -> None:
    (job.source / "rows.csv").write_text(f"{header}\n1,2\n")
    with pytest.raises(InputError, match=re.escape(said)):
        run(job, now=NOW)


def test_features_are_part_of_what_a_job_does(job: LocalJob) -> None:
    write_rows(job.source, "csv")
    run(job, now=NOW)
    with pytest.raises(ConflictError, match="with other options"):
        run(replace(job, extras=Extras(features=FeaturesFrom.HISTORY, time_column="then")), now=NOW)


def test_a_store_or_history_must_be_known(job: LocalJob) -> None:
    write_rows(job.source, "csv")
    for source in (FeaturesFrom.STORE, FeaturesFrom.HISTORY):
        nowhere = replace(job, extras=Extras(features=source, time_column="at"), stores=Stores(groups=CONFIG.features))
        with pytest.raises(InputError, match=r"features: there is no (feature store|history): nothing is deployed"):
            run(nowhere, now=NOW)
