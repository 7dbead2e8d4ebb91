"""The functions' handlers, given events as an HTTP API sends them."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.lambda_context import CallContext
from support.registries import ORIGIN, PASSED

from slipway.config.keep_warm import KEEP_WARM
from slipway.errors import ConfigError, PackageError, UnavailableError
from slipway.models.package import load_package
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.fetching import aws_registry


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_predict(start, event, capsys) -> None:
    answer = start("predict")(event("predict"), CallContext())
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"])["predictions"][0]["label"] == "positive"
    request, cold = logged(capsys)
    assert (request["Requests"], request["Model"], request["Version"]) == (1, "tiny-sentiment", "1")
    assert (cold["ColdStarts"], cold["Function"]) == (1, "predict")


def test_a_call_that_keeps_a_snapshot_is_no_request(start, event, capsys) -> None:
    handle = start("predict")
    assert handle(dict(KEEP_WARM), CallContext()) == {}
    assert logged(capsys) == []
    handle(event("predict"), CallContext())
    request, cold = logged(capsys)
    assert (request["Requests"], cold["ColdStarts"]) == (1, 1)


def test_problems_are_readable_text(start, event) -> None:
    answer = start("predict")(event("predict", body={"inputs": [{"text": 5}]}), CallContext())
    assert answer["statusCode"] == 422
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"])["errors"][0]["field"] == "inputs[0].text"


def test_binary_tensors_go_through_base64(start, event) -> None:
    answer = start("predict")(event("infer_binary"), CallContext())
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert b"positive" in base64.b64decode(answer["body"])


def test_what_is_deployed(start, event) -> None:
    answer = start("predict")(event("list_models"), CallContext())
    assert [model["name"] for model in json.loads(answer["body"])["models"]] == ["tiny-sentiment", "tiny-tabular"]


@pytest.mark.usefixtures("aws")
def test_features_are_stored_and_used(start, event) -> None:
    features = start("features", SLIPWAY_FEATURES_TABLE="features")
    assert features(event("put_features"), CallContext())["statusCode"] == 200
    stored = json.loads(features(event("get_features"), CallContext())["body"])
    assert stored["groups"]["tumour"]["values"] == {"radius": 20.0, "smooth": 0.5}
    predict = start("predict", SLIPWAY_FEATURES_TABLE="features")
    answer = predict(event("predict_tabular"), CallContext())
    assert json.loads(answer["body"])["predictions"][0]["label"] == "yes"


@pytest.mark.usefixtures("aws")
def test_feedback_is_stored_once(start, event) -> None:
    feedback = start("feedback", SLIPWAY_CONTROL_TABLE="control")
    assert [feedback(event("feedback"), CallContext())["statusCode"] for _ in range(2)] == [201, 200]
    other = json.loads(event("feedback")["body"]) | {"label": "negative"}
    assert feedback(event("feedback", body=other), CallContext())["statusCode"] == 409


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("predict", "predict_tabular"),
        ("features", "get_features"),
        ("features", "put_features"),
        ("feedback", "feedback"),
    ],
)
def test_a_table_that_is_not_there_is_a_503(start, event, capsys, function: str, name: str) -> None:
    handler = start(function, SLIPWAY_FEATURES_TABLE="gone", SLIPWAY_CONTROL_TABLE="gone")
    answer = handler(event(name), CallContext())
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "1"
    assert "gone" not in answer["body"]
    assert logged(capsys)[0]["Faults"] == 1
    if function == "predict":
        assert handler(event("predict"), CallContext())["statusCode"] == 200


def test_an_altered_package_does_not_start(start, bundle: Path) -> None:
    card = bundle / "models/tiny-sentiment/1/README.md"
    card.write_text("altered", encoding="utf-8")
    with pytest.raises(PackageError, match=r"README\.md"):
        start("predict")


@pytest.mark.parametrize("function", ["features", "feedback"])
def test_a_table_that_is_not_named_does_not_start(start, function: str) -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_"):
        start(function)


@pytest.mark.parametrize(
    ("function", "environment", "event"),
    [
        ("predict", {}, "predict"),
        ("features", {"SLIPWAY_FEATURES_TABLE": "t"}, "put_features"),
        ("feedback", {"SLIPWAY_CONTROL_TABLE": "t"}, "feedback"),
    ],
)
def test_the_first_request_imports_nothing(
    bundle: Path, function: str, environment: dict[str, str], event: str
) -> None:
    """All that a request needs is there before the snapshot that SnapStart clones."""
    events = Path(__file__).parents[2] / "events"
    code = f"""
import json, sys
from functions.{function}.handler import handler
from support.lambda_context import CallContext
before = set(sys.modules)
event = json.load(open({str(events / f"{event}.json")!r}))
status = handler(event, CallContext())["statusCode"]
print("result:", status, *sorted(set(sys.modules) - before))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "LAMBDA_TASK_ROOT": str(bundle),
            "PYTHONPATH": f"{Path(__file__).parents[3]}:{Path(__file__).parents[2]}",
            "AWS_DEFAULT_REGION": "eu-west-1",
            # A port that nobody listens at: tables refuse at once.
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            **environment,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("result:")]
    _, status, *imported = line.split()
    assert status == ("200" if function == "predict" else "503"), ran.stdout
    assert imported == []


@pytest.fixture
def registered(aws, bundle: Path) -> None:
    """slipway.yaml names a version 2 that is in the registry, and not in the bundle."""
    settings = bundle / "slipway.yaml"
    settings.write_text(
        settings.read_text("utf-8").replace("versions: [1], stable: 1", "versions: [1, 2], stable: 1", 1)
    )
    s3_client()().create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    package = load_package(bundle / "models/tiny-sentiment/1")
    for _ in range(2):
        aws_registry("control", "models")().register(package, PASSED, ORIGIN)


SECOND = "/v1/models/tiny-sentiment/versions/2/predict"
REGISTRY = {"SLIPWAY_CONTROL_TABLE": "control", "SLIPWAY_MODEL_BUCKET": "models"}


def at(event: dict, path: str) -> dict:
    """The same event on another path."""
    context = event["requestContext"]
    return {**event, "rawPath": path, "requestContext": {**context, "http": {**context["http"], "path": path}}}


@pytest.mark.usefixtures("registered")
def test_a_version_that_the_bundle_lacks_comes_from_the_registry(start, event, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
    for snapshot in ({}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}):
        answer = start("predict", **REGISTRY, **snapshot)(at(event("predict"), SECOND), CallContext())
        assert answer["statusCode"] == 200, answer["body"]
        assert json.loads(answer["body"])["predictions"][0]["version"] == 2
    assert (tmp_path / "disk/slipway-models/tiny-sentiment/2/model.onnx").is_file()


@pytest.mark.usefixtures("registered")
def test_an_altered_version_fails_alone_and_before_a_snapshot_the_deploy(start, event, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
    s3_client()().put_object(Bucket="models", Key="models/tiny-sentiment/2/model.onnx", Body=b"other")
    predict = start("predict", **REGISTRY)
    assert predict(event("predict"), CallContext())["statusCode"] == 200
    assert predict(at(event("predict"), SECOND), CallContext())["statusCode"] == 503
    (described,) = [
        m for m in json.loads(predict(event("list_models"), CallContext())["body"])["models"] if len(m["versions"]) == 2
    ]
    assert [sorted(version)[:2] for version in described["versions"]] == [["bytes", "description"], ["version"]]
    assert predict(at(event("list_models"), "/openapi.json"), CallContext())["statusCode"] == 200
    with pytest.raises(UnavailableError, match="tiny-sentiment 2 cannot be loaded"):
        start("predict", **REGISTRY, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
