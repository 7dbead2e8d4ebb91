"""A batch gives the answers that the API gives, to the last bit: by every shipped model, in both tiers."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.features import MemoryFeatureStore
from starlette.testclient import TestClient

from slipway.batch.features import StoreReader
from slipway.batch.local import LocalJob, run
from slipway.batch.row_features import RowFeatures
from slipway.batch.scoring import Scorer, chosen_list
from slipway.config import parse_config
from slipway.config.heavy import HeavyConfig
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import read_file
from slipway.features.store import FeatureWrite, utc_now
from slipway.models.measurements.golden import GOLDEN, read_golden
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.records.files import open_records
from slipway.records.rows import readable
from slipway.serving.apis import predict
from slipway.serving.batching.executor import Executor
from slipway.serving.batching.tuning import tune
from slipway.serving.http.app import AppSettings, create_app
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels

ROOT = Path(__file__).parents[3]
PACKAGES = sorted(path.parent for path in ROOT.glob("models/*/*/model.yaml"))
NAMES = [f"{folder.parent.name}/{folder.name}" for folder in PACKAGES]
A_CALL = 16
Answer = dict[str, Any]
"""What the API and the output have of an answer: its fields without id, version and cache."""


@pytest.fixture(params=PACKAGES, ids=NAMES)
def package(request: pytest.FixtureRequest) -> Package:
    return load_package(request.param)


def examples(package: Package) -> list[dict[str, Any]]:
    """The golden records, in which missing values are null."""
    return [dict(each.record) for each in read_golden(package.path(GOLDEN)).records]


def served(package: Package, store: MemoryFeatureStore | None = None) -> TestClient:
    """The API of the light tier, with one version of one model."""
    name, version = package.manifest.name, package.manifest.version
    text = (
        f"project: demo\napi: {{authorization: none}}\nmodels: {{{name}: {{versions: [{version}], stable: {version}}}}}"
    )
    config = parse_config(text).model_copy(update={"features": shipped().features})
    models = ServedModels(config, {(name, version): Predictor(package)})
    state = {"pipeline": PredictionPipeline(models, store=store)}
    settings = AppSettings("demo", 1_000_000, Telemetry("demo", "predict", write=lambda _: None), state)
    return TestClient(create_app(settings, (predict.router,)))


def shipped() -> Any:
    return parse_config((ROOT / "slipway.yaml").read_text())


def online(package: Package, records: Sequence[Mapping[str, Any]], store: Any = None) -> list[Answer]:
    """What the API answers, asked with some records at a time."""
    answers: list[Answer] = []
    name = package.manifest.name
    with served(package, store) as client:
        alone = package.manifest.quantization is not None and package.manifest.quantization.batch_independent is False
        size = 1 if alone else A_CALL
        for first in range(0, len(records), size):
            found = client.post(f"/v1/models/{name}/predict", json={"inputs": list(records[first : first + size])})
            assert found.status_code == 200, found.text
            answers += found.json()["predictions"]
    return [{key: value for key, value in each.items() if key not in ("id", "version", "cached")} for each in answers]


def heavy(package: Package, records: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """What the heavy tier's executor answers to requests of one record that wait together."""
    whole = [{field.name: record.get(field.name) for field in package.manifest.inputs} for record in records]
    predictors = {threads: Predictor(package, threads=threads) for threads in (1, 2)}
    tuned = tune(HeavyConfig(queue=1000, threads=1), package, predictors.__getitem__, whole, processors=2, seconds=0.1)
    executor = Executor(package.manifest.name, tuned.predictor, tuned.plan)

    async def ask_all() -> list[Any]:
        asked = await asyncio.gather(*(executor.predict([record], float("inf")) for record in whole))
        return [output for answered in asked for output in answered.outputs]

    try:
        return asyncio.run(ask_all())
    finally:
        executor.close()


def batch(package: Package, records: Sequence[Mapping[str, Any]], folder: Path, ending: str) -> list[Answer]:
    """What a job writes."""
    source = folder / f"in.{ending}"
    names = [field.name for field in package.manifest.inputs]
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist([{name: each.get(name) for name in names} for each in records]), source)
    else:
        source.write_text("".join(json.dumps(record) + "\n" for record in records))
    run(LocalJob(package.folder, source, folder / f"out-{ending}"))
    [part] = (folder / f"out-{ending}").glob("part-*.parquet")
    rows = pq.read_table(part).to_pylist()
    prefix = "prediction_"
    own = ("prediction_id", "prediction_version")
    return [
        {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix) and name not in own}
        for row in rows
    ]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_batch_is_the_same_as_the_api(package: Package, tmp_path: Path, ending: str) -> None:
    records = examples(package)
    found, expected = batch(package, records, tmp_path, ending), online(package, records)
    assert len(found) == len(records)
    assert found == expected


def test_a_batch_is_the_same_as_the_heavy_tier(package: Package, tmp_path: Path) -> None:
    records = examples(package)
    assert batch(package, records, tmp_path, "parquet") == heavy(package, records)


@pytest.mark.parametrize("version", ["1", "2"])
def test_rows_that_name_a_patient_are_the_same_as_requests_that_do(version: str) -> None:
    package, config = load_package(ROOT / "models/breast-cancer" / version), shipped()
    definitions = FeatureDefinitions(config.features)
    store = MemoryFeatureStore(definitions)
    writes = [each for _, each in read_file(ROOT / "examples/patients.csv", definitions, utc_now())]
    assert all(result.stored for result in store.write([each for each in writes if isinstance(each, FeatureWrite)]))
    with open_records(ROOT / "examples/patients.csv") as file:
        patients = [str(row.values["patient"]) for row in readable(file)]
    features = RowFeatures(package.manifest, definitions.entities, StoreReader(store, definitions))
    found = Scorer(Predictor(package), features=features).score(pa.RecordBatch.from_pydict({"patient": patients}))
    assert found.right.tolist() == list(range(len(patients)))
    answers = chosen_list(found, np.arange(len(patients)))
    assert answers == online(package, [{"patient": patient} for patient in patients], store)


def test_every_shipped_model_is_compared() -> None:
    assert {name.partition("/")[0] for name in NAMES} >= {*shipped().models, "tweet-sentiment-large"}
