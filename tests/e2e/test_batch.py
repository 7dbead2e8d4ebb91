"""Batch jobs in the embedded AWS: light models in functions, heavy ones in tasks, and jobs that were stopped."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.embedded import Aws, unused_port
from support.packages import make_tabular_package, make_text_package
from typer.testing import CliRunner

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State
from slipway.batch import steps
from slipway.batch.folders import InputFolder, OutputFolder
from slipway.batch.job import Job
from slipway.batch.parts import OutputFormat
from slipway.batch.scoring import Scorer
from slipway.cli import app
from slipway.config import load_config
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.features.precomputed import precomputed_key
from slipway.features.precomputed_table import DynamoPrecomputed
from slipway.features.store import FeatureKey, FeatureWrite, utc_now
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240.0
SHARDS, SHARD_ROWS = 24, 10
# A shard takes 120 s, or would by this latency.
LATENCY_MS = 12_000
CONFIG = f"""
project: batched
batch: {{ concurrency: 2 }}
models:
  tiny-tabular: {{ versions: [1], stable: 1, gates: {{ max_latency_ms: {LATENCY_MS} }} }}
  tiny-ahead: {{ versions: [1], stable: 1, cache: {{ precomputed: patient }}, capture: {{ sample: 1 }} }}
  tiny-large: {{ tier: heavy, versions: [1], stable: 1, heavy: {{ cpu: 0.25, memory_mb: 512 }} }}
features:
  tumour: {{ entity: patient, features: {{ radius: {{ type: float }}, smooth: {{ type: float }} }} }}
