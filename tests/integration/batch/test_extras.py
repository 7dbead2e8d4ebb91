"""A job in the account with features, precomputed answers and profiles, by its function and by its task, in moto."""

import importlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.golden import flip_a_bit, with_golden
from support.lambda_context import CallContext
from support.moto_account import use_test_credentials
from support.packages import make_tabular_package

from container import batch as task
from slipway.aws.table import lazy_client
from slipway.batch.account.runs import Run
from slipway.batch.extras import AskedExtras
from slipway.batch.features import FeaturesFrom
from slipway.batch.job import Job
from slipway.batch.local import LocalJob, run
from slipway.batch.stores import Stores
from slipway.config import Config, load_config
from slipway.errors import ConflictError, GoldenError, SlipwayError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.features.history.bucket import HistoryBucket
from slipway.features.history.files import pack_rows
from slipway.features.history.rows import Change, HistoryRow
from slipway.features.precomputed import precomputed_key
from slipway.features.precomputed_table import DynamoPrecomputed
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.models.package import load_package
from slipway.models.registry.bucket import s3_client

NOW = datetime(2026, 11, 27, 12, 0, 7, tzinfo=UTC)
CONFIG = """
project: demo
models:
  tiny-tabular: {versions: [1], stable: 1, cache: {precomputed: patient}, capture: {sample: 1, reservoir: 5}}
  tiny-heavy: {tier: heavy, versions: [1], stable: 1, cache: {precomputed: patient}, heavy: {cpu: 1}}
features:
  tumour: {entity: patient, history: true, features: {radius: {type: float}, smooth: {type: float}}}
"""
FIELDS = [{"name": "radius", "type": "float", "group": "tumour"}, {"name": "smooth", "type": "float", "default": 1.0}]
NAMES = {
    "SLIPWAY_BATCH_BUCKET": "jobs",
    "SLIPWAY_CONTROL_TABLE": "control",
    "SLIPWAY_MODEL_BUCKET": "packages",
    "SLIPWAY_FEATURES_TABLE": "features",
    "SLIPWAY_HISTORY_BUCKET": "histories",
    "SLIPWAY_PREDICTIONS_TABLE": "predictions",
}
PATIENTS = {f"p{number}": float(number) for number in range(20)}
EXTRAS = AskedExtras(features=FeaturesFrom.STORE, precompute="patient", ttl=timedelta(hours=3))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a slipway.yaml with a model of each tier, and its tables and buckets in moto."""
    (tmp_path / "slipway.yaml").write_text(CONFIG)
    for name in ("tiny-tabular", "tiny-heavy"):
        make_tabular_package(tmp_path / "models" / name / "1", name=name, fields=FIELDS)
    use_test_credentials(monkeypatch)
    for name, value in {**NAMES, "LAMBDA_TASK_ROOT": str(tmp_path), "SLIPWAY_ROOT": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for name in ("jobs", "packages", "histories"):
            boto3.client("s3").create_bucket(Bucket=name)
        for table in ("features", "predictions", "control"):
            keys = {"pk": "HASH"} if table == "predictions" else {"pk": "HASH", "sk": "RANGE"}
            boto3.client("dynamodb").create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                BillingMode="PAY_PER_REQUEST",
            )
        yield tmp_path


@pytest.fixture
def config(root: Path) -> Config:
    return load_config(root / "slipway.yaml")


Step = Callable[..., dict[str, Any]]


def opened(root: Path) -> Step:
    """Calls the function of the steps, opened on a slipway.yaml; answers and events are JSON, as in an account."""
    module = importlib.import_module("functions.batch.handler")
    handle = module.make_handler(module.Settings.of({**NAMES, "LAMBDA_TASK_ROOT": str(root)}))

    def call(name: str, **event: Any) -> dict[str, Any]:
        answered: dict[str, Any] = json.loads(json.dumps(handle({"step": name, **event}, CallContext())))
        return answered

    return call


@pytest.fixture
def step(root: Path) -> Step:
    return opened(root)


def plan(step: Step, asked: Run, execution: str = "job-1") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The planned run, and the shards that are missing."""
    event = asked.model_dump(mode="json", exclude_none=True)
    planned = step("plan", run=event, execution=execution, started=NOW.isoformat())
    lines = boto3.client("s3").get_object(Bucket="jobs", Key=planned["items"])["Body"].read().splitlines()
    return planned["run"], [json.loads(line) for line in lines]


