"""A console of a captured model, over a bucket and tables in moto."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import pytest
from moto import mock_aws
from starlette.testclient import TestClient
from support.calibrated import MODEL, answers, calibration, captures_of
from support.moto_account import use_test_credentials
from support.packages import make_text_package

from slipway.aws.table import DynamoTable
from slipway.cli.api import Api, ApiError
from slipway.cli.deployed import Deployed
from slipway.console.app import create_app
from slipway.console.settings import ConsoleSettings
from slipway.console.workspace import Workspace
from slipway.errors import ConflictError
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import Package, load_package, seal_package
from slipway.monitoring.accuracy.labels import captured_labels
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.accuracy.score_sums import score_summing
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture, pack
from slipway.monitoring.entities.index import indexed
from slipway.monitoring.entities.index_table import DynamoEntityIndex
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "<img src=x onerror=alert(1)>"
COUNT = 40
CONFIG = f"""
project: demo
models:
  {MODEL}: {{versions: [1], stable: 1, capture: {{sample: 1.0, by: entity, entity: user}}}}
  unwatched: {{versions: [1], stable: 1}}
features:
  user-profile:
    entity: user
    ttl_days: 30
    features: {{age: {{type: integer, default: 0, description: in years}}}}
"""
OUTPUTS = {
    "ApiUrl": "https://demo.execute-api.us-east-1.amazonaws.com",
    "CaptureBucket": "captures",
    "ControlTable": "control",
    "ModelBucket": "models",
    "FeaturesTable": "features",
    "PredictionsTable": "predictions",
}


class FakeApi:
    """The API's feedback and features routes, over the same tables."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.store = DynamoFeedbackStore("control")
        self.lock = Lock()

    def get(self, path: str) -> Any:
        assert path == "/v1/features/user/u1"
        row = {"values": {"age": 7}, "event_time": (datetime.now(UTC) - timedelta(days=29)).isoformat()}
        return {"entity": "user", "id": "u1", "groups": {"user-profile": row}}

    def call_patiently(self, method: str, path: str, body: dict[str, Any]) -> Any:
        assert (method, path) == ("POST", "/v1/feedback")
        with self.lock:  # moto's table takes one write at a time
            return self._stored(body)

    def _stored(self, body: dict[str, Any]) -> Any:
        self.sent.append(body)
        answer = {name: body.get(name) for name in ("label", "value", "probability")}
        try:
            stored = self.store.put(Feedback(parse_prediction_id(body["prediction_id"]), **answer))
        except ConflictError as error:
            raise ApiError(409, {"title": str(error)}) from error
        return {"status": "stored" if stored else "already stored"}


class LocalWorkspace(Workspace):
    """A workspace whose deployment is in moto."""

    fake: FakeApi

    def deployed(self) -> Deployed:
        return Deployed("this account", OUTPUTS)

    def api(self) -> Api:
        return self.fake  # type: ignore[return-value]


@pytest.fixture
def hour() -> datetime:
    """An hour that is over."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A version whose scores are calibrated."""
    made = make_text_package(tmp_path / "models" / MODEL / "1")
    write_calibration(made.folder / "calibration.json", calibration())
    seal_package(made.folder, made.manifest.model_dump(mode="json", exclude_unset=True))
    return load_package(made.folder)


@pytest.fixture
def captures(hour: datetime, package: Package, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Capture]]:
    """An hour of captures of two users, as the functions leave it; the first text is HTML."""
    use_test_credentials(monkeypatch)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = [_told(each, place) for place, each in enumerate(captures_of(answers(COUNT, seed=5), hour))]
    with mock_aws():
        _create()
        bucket = CaptureBucket("captures")
        for key, content in pack(made).items():
            bucket.put(key, content)
        control = DynamoTable("control", dependency="control table")
        DynamoLabelStore(control).captured(captured_labels(made, timedelta(days=30)))
        DynamoEntityIndex("control").add(indexed(made, {MODEL: "user"}, timedelta(days=30))[0])
        profile = profile_of(package, made, start=hour, minutes=60, sums=score_summing(package))
        BucketProfiles(bucket).write(profile)
        yield made


def _told(capture: Capture, place: int) -> Capture:
    text = HOSTILE if place == 0 else f"text number {place}"
    return capture.model_copy(update={"inputs": {"text": text}, "entities": {"user": f"u{place % 2}"}})


def _create() -> None:
    for bucket in ("captures", "models"):
        boto3.client("s3").create_bucket(Bucket=bucket)
        boto3.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for table in ("control", "features"):
        _table(table, "pk", "sk")
    _table("predictions", "pk")


def _table(name: str, *keys: str) -> None:
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def settings() -> ConsoleSettings:
    """A console that may change things."""
    return ConsoleSettings(port=8081, node_modules=ROOT / "node_modules")


@pytest.fixture
def workspace(captures: list[Capture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalWorkspace:
    """The project of the captures."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    found = LocalWorkspace(Path("slipway.yaml"))
    found.fake = FakeApi()
    return found


@pytest.fixture
def client(settings: ConsoleSettings, workspace: LocalWorkspace) -> Iterator[TestClient]:
    """A browser without scripts; it sends what a page's form would."""
    with ExitStack() as stack:
        app = create_app(settings, workspace)
        yield stack.enter_context(TestClient(app, base_url=settings.address, follow_redirects=True))
