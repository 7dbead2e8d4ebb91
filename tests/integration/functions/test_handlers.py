"""The functions' handlers, given events as an HTTP API sends them."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.errors import ConfigError, PackageError


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_predict(start, event, capsys) -> None:
    answer = start("predict")(event("predict"), None)
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"])["predictions"][0]["label"] == "positive"
    request, cold = logged(capsys)
    assert (request["Requests"], request["Model"], request["Version"]) == (1, "tiny-sentiment", "1")
    assert (cold["ColdStarts"], cold["Function"]) == (1, "predict")


def test_problems_are_readable_text(start, event) -> None:
    answer = start("predict")(event("predict", body={"inputs": [{"text": 5}]}), None)
    assert answer["statusCode"] == 422
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"])["errors"][0]["field"] == "inputs[0].text"


def test_binary_tensors_go_through_base64(start, event) -> None:
    answer = start("predict")(event("infer_binary"), None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert b"positive" in base64.b64decode(answer["body"])


def test_what_is_deployed(start, event) -> None:
    answer = start("predict")(event("list_models"), None)
    assert [model["name"] for model in json.loads(answer["body"])["models"]] == ["tiny-sentiment", "tiny-tabular"]


@pytest.mark.usefixtures("aws")
def test_features_are_stored_and_used(start, event) -> None:
    features = start("features", SLIPWAY_FEATURES_TABLE="features")
    assert features(event("put_features"), None)["statusCode"] == 200
    stored = json.loads(features(event("get_features"), None)["body"])
    assert stored["groups"]["tumour"]["values"] == {"radius": 20.0, "smooth": 0.5}
    predict = start("predict", SLIPWAY_FEATURES_TABLE="features")
    answer = predict(event("predict_tabular"), None)
    assert json.loads(answer["body"])["predictions"][0]["label"] == "yes"


@pytest.mark.usefixtures("aws")
def test_feedback_is_stored_once(start, event) -> None:
    feedback = start("feedback", SLIPWAY_CONTROL_TABLE="control")
    assert [feedback(event("feedback"), None)["statusCode"] for _ in range(2)] == [201, 200]
    other = json.loads(event("feedback")["body"]) | {"label": "negative"}
    assert feedback(event("feedback", body=other), None)["statusCode"] == 409


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
    answer = handler(event(name), None)
    assert answer["statusCode"] == 503
    assert answer["headers"]["retry-after"] == "1"
    assert "gone" not in answer["body"]
    assert logged(capsys)[0]["Faults"] == 1
    if function == "predict":
        assert handler(event("predict"), None)["statusCode"] == 200


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
    ("function", "environment", "absent"),
    [
        ("predict", {}, {"boto3", "botocore", "fastapi", "starlette", "concurrent.futures.thread"}),
        (
            "features",
            {"SLIPWAY_FEATURES_TABLE": "t"},
            {"boto3", "botocore", "numpy", "onnxruntime", "tokenizers"},
        ),
        ("feedback", {"SLIPWAY_CONTROL_TABLE": "t"}, {"boto3", "botocore", "numpy", "onnxruntime", "tokenizers"}),
    ],
)
def test_a_start_imports_only_what_it_needs(
    bundle: Path, function: str, environment: dict[str, str], absent: set[str]
) -> None:
    code = f"import functions.{function}.handler, sys; print(*sorted({absent!r} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"LAMBDA_TASK_ROOT": str(bundle), "PYTHONPATH": str(Path(__file__).parents[3]), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == []
