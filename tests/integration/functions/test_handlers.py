"""The functions' handlers, given events as an HTTP API sends them."""

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from support.lambda_context import CallContext
from support.registries import ORIGIN, PASSED

from slipway.config.deployment.keep_warm import KEEP_WARM
from slipway.errors import ConfigError
from slipway.models.package import load_package
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.opening import aws_registry

KEYS = {"SLIPWAY_ID_KEYS": "/demo/id-keys"}


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
def test_the_keys_are_in_no_log(start, event, capfd) -> None:
    start("predict", **KEYS)(event("predict"), CallContext())
    start("feedback", SLIPWAY_CONTROL_TABLE="control", **KEYS)(event("feedback"), CallContext())
    stored = boto3.client("ssm").get_parameter(Name=KEYS["SLIPWAY_ID_KEYS"], WithDecryption=True)["Parameter"]["Value"]
    output = "".join(capfd.readouterr())
    assert output
    assert stored.partition("@")[0] not in output


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
    handler = start(function, SLIPWAY_FEATURES_TABLE="gone", SLIPWAY_CONTROL_TABLE="gone", **KEYS)
    answer = handler(event(name), CallContext())
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "1"
    assert "gone" not in answer["body"]
    assert logged(capsys)[0]["Faults"] == 1
    if function == "predict":
        assert handler(event("predict"), CallContext())["statusCode"] == 200


def test_a_version_that_cannot_be_loaded_is_a_503_and_the_others_serve(start, event, bundle: Path, capsys) -> None:
    settings = bundle / "slipway.yaml"
    settings.write_text(settings.read_text("utf-8").replace("smooth:", "smoothness:"), encoding="utf-8")
    predict = start("predict")
    reason = "features.tumour.features.smooth: is not defined, but tiny-tabular 1 reads smooth from it"
    assert predict(event("predict"), CallContext())["statusCode"] == 200
    refused = predict(event("predict_tabular"), CallContext())
    assert (refused["statusCode"], refused["headers"]["retry-after"]) == (503, "1")
    assert json.loads(refused["body"])["detail"] == f"version 1 of tiny-tabular cannot be loaded: {reason}"
    listed = json.loads(predict(event("list_models"), CallContext())["body"])["models"]
    assert [model["name"] for model in listed] == ["tiny-sentiment", "tiny-tabular"]
    assert listed[1]["versions"] == [{"version": 1, "ready": False, "reason": reason}]
    out, err = capsys.readouterr()
    counted = [line for line in map(json.loads, out.splitlines()) if "NotLoaded" in line]
    assert [(line["Model"], line["NotLoaded"]) for line in counted] == [("tiny-tabular", 1)] * 2
    assert err.count("cannot be loaded, and the other versions serve") <= 1


def test_an_altered_package_is_a_503(start, event, bundle: Path) -> None:
    (bundle / "models/tiny-sentiment/1/README.md").write_text("altered", encoding="utf-8")
    answer = start("predict")(event("predict"), CallContext())
    assert answer["statusCode"] == 503
    assert "README.md" in json.loads(answer["body"])["detail"]
    assert str(bundle) not in answer["body"]


@pytest.mark.parametrize("function", ["features", "feedback"])
def test_a_table_that_is_not_named_does_not_start(start, function: str) -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_"):
        start(function)


@pytest.mark.parametrize(
    ("function", "environment", "event"),
    [
        ("predict", KEYS, "predict"),
        ("features", {"SLIPWAY_FEATURES_TABLE": "t"}, "put_features"),
        ("feedback", {"SLIPWAY_CONTROL_TABLE": "t", **KEYS}, "feedback"),
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
def test_an_altered_version_fails_alone_before_a_snapshot_too(start, event, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
    s3_client()().put_object(Bucket="models", Key="models/tiny-sentiment/2/model.onnx", Body=b"other")
    for snapshot in ({}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}):
        predict = start("predict", **REGISTRY, **snapshot)
        assert predict(event("predict"), CallContext())["statusCode"] == 200
        assert predict(at(event("predict"), SECOND), CallContext())["statusCode"] == 503
    (described,) = [
        m for m in json.loads(predict(event("list_models"), CallContext())["body"])["models"] if len(m["versions"]) == 2
    ]
    assert [sorted(version)[:2] for version in described["versions"]] == [["bytes", "description"], ["ready", "reason"]]
    assert predict(at(event("list_models"), "/openapi.json"), CallContext())["statusCode"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-port": "443,80"},
        {"x-forwarded-port": "443, 80"},
        {"x-forwarded-port": ""},
        {"x-forwarded-port": "https"},
        {"x-forwarded-port": "99999999"},
        {"x-forwarded-proto": "http,https"},
        {"host": "[::1]:8080"},
        {"host": "[2001:db8::1]"},
        {"host": "a:b"},
        {"Host": "::1"},
        {"x-name": "\u0141ukasz \U0001f600"},
        {"x-name": "\ud800"},
        {"x-name": ""},
    ],
)
def test_odd_headers_are_no_reason_to_fail(start, event, headers: dict[str, str]) -> None:
    asked = event("predict")
    answer = start("predict")({**asked, "headers": {**asked["headers"], **headers}}, CallContext())
    assert answer["statusCode"] == 200, answer


def test_an_event_without_headers_is_answered(start, event) -> None:
    for headers in ({}, {"headers": None}):
        asked = {key: value for key, value in event("list_models").items() if key != "headers"}
        assert start("predict")({**asked, **headers}, CallContext())["statusCode"] == 200


def test_compressed_bodies_go_through_base64_both_ways(start, event) -> None:
    predict = start("predict")
    asked = event("predict")
    packed = base64.b64encode(gzip.compress(asked["body"].encode())).decode()
    headers = {**asked["headers"], "content-encoding": "gzip"}
    answer = predict({**asked, "headers": headers, "body": packed, "isBase64Encoded": True}, CallContext())
    assert json.loads(answer["body"])["predictions"][0]["label"] == "positive"
    listed = event("list_models")
    document = at({**listed, "headers": {**listed["headers"], "accept-encoding": "gzip"}}, "/openapi.json")
    answer = predict(document, CallContext())
    assert (answer["isBase64Encoded"], answer["headers"]["content-encoding"]) == (True, "gzip")
    assert json.loads(gzip.decompress(base64.b64decode(answer["body"])))["info"]["title"] == "demo"