"""

AHEAD = [{"name": "radius", "type": "float", "group": "tumour"}, {"name": "smooth", "type": "float", "default": 1.0}]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a slipway.yaml with a model of each tier, and inputs of several shards."""
    folder = tmp_path_factory.mktemp("batched")
    make_tabular_package(folder / "models/tiny-tabular/1")
    make_tabular_package(folder / "models/tiny-ahead/1", name="tiny-ahead", fields=AHEAD)
    make_text_package(folder / "models/tiny-large/1", name="tiny-large", version=1)
    (folder / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    rows = SHARDS * SHARD_ROWS
    columns = {"radius": [n / 10 for n in range(rows)], "smooth": [0.1] * rows, "age": list(range(rows))}
    (folder / "patients").mkdir()
    pq.write_table(pa.table(columns), folder / "patients/all.parquet", row_group_size=SHARD_ROWS)
    texts = [json.dumps({"text": f"good day {n}"}) for n in range(30)]
    (folder / "tweets.jsonl").write_text("\n".join([*texts, '{"text": 1}']) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[State]:
    """What is up; the commands find it from the project's folder."""
    environment = LocalEnvironment(ROOT, project / ".slipway", project / "slipway.yaml")
    yield environment.up(port=unused_port(), step=lambda _: nullcontext())
    environment.down()


@pytest.fixture
def slipway(running: State, project: Path) -> Iterator[Callable[..., Any]]:
    """Runs `slipway batch … --json` in the project and gives what it prints."""

    def run(*arguments: str) -> Any:
        done = CliRunner().invoke(app, ["batch", *arguments, "--json"])
        return json.loads(done.stdout.splitlines()[-1])

    with chdir(project):
        yield run


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)
    return found


class Output:
    """The objects of a job's output."""

    def __init__(self, aws: Aws, bucket: str, job: str) -> None:
        self._s3, self._bucket, self._prefix = aws("s3"), bucket, f"jobs/{job}/"

    def content(self) -> dict[str, bytes]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {key.removeprefix(self._prefix): self._read(key) for key in keys}

    def parts(self) -> set[str]:
        return {name for name in self.content() if name.startswith("part-")}

    def table(self) -> pa.Table:
        content = self.content()
        return pa.concat_tables(pq.read_table(io.BytesIO(content[name])) for name in sorted(self.parts()))

    def _read(self, key: str) -> bytes:
        content: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content


@pytest.fixture
def output_of(aws: Aws, outputs: dict[str, str]) -> Callable[[str], Output]:
    return lambda job: Output(aws, outputs["BatchBucket"], job)


def undisturbed(project: Path, job: str, target: Path) -> dict[str, bytes]:
    """What one process makes of the input as the job with this ``_job.json``."""
    package = load_package(project / "models/tiny-tabular/1")
    inputs, outputs = InputFolder(project / "patients"), OutputFolder(target)
    target.mkdir()
    (target / "_job.json").write_text(job, encoding="utf-8")
    begun = steps.begin(Job.of(package, OutputFormat.PARQUET, None, datetime.now(UTC)), outputs)
    shards = steps.plan(inputs, outputs, package.manifest, most_rows=SHARD_ROWS)
    scorer = Scorer(Predictor(package))
    for shard in shards:
        steps.score(begun, shard, inputs, outputs, scorer)
    steps.finish(begun, shards, outputs)
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_a_job_that_is_stopped_and_run_again_ends_as_if_it_had_not_been(
    slipway: Callable[..., Any], output_of: Callable[[str], Output], project: Path, tmp_path: Path
) -> None:
    job = slipway("run", "tiny-tabular", "patients", "--detach")["job"]
    output = output_of(job)
    until(output.parts)

    assert slipway("cancel", job)["status"] == "ABORTED"
    until(lambda: slipway("status", job)["shards"]["running"] == 0)
    early = output.content()
    assert 0 < len(output.parts()) < SHARDS
    assert "_SUCCESS" not in early

    ended = slipway("rerun", job)

    assert (ended["status"], ended["rows"], ended["parts"]) == ("SUCCEEDED", SHARDS * SHARD_ROWS, SHARDS)
    # Only what was missing was begun again.
    done = sum(name.startswith("_outcomes/") for name in early)
    assert ended["shards"]["total"] == SHARDS - done
    content = output.content()
    assert content == undisturbed(project, content["_job.json"].decode(), tmp_path / "alone")
    assert [each["runs"] for each in slipway("list") if each["job"] == job] == [2]


def test_a_heavy_model_scores_in_tasks_of_its_image(
    slipway: Callable[..., Any], output_of: Callable[[str], Output]
) -> None:
    ended = slipway("run", "tiny-large", "tweets.jsonl", "--max-rejected", "0.1")

    assert (ended["status"], ended["scored"], ended["rejected"]) == ("SUCCEEDED", 30, 1)
    output = output_of(ended["job"])
    assert output.table()["prediction_version"].to_pylist() == [1] * 30
    (rejected,) = [text for name, text in output.content().items() if name.startswith("rejected/")]
    assert json.loads(rejected)["row"] == 31


def test_features_come_from_the_store_and_answers_are_there_ahead_of_requests(
    slipway: Callable[..., Any], output_of: Callable[[str], Output], project: Path, aws: Aws, outputs: dict[str, str]
) -> None:
    groups = load_config(project / "slipway.yaml").features
    store = DynamoFeatureStore(outputs["FeaturesTable"], FeatureDefinitions(groups), client=lambda: aws("dynamodb"))
    radii = {"p1": 1.0, "p2": 20.0}
    writes = [FeatureWrite(FeatureKey("patient", id_, "tumour"), {"radius": r}, utc_now()) for id_, r in radii.items()]
    assert all(result.stored for result in store.write(writes))
    (project / "known.csv").write_text("patient\np1\np2\nnobody\n", encoding="utf-8")

    options = ("--features", "store", "--precompute", "patient", "--max-rejected", "0.5")
    ended = slipway("run", "tiny-ahead", "known.csv", *options)

    counts = {name: ended[name] for name in ("scored", "rejected", "precomputed", "sampled")}
    assert (ended["status"], counts) == ("SUCCEEDED", {"scored": 2, "rejected": 1, "precomputed": 2, "sampled": 2})
    assert json.loads(output_of(ended["job"]).content()["_profile.json"])["records"] == 2
    keys = [precomputed_key("tiny-ahead", 1, "patient", id_) for id_ in radii]
    found = DynamoPrecomputed(outputs["PredictionsTable"], client=lambda: aws("dynamodb")).get(keys)
    assert [found[key].inputs for key in keys] == [{"radius": r, "smooth": 1.0} for r in radii.values()]


def test_a_job_that_fails_says_why(slipway: Callable[..., Any], project: Path) -> None:
    (project / "wrong.csv").write_text("radius\n1\n", encoding="utf-8")

    ended = slipway("run", "tiny-tabular", "wrong.csv")

    assert ended["status"] == "FAILED"
    assert ended["reason"] == "wrong.csv: has no column age, which tiny-tabular 1 needs"
    assert slipway("status", ended["job"])["reason"] == ended["reason"]
