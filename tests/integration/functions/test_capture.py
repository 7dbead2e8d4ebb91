"""The function `capture`, given events as CloudWatch Logs sends them."""

import base64
import gzip
import importlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.lambda_context import CallContext

from functions.capture.settings import Settings
from slipway.aws.table import lazy_client
from slipway.errors import ConfigError, MalformedError, UnavailableError
from slipway.monitoring.accuracy.labels import Accuracy
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.index import MOST_OF_AN_ENTITY
from slipway.monitoring.entities.index_table import DynamoEntityIndex
from slipway.monitoring.feedback.prediction_ids import PredictionId, new_random
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore

ENVIRONMENT = {"SLIPWAY_CAPTURE_BUCKET": "captures", "SLIPWAY_CONTROL_TABLE": "control"}
FOLDER = "captures/model=tiny-sentiment/date=2026-11-21/hour=12"


@pytest.fixture
def handle(aws: None, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    file = bundle / "slipway.yaml"
    captured = "tiny-sentiment: {capture: {sample: 0.1}, "
    file.write_text(file.read_text(encoding="utf-8").replace("tiny-sentiment: {", captured), encoding="utf-8")
    for name, value in {**ENVIRONMENT, "LAMBDA_TASK_ROOT": str(bundle)}.items():
        monkeypatch.setenv(name, value)
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3").create_bucket(Bucket="captures", CreateBucketConfiguration=place)
    return importlib.reload(importlib.import_module("functions.capture.handler")).handler


def stored() -> dict[str, list[dict[str, Any]]]:
    """The captures in the bucket, by key."""
    s3 = boto3.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="captures").get("Contents", [])]
    contents = {key: s3.get_object(Bucket="captures", Key=key)["Body"].read() for key in keys}
    return {key: [json.loads(line) for line in gzip.decompress(text).splitlines()] for key, text in contents.items()}


def subscription(
    *predictions: PredictionId, kept: bool = True, entities: dict[str, str] | None = None
) -> dict[str, Any]:
    """An event with a capture, labelled positive, of each prediction."""
    lines = [
        capture_line(
            prediction_id=str(each),
            model=each.model,
            version=each.version,
            time_ms=int(each.made_at.timestamp() * 1000),
            request_id="r",
            inputs={"text": "good"},
            outputs={"label": "positive"},
            entities=entities,
            kept=kept,
        )
        for each in predictions
    ]
    events = [{"id": str(place), "timestamp": 5, "message": line} for place, line in enumerate(lines)]
    where = {"owner": "123456789012", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"]}
    content = {"messageType": "DATA_MESSAGE", **where, "logEvents": events}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()}}


def counted() -> Accuracy:
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    return DynamoFeedbackStore("control").accuracy("tiny-sentiment", 1, now - hour, now + hour)


def test_captures_of_a_log_become_a_file_once(
    handle: Any, event: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert handle(event("subscription"), CallContext()) == {"captures": 2, "broken": 1, "not_indexed": 0}
    ((key, captures),) = stored().items()
    assert key.rpartition("/")[0] == FOLDER
    assert [(each["id"][-1], each["outputs"]["label"]) for each in captures] == [("1", "positive"), ("2", "negative")]
    assert captures[0]["inputs"] == {"text": "good sunny \u2028 capture"}
    assert "sunny" not in "".join(capsys.readouterr())


def test_a_label_that_was_there_before_and_one_that_comes_after_are_counted(handle: Any) -> None:
    early, late = (PredictionId("tiny-sentiment", 1, new_random()) for _ in range(2))
    feedback = DynamoFeedbackStore("control")
    feedback.put(Feedback(early, label="negative"))
    for _ in range(2):
        handle(subscription(early, late), CallContext())
    feedback.put(Feedback(late, label="positive"))
    assert counted() == Accuracy(2, 1)


def test_a_label_waits_as_long_as_the_file_is_kept(handle: Any) -> None:
    prediction = PredictionId("tiny-sentiment", 1, new_random())
    handle(subscription(prediction), CallContext())
    key = {"pk": {"S": f"feedback#{prediction}"}, "sk": {"S": "capture"}}
    item = lazy_client()().get_item(TableName="control", Key=key)["Item"]
    assert int(item["expires_at"]["N"]) == int((prediction.made_at + timedelta(days=30)).timestamp())


@pytest.mark.parametrize(("model", "kept"), [("tiny-tabular", True), ("tiny-sentiment", False)])
def test_captures_of_other_models_and_those_for_shadows_only_are_not_kept(handle: Any, model: str, kept: bool) -> None:
    captured = subscription(PredictionId(model, 1, new_random()), kept=kept)
    assert handle(captured, CallContext()) == {"captures": 0, "broken": 0, "not_indexed": 0}
    assert stored() == {}
    assert lazy_client()().scan(TableName="control")["Items"] == []


def test_entities_are_indexed_and_what_is_left_out_is_counted(
    handle: Any, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = bundle / "slipway.yaml"
    by_entity = "capture: {sample: 0.1, by: entity}"
    file.write_text(file.read_text(encoding="utf-8").replace("capture: {sample: 0.1}", by_entity), encoding="utf-8")
    handle = importlib.reload(importlib.import_module("functions.capture.handler")).handler
    predictions = [PredictionId("tiny-sentiment", 1, new_random()) for _ in range(MOST_OF_AN_ENTITY + 3)]
    answer = handle(subscription(*predictions, entities={"user": "u42"}), CallContext())
    assert answer == {"captures": MOST_OF_AN_ENTITY + 3, "broken": 0, "not_indexed": 3}
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "NotIndexed" in text]
    assert (line["NotIndexed"], line["Project"]) == (3, "demo")
    assert len(list(DynamoEntityIndex("control").newest(Subject("user", "u42")))) == MOST_OF_AN_ENTITY


def test_what_cannot_be_kept_fails_the_call(handle: Any) -> None:
    prediction = PredictionId("tiny-sentiment", 1, new_random())
    s3 = boto3.client("s3")
    s3.delete_bucket(Bucket="captures")
    with pytest.raises(UnavailableError, match="bucket of captures"):
        handle(subscription(prediction), CallContext())
    s3.create_bucket(Bucket="captures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    lazy_client()().delete_table(TableName="control")
    with pytest.raises(UnavailableError, match="control table"):
        handle(subscription(prediction), CallContext())
    assert len(stored()) == 1


def test_what_is_no_event_fails_the_call(handle: Any) -> None:
    with pytest.raises(MalformedError, match="awslogs"):
        handle({"Records": []}, CallContext())


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_CAPTURE_BUCKET"):
        Settings.of({"SLIPWAY_CONTROL_TABLE": "control"})
    assert Settings.of({**ENVIRONMENT, "LAMBDA_TASK_ROOT": "/var/task"}).bucket == "captures"
