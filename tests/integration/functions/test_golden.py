"""Functions give a version that differs from its golden records no traffic, and say so."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from support.golden import flip_a_bit, with_golden
from support.lambda_context import CallContext
from support.packages import make_text_package
from support.registries import ORIGIN, PASSED
from support.releases.records import make_release

from slipway.aws.table import lazy_client
from slipway.config.releases.options import Shadow
from slipway.errors import GoldenError
from slipway.models.package import Package
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.opening import aws_registry
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.feedback.prediction_ids import new_random
from slipway.releases.record.phases import Phase
from slipway.releases.record.table import DynamoReleaseStore

MODEL = "tiny-sentiment"
TEXTS = [{"text": text} for text in ("good", "bad", "sunny and good", "awful", "hm", "a bad, bad day")]
SECOND = f"/v1/models/{MODEL}/versions/2/predict"
SNAPSHOT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


def proving(folder: Path, version: int) -> Package:
    return with_golden(make_text_package(folder, version=version), TEXTS)


@pytest.fixture
def two(bundle: Path) -> Path:
    """The bundle with a second version; both have golden records."""
    file = bundle / "slipway.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("{versions: [1]", "{versions: [1, 2]", 1))
    for version in (1, 2):
        proving(bundle / f"models/{MODEL}/{version}", version)
    return bundle


def broken(bundle: Path, version: int) -> None:
    flip_a_bit(proving(bundle / f"models/{MODEL}/{version}", version))


def counted(written: str) -> list[tuple[str, str, float]]:
    lines = [json.loads(line) for line in written.splitlines() if line.startswith('{"_aws"')]
    return [(line["Model"], line["Version"], line["GoldenFailures"]) for line in lines if "GoldenFailures" in line]


def at(event: dict[str, Any], path: str) -> dict[str, Any]:
    return json.loads(json.dumps(event).replace(event["rawPath"], path))


def test_versions_that_prove_themselves_serve(start, event, two: Path, capsys) -> None:
    for environment in ({}, SNAPSHOT):
        predict = start("predict", **environment)
        assert predict(event("predict"), CallContext())["statusCode"] == 200
        assert predict(at(event("predict"), SECOND), CallContext())["statusCode"] == 200
    assert counted(capsys.readouterr().out) == []


@pytest.mark.parametrize("initialization", ["on-demand", "snap-start"])
@pytest.mark.usefixtures("two")
def test_a_broken_candidate_is_answered_503_and_the_rest_serves(start, event, bundle, capsys, initialization) -> None:
    broken(bundle, 2)
    predict = start("predict", AWS_LAMBDA_INITIALIZATION_TYPE=initialization)
    assert counted(capsys.readouterr().out) == [(MODEL, "2", 1)]
    assert predict(event("predict"), CallContext())["statusCode"] == 200
    refused = predict(at(event("predict"), SECOND), CallContext())
    assert refused["statusCode"] == 503
    detail = json.loads(refused["body"])["detail"]
    assert "golden.json: record" in detail
    assert "expected {" in detail
    assert "found {" in detail
    assert "the record is" not in detail  # validation data is not for callers


def test_a_broken_stable_version_fails_the_deploy_of_a_snapshot(start, event, two: Path, capsys) -> None:
    broken(two, 1)
    with pytest.raises(GoldenError, match=f"{MODEL}/1/golden.json: record"):
        start("predict", **SNAPSHOT)
    assert counted(capsys.readouterr().out) == [(MODEL, "1", 1)]
    # Without a snapshot, the other versions and models go on.
    predict = start("predict", AWS_LAMBDA_INITIALIZATION_TYPE="on-demand")
    assert predict(event("predict"), CallContext())["statusCode"] == 503
    assert predict(at(event("predict"), SECOND), CallContext())["statusCode"] == 200


@pytest.mark.usefixtures("aws")
def test_a_version_of_the_registry_proves_itself_too(start, event, bundle: Path, monkeypatch, capsys) -> None:
    disk = bundle / "disk"
    s3_client()().create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    registry = aws_registry("control", "models")()
    package = flip_a_bit(proving(disk / "other" / "2", 2))
    for _ in range(2):
        registry.register(package, PASSED, ORIGIN)
    file = bundle / "slipway.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("{versions: [1]", "{versions: [1, 2]", 1))
    monkeypatch.setattr("tempfile.tempdir", str(disk))
    predict = start("predict", SLIPWAY_CONTROL_TABLE="control", SLIPWAY_MODEL_BUCKET="models")
    assert counted(capsys.readouterr().out) == [(MODEL, "2", 1)]
    assert predict(at(event("predict"), SECOND), CallContext())["statusCode"] == 503
    assert predict(event("predict"), CallContext())["statusCode"] == 200


def test_a_shadow_that_does_not_prove_itself_scores_nothing(aws: None, two: Path, start, capsys) -> None:
    broken(two, 2)
    store = DynamoReleaseStore("control", client=lazy_client())
    record = store.start(make_release(MODEL, options=Shadow(), candidates=(2,)))
    store.save(record.model_copy(update={"phase": Phase.RUNNING}))
    handle = start("shadow", SLIPWAY_CONTROL_TABLE="control")
    handle(_captured("good", "bad"), CallContext())
    written = capsys.readouterr().out
    assert (MODEL, "2", 1) in counted(written)
    scored = [json.loads(line) for line in written.splitlines() if '"Predictions"' in line]
    assert {line["Shadow"] for line in scored if "Predictions" in line} == {"1"}


def _captured(*texts: str) -> dict[str, Any]:
    lines = [
        capture_line(
            prediction_id=f"{MODEL}.1.{new_random()}",
            model=MODEL,
            version=1,
            time_ms=1_795_000_000_000,
            request_id="r",
            inputs={"text": text},
            outputs={"label": "positive", "score": 0.9},
        )
        for text in texts
    ]
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/predict",
        "logStream": "s",
        "subscriptionFilters": ["shop-shadow"],
        "logEvents": [{"id": str(n), "timestamp": 1, "message": line} for n, line in enumerate(lines)],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()}}