def stored(prefix: str = "jobs/job-1/") -> dict[str, bytes]:
    s3 = boto3.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="jobs", Prefix=prefix).get("Contents", ())]
    return {key.removeprefix(prefix): s3.get_object(Bucket="jobs", Key=key)["Body"].read() for key in keys}


def on_one_machine(config: Config, root: Path, model: str, source: str) -> dict[str, bytes]:
    """What the same job makes in a folder, over the same tables."""
    (root / "in.csv").write_text(source)
    job = Job.model_validate_json(stored()["_job.json"])
    stores = Stores(config.features, "features", "histories", "predictions")
    asked = LocalJob(
        root / "models" / model / "1", root / "in.csv", root / "out", extras=job.extras, stores=stores, most_rejected=1
    )
    run(asked, now=NOW)
    files = (path for path in (root / "out").rglob("*") if path.is_file())
    return {path.relative_to(root / "out").as_posix(): path.read_bytes() for path in files}


def asked_for(model: str, source: str, extras: AskedExtras) -> Run:
    boto3.client("s3").put_object(Bucket="jobs", Key="inputs/x/in.csv", Body=source.encode())
    return Run(model=model, source="s3://jobs/inputs/x/", job="job-1", version=1, most_rejected=1, extras=extras)


@pytest.fixture
def patients(config: Config) -> str:
    """Rows that name patients, of whom all but one have features in the store."""
    store = DynamoFeatureStore("features", FeatureDefinitions(config.features), client=lazy_client())
    keys = {FeatureKey("patient", id_, "tumour"): radius for id_, radius in PATIENTS.items()}
    assert all(done.stored for done in store.write([FeatureWrite(key, {"radius": r}, NOW) for key, r in keys.items()]))
    return "patient\nnobody\n" + "".join(f"{id_}\n" for id_ in PATIENTS)


def precomputed(model: str) -> dict[str, str]:
    """The label that the API answers for each patient."""
    keys = {precomputed_key(model, 1, "patient", id_): id_ for id_ in PATIENTS}
    found = DynamoPrecomputed("predictions", client=lazy_client()).get(keys)
    return {keys[key]: str(json.loads(json.dumps(each.output))["label"]) for key, each in found.items()}


LABELS = {id_: "yes" if radius + 1 > 10 else "no" for id_, radius in PATIENTS.items()}


def test_the_function_reads_features_precomputes_and_profiles_as_one_machine_does(
    root: Path, config: Config, step: Step, patients: str
) -> None:
    planned, shards = plan(step, asked_for("tiny-tabular", patients, EXTRAS))
    for shard in shards:
        step("score", run=planned, shard=shard)
    ended = step("finish", run=planned)

    counts = {"rows": 21, "scored": 20, "rejected": 1, "precomputed": 20, "sampled": 20, "parts": 1}
    assert ended == counts
    assert precomputed("tiny-tabular") == LABELS
    content = stored()
    assert {"_profile.json", "_SUCCESS"} <= content.keys()
    [captures] = [text for name, text in content.items() if name.startswith("_captures/")]
    assert len(captures.splitlines()) == 5
    assert content == on_one_machine(config, root, "tiny-tabular", patients)


