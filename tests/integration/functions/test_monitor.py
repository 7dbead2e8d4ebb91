"""The function `monitor`, called by the clock, over a bucket of captures."""

import importlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.calibrated import calibration
from support.captures import capture
from support.lambda_context import CallContext
from support.packages import make_text_package

from functions.monitor.settings import Settings
from slipway.errors import ConfigError, UnavailableError
from slipway.models.gates.rules import Check, GateResult
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import load_package, read_manifest, seal_package
from slipway.models.registry.bucket import S3ObjectStore
from slipway.models.registry.registry import Registry
from slipway.models.registry.table import DynamoVersionTable
from slipway.models.registry.versions import Origin
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import pack
from slipway.monitoring.event_bus import EventBus
from slipway.monitoring.lease import Lease
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.steps import Event

ENVIRONMENT = {
    "SLIPWAY_CAPTURE_BUCKET": "captures",
    "SLIPWAY_CONTROL_TABLE": "control",
    "SLIPWAY_MODEL_BUCKET": "models",
    "SLIPWAY_ALARM_TOPIC": "arn:aws:sns:us-east-1:123456789012:alarms",
    "AWS_REGION": "eu-west-1",
}
MODEL = "tiny-sentiment"
NOW = datetime.now(UTC)
CONTEXT = CallContext(seconds_left=900)


@pytest.fixture
def handle(aws: None, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    file = bundle / "slipway.yaml"
    text = file.read_text(encoding="utf-8").replace("tiny-sentiment: {", "tiny-sentiment: {capture: {sample: 0.1}, ")
    file.write_text(f"{text}monitoring: {{minutes: 5}}\n", encoding="utf-8")
    for name, value in {**ENVIRONMENT, "LAMBDA_TASK_ROOT": str(bundle)}.items():
        monkeypatch.setenv(name, value)
    place = {"LocationConstraint": "eu-west-1"}
    for name in ("captures", "models"):
        boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return importlib.reload(importlib.import_module("functions.monitor.handler")).handler


def put(count: int, *, version: int = 1, ago: timedelta = timedelta(hours=1)) -> None:
    made = [
        capture(
            number,
            inputs={"text": f"good {number}"},
            outputs={"label": "positive", "score": 0.9},
            at=NOW - ago,
            model=MODEL,
            version=version,
        )
        for number in range(count)
    ]
    for key, content in pack(made).items():
        CaptureBucket("captures").put(key, content)


def records(version: int = 1) -> int:
    store = BucketProfiles(CaptureBucket("captures"))
    return sum(each.records for each in store.read(MODEL, version, NOW - timedelta(hours=3), NOW))


def test_a_run_makes_profiles_and_a_second_one_nothing(handle: Any) -> None:
    put(20)
    assert handle({}, CONTEXT) == {"profiles": 1, "found": 3, "skipped": False}
    assert records() == 20
    assert handle({}, CONTEXT) == {"profiles": 0, "found": 0, "skipped": False}


def test_metrics_are_lines_of_the_log(handle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(20)
    handle({}, CONTEXT)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [
        {name: value for name, value in line.items() if name not in ("_aws", "Project", "Model")} for line in lines
    ]
    # Steps write zeros, too: an alarm stands until they do. Whether an hour of drift is over depends on the clock.
    counted = [line for line in found if "DriftedColumns" not in line]
    assert counted == [{"Version": "1", "ProfiledRecords": 20}, {"ProfilesMade": 1}]
    capsys.readouterr()
    handle({}, CONTEXT)
    assert capsys.readouterr().out == ""


def test_accuracy_is_estimated_of_a_version_with_a_calibration(
    bundle: Path, handle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bundle / "models" / MODEL / "1"
    write_calibration(folder / "calibration.json", calibration())
    seal_package(folder, load_package_unlisted(folder))
    put(20)
    handle({}, CONTEXT)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told,) = [line for line in found if "EstimatedAccuracy" in line]
    assert told["Version"] == "1"
    assert told["EstimatedAccuracy"] == pytest.approx(0.9, abs=0.05)
    assert told["LabelsNeeded"] > 100


def load_package_unlisted(folder: Path) -> dict[str, Any]:
    """The manifest of a package to which a file was added since it was sealed."""
    return read_manifest(folder / "model.yaml").model_dump(mode="json", exclude_unset=True)


def test_a_second_run_at_the_same_time_does_nothing(handle: Any) -> None:
    put(20)
    with Lease(CaptureBucket("captures")).held(NOW, NOW + timedelta(hours=1)) as held:
        assert held
        assert handle({}, CONTEXT) == {"profiles": 0, "found": 0, "skipped": True}
    assert records() == 0


def test_a_version_of_the_registry_is_measured_by_its_baseline_there(handle: Any, tmp_path: Path) -> None:
    package = load_package(make_text_package(tmp_path / "other" / "7", version=7).folder)
    registry = Registry(S3ObjectStore("models"), DynamoVersionTable("control"))
    check = Check(results=(GateResult(name="quality", passed=True, sentence="fine"),))
    registry.register(package, check, Origin(by="test"))  # as version 1, which the bundle has
    record = registry.register(package, check, Origin(by="test"))
    put(5, version=record.number, ago=timedelta(hours=2))
    boto3.client("s3").delete_object(Bucket="models", Key=f"{record.prefix}model.onnx")
    handle({}, CONTEXT)
    assert records(record.number) == 5


def test_captures_of_a_version_that_is_nowhere_are_counted_and_stop_nothing(
    handle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    put(20)
    put(3, version=9)
    assert handle({}, CONTEXT)["profiles"] == 1
    assert '"UnknownCaptures":3' in capsys.readouterr().out


def test_what_fails_fails_the_call_for_the_alarm(handle: Any) -> None:
    put(20)
    CaptureBucket("captures").put(f"monitoring/model={MODEL}/index.json", b"[]")
    with pytest.raises(UnavailableError, match="part of the monitor is unavailable: tiny-sentiment"):
        handle({}, CONTEXT)


def test_events_reach_the_default_bus(aws: None) -> None:
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    events = boto3.client("events")
    events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["slipway"], "detail-type": ["Slipway Drift"]}))
    arn = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn}])
    sent = [Event("drift", {"model": MODEL, "number": number}) for number in range(12)]
    EventBus("demo", {}).put([*sent, Event("skew", {})])
    heard: list[Any] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        heard += [json.loads(message["Body"])["detail"] for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert sorted(each["number"] for each in heard) == list(range(12))


def test_a_run_without_time_leaves_all_to_the_next(handle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(20)
    assert handle({}, CallContext(seconds_left=50))["profiles"] == 0
    assert "ProfilesLate" in capsys.readouterr().out
    assert handle({}, CONTEXT)["profiles"] == 1
    assert records() == 20


@pytest.mark.parametrize(
    "absent", ["SLIPWAY_CAPTURE_BUCKET", "SLIPWAY_CONTROL_TABLE", "SLIPWAY_MODEL_BUCKET", "SLIPWAY_ALARM_TOPIC"]
)
def test_a_missing_setting_is_named(absent: str) -> None:
    with pytest.raises(ConfigError, match=f"{absent}: is required"):
        Settings.of({name: value for name, value in ENVIRONMENT.items() if name != absent})
