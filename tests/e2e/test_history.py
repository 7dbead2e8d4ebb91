"""The history of features in the embedded AWS: joins answer what predictions were given, and skew is named."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.embedded import Aws, unused_port
from support.packages import make_tabular_package
from typer.testing import CliRunner

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State
from slipway.cli import app

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240.0
MODEL, GROUP, PATIENT = "tiny-tabular", "tumour", "p#1"
CONFIG = f"""
project: recorded
batch: {{enabled: false}}
monitoring: {{capture_retention_days: 1}}
models:
  {MODEL}: {{versions: [1], stable: 1, capture: {{sample: 1}}}}
features:
  {GROUP}:
    entity: patient
    ttl_days: 1
    history: true
    features: {{radius: {{type: float}}, smooth: {{type: float}}}}
  other: {{entity: patient, features: {{height: {{type: float}}}}}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a slipway.yaml with one recorded group."""
    folder = tmp_path_factory.mktemp("recorded")
    make_tabular_package(folder / f"models/{MODEL}/1")
    (folder / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[State]:
    """What is up; the commands find it from the project's folder."""
    environment = LocalEnvironment(ROOT, project / ".slipway", project / "slipway.yaml")
    yield environment.up(port=unused_port(), step=lambda _: nullcontext())
    environment.down()


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def command(project: Path, *arguments: str) -> str:
    """What `slipway …` prints in the project's folder."""
    with chdir(project):
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def write(api: httpx.Client, radius: float) -> None:
    now = datetime.now(UTC).isoformat()
    values = {GROUP: {"radius": radius}, "other": {"height": 1.8}}
    groups = {group: {"event_time": now, "values": each} for group, each in values.items()}
    answer = api.put("/v1/features/patient/p%231", json={"groups": groups})
    assert answer.status_code == 200, answer.text


def predict(api: httpx.Client) -> str:
    """A prediction of the patient, in a second without a write: the stream of this AWS tells whole seconds only."""
    _until_next_second()
    answer = api.post(f"/v1/models/{MODEL}/predict", json={"inputs": [{"patient": PATIENT, "age": 1}]})
    assert answer.status_code == 200, answer.text
    _until_next_second()
    return str(answer.json()["predictions"][0]["id"])


def _until_next_second() -> None:
    begun = int(time.time())
    until(lambda: int(time.time()) > begun)


def lines(aws: Aws, bucket: str, prefix: str) -> dict[str, list[dict[str, Any]]]:
    """The lines of the files below a prefix, by key."""
    s3 = aws("s3")
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        content = gzip.decompress(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
        found[entry["Key"]] = [json.loads(line) for line in content.splitlines()]
    return found


def test_a_join_answers_what_predictions_were_given_and_skew_is_named(
    project: Path, api: httpx.Client, aws: Aws, outputs: dict[str, str]
) -> None:
    write(api, 3.0)
    first = predict(api)
    write(api, 30.0)
    second = predict(api)

    def captured() -> dict[str, dict[str, Any]]:
        files = lines(aws, outputs["CaptureBucket"], "captures/")
        found = {capture["id"]: capture for rows in files.values() for capture in rows}
        return found if {first, second} <= found.keys() else {}

    captures = until(captured)
    until(lambda: sum(map(len, lines(aws, outputs["HistoryBucket"], "history/").values())) == 2)

    # The join answers for the times of the predictions what they were given.
    points = [{"patient": PATIENT, "time": captures[id]["time"] / 1000, "prediction": id} for id in (first, second)]
    (project / "points.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points), encoding="utf-8")
    command(project, "features", "history", GROUP, "--entities", "points.jsonl", "-o", "joined.jsonl")
    joined = [json.loads(line) for line in (project / "joined.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["radius"] for row in joined] == [captures[id]["inputs"]["radius"] for id in (first, second)] == [3, 30]

    # Nothing differs, until somebody alters a value.
    found = json.loads(command(project, "monitor", "skew", MODEL, "--json"))
    assert (found["rows"], found["differing"], found["unknown"]) == (2, 0, 0)
    alter(aws, outputs["CaptureBucket"], first)
    found = json.loads(command(project, "monitor", "skew", MODEL, "--json"))
    (difference,) = found["differences"]
    assert (difference["prediction"], difference["id"], difference["feature"]) == (first, PATIENT, "radius")
    assert (difference["served"], difference["expected"]) == (3.5, 3.0)


def alter(aws: Aws, bucket: str, prediction: str) -> None:
    """Change a feature of one captured prediction."""
    for key, rows in lines(aws, bucket, "captures/").items():
        for capture in rows:
            if capture["id"] == prediction:
                capture["inputs"]["radius"] += 0.5
        content = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
        aws("s3").put_object(Bucket=bucket, Key=key, Body=content)


def test_a_backfill_of_older_rows_is_joined_and_the_store_keeps_the_newer(
    project: Path, api: httpx.Client, aws: Aws, outputs: dict[str, str]
) -> None:
    (project / "old.csv").write_text("patient,event_time,radius\np#1,2026-01-01T00:00:00Z,1.5\n", encoding="utf-8")
    write(api, 40.0)
    added = json.loads(command(project, "features", "backfill", "old.csv", "--json"))
    assert added["added"] == 1
    (project / "points.csv").write_text("patient,time\np#1,2026-01-01T12:00:00Z\n", encoding="utf-8")
    command(project, "features", "history", GROUP, "--entities", "points.csv", "-o", "joined.csv")
    assert (project / "joined.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[2] == "1.5"
    stored = api.get("/v1/features/patient/p%231").json()["groups"][GROUP]["values"]
    assert stored == {"radius": 40.0}
    compacted = json.loads(command(project, "features", "compact", GROUP, "--json"))
    assert [(day["day"], day["rows"]) for day in compacted["days"]] == [("2026-01-01", 1)]


def test_a_deleted_row_is_gone_from_then_on(
    project: Path, api: httpx.Client, aws: Aws, outputs: dict[str, str]
) -> None:
    write(api, 50.0)
    predict(api)
    before = time.time()
    _until_next_second()
    key = {"pk": {"S": f"patient#{PATIENT}"}, "sk": {"S": GROUP}}
    aws("dynamodb").delete_item(TableName=outputs["FeaturesTable"], Key=key)

    def deleted() -> bool:
        files = lines(aws, outputs["HistoryBucket"], f"history/group={GROUP}/lines/").values()
        return any(row["change"] == "delete" for rows in files for row in rows)

    until(deleted)
    _until_next_second()  # nobody says when in its second a row was deleted
    points = [{"patient": PATIENT, "time": at} for at in (before, time.time())]
    (project / "points.jsonl").write_text("".join(json.dumps(point) + "\n" for point in points), encoding="utf-8")
    command(project, "features", "history", GROUP, "--entities", "points.jsonl", "-o", "joined.jsonl")
    joined = [json.loads(line) for line in (project / "joined.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["radius"] for row in joined] == [50.0, None]