def test_a_task_does_the_same_with_a_heavy_model(
    root: Path,
    config: Config,
    step: Step,
    patients: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned, shards = plan(step, asked_for("tiny-heavy", patients, EXTRAS.model_copy(update={"sample": 1.0})))
    monkeypatch.setenv("SLIPWAY_BATCH_RUN", json.dumps(planned))
    for shard in shards:
        monkeypatch.setenv("SLIPWAY_BATCH_SHARD", str(shard["number"]))
        assert task.main([]) == 0
    ended = step("finish", run=planned)

    assert (ended["scored"], ended["precomputed"], ended["sampled"]) == (20, 20, 20)
    assert precomputed("tiny-heavy") == LABELS
    assert stored() == on_one_machine(config, root, "tiny-heavy", patients)


def with_a_flipped_bit(root: Path, model: str) -> None:
    flip_a_bit(with_golden(load_package(root / "models" / model / "1")))


def golden_failures(printed: str) -> list[tuple[str, str, int]]:
    lines = [json.loads(line) for line in printed.splitlines() if "GoldenFailures" in line]
    return [(line["Model"], line["Version"], line["GoldenFailures"]) for line in lines]


def test_the_function_scores_nothing_with_a_version_that_does_not_prove_itself(
    root: Path, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    with_a_flipped_bit(root, "tiny-tabular")
    planned, [shard] = plan(step, asked_for("tiny-tabular", "patient,radius\np1,2\n", AskedExtras()))
    with pytest.raises(GoldenError, match=r"expected .* found .* the record is"):
        step("score", run=planned, shard=shard)
    assert golden_failures(capsys.readouterr().out) == [("tiny-tabular", "1", 1)]
    assert not any(name.startswith("shard-") for name in stored())


def test_a_task_scores_nothing_with_a_version_that_does_not_prove_itself(
    root: Path,
    step: Step,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with_a_flipped_bit(root, "tiny-heavy")
    planned, [shard] = plan(step, asked_for("tiny-heavy", "patient,radius\np1,2\n", AskedExtras()))
    monkeypatch.setenv("SLIPWAY_BATCH_RUN", json.dumps(planned))
    monkeypatch.setenv("SLIPWAY_BATCH_SHARD", str(shard["number"]))
    before = stored()
    assert task.main([]) == 1
    assert "the shard was not scored: " in caplog.text
    assert "golden.json" in caplog.text
    assert golden_failures(capsys.readouterr().out) == [("tiny-heavy", "1", 1)]
    assert stored() == before


def test_features_come_from_the_history_as_they_were(root: Path, config: Config, step: Step) -> None:
    at = int(NOW.timestamp() * 1000)
    rows = [
        HistoryRow("tumour", "patient", "p1", Change.WRITE, at + hours * 3_600_000, f"{hours:040}", at, None, text)
        for hours, text in ((0, '{"radius": 2.0}'), (2, '{"radius": 20.0}'))
    ]
    files = HistoryBucket("histories", s3_client())
    for key, content in pack_rows(rows).items():
        files.put(key, content)
    times = [(NOW + timedelta(hours=hours)).isoformat() for hours in (-1, 1, 3)]
    source = "patient,time\n" + "".join(f"p1,{time}\n" for time in times)
    asked = asked_for("tiny-tabular", source, AskedExtras(features=FeaturesFrom.HISTORY, sample=0))

    planned, shards = plan(step, asked)
    for shard in shards:
        step("score", run=planned, shard=shard)
    ended = step("finish", run=planned)

    assert (ended["scored"], ended["rejected"]) == (2, 1)
    assert json.loads(stored()["_SUCCESS"])["labels"] == {"no": 1, "yes": 1}
    assert stored() == on_one_machine(config, root, "tiny-tabular", source)


@pytest.mark.parametrize(
    ("extras", "slipway_yaml", "said"),
    [
        ({"features": "history"}, ("history: true, ", ""), "feature group tumour has no history"),
        ({"precompute": "patient"}, ("cache: {precomputed: patient}, ", ""), "cache.precomputed to patient"),
        ({"ttl": "PT3H"}, ("", ""), "--ttl: is for precomputed answers"),
        ({"time_column": "at"}, ("", ""), "--time-column: is for features as they were"),
        ({"features": "history", "time_column": "at"}, ("", ""), "has no column at"),
        ({"features": "store"}, ("tumour:", "other:"), "features.tumour: is not defined"),
    ],
)
def test_the_plan_says_what_cannot_be(
    root: Path, extras: dict[str, Any], slipway_yaml: tuple[str, str], said: str
) -> None:
    (root / "slipway.yaml").write_text(CONFIG.replace(*slipway_yaml) if slipway_yaml[0] else CONFIG)
    asked = asked_for("tiny-tabular", "patient\np1\n", AskedExtras.model_validate(extras))
    with pytest.raises(SlipwayError, match=said):
        plan(opened(root), asked)
    assert "_manifest.jsonl" not in stored()


def test_a_rerun_samples_as_the_first_run_did(root: Path, step: Step, patients: str) -> None:
    asked = asked_for("tiny-tabular", patients, EXTRAS)
    plan(step, asked)
    (root / "slipway.yaml").write_text(CONFIG.replace("sample: 1, reservoir: 5", "sample: 0.5, reservoir: 7"))
    again = opened(root)
    planned, [shard] = plan(again, asked, "job-1_2")
    again("score", run=planned, shard=shard)
    assert again("finish", run=planned)["sampled"] == 20

    other = asked.model_copy(update={"extras": EXTRAS.model_copy(update={"sample": 0.25})})
    with pytest.raises(ConflictError, match="in another package or with other options"):
        plan(again, other, "job-1_3")
