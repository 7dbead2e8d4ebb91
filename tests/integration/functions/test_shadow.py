"""The function `shadow` with real packages, given events as CloudWatch Logs sends them."""

import base64
import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from support.candidates import failing_graph, positive_graph
from support.lambda_context import CallContext
from support.packages import make_text_package
from support.registries import ORIGIN, PASSED
from support.releases.records import make_release

from functions.shadow.settings import Settings
from slipway.aws.table import lazy_client
from slipway.config.releases.options import Shadow
from slipway.errors import ConfigError, MalformedError
from slipway.models.package import load_package
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.opening import aws_registry
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.feedback.prediction_ids import new_random
from slipway.releases.record.phases import Phase
from slipway.releases.record.table import DynamoReleaseStore

MODEL = "tiny-sentiment"
LIVE = {"good": "positive", "bad": "negative", "awful": "negative", "hm": "neutral"}


@pytest.fixture
def made(aws: None, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with candidates 2, 3 and 4, of which no folder holds 4."""
    file = bundle / "slipway.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("{versions: [1]", "{versions: [1, 2, 3, 4]", 1))
    for version, graph in ((2, positive_graph()), (3, failing_graph())):
        make_text_package(bundle / f"models/{MODEL}/{version}", version=version, graph_proto=graph)
    for name, value in {"SLIPWAY_CONTROL_TABLE": "control", "LAMBDA_TASK_ROOT": str(bundle)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SLIPWAY_MODEL_BUCKET", raising=False)
    return bundle


@pytest.fixture
def handle(made: Path) -> Any:
    """The handler, without a registry."""
    return importlib.reload(importlib.import_module("functions.shadow.handler")).handler


def shadowed(*candidates: int, phase: Phase = Phase.RUNNING) -> None:
    store = DynamoReleaseStore("control", client=lazy_client())
    record = store.start(make_release(MODEL, options=Shadow(), candidates=candidates))
    store.save(record.model_copy(update={"phase": phase}))


def event(*texts: str, message_type: str = "DATA_MESSAGE") -> dict[str, Any]:
    lines = [
        capture_line(
            prediction_id=f"{MODEL}.1.{new_random()}",
            model=MODEL,
            version=1,
            time_ms=1_795_000_000_000,
            request_id="r",
            inputs={"text": text},
            outputs={"label": LIVE[text], "score": 0.9},
        )
        for text in texts
    ]
    messages = ["START RequestId: capture", '{"capture": {"id": "cut off', *lines]
    content = {
        "messageType": message_type,
        "owner": "123456789012",
        "logGroup": "/predict",
        "logStream": "s",
        "subscriptionFilters": ["shop-shadow"],
        "logEvents": [{"id": str(n), "timestamp": 1, "message": message} for n, message in enumerate(messages)],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()}}


def sums(text: str, metric: str) -> dict[str, float]:
    """What was written of a metric, by version, and by label where it has one."""
    found: dict[str, float] = {}
    for line in map(json.loads, filter(lambda each: each.startswith('{"_aws"'), text.splitlines())):
        if metric in line:
            key = "/".join(filter(None, (line["Shadow"], line.get("Label"))))
            found[key] = found.get(key, 0) + line[metric]
    return found


def test_each_version_scores_what_was_captured(handle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shadowed(2, 3)
    assert handle(event("good", "bad", "awful", "hm"), CallContext()) == {"captures": 4, "scored": 4}
    written = capsys.readouterr().out
    assert sums(written, "Predictions") == {"1": 4, "2": 4, "3": 3}
    assert sums(written, "Failures") == {"3": 1}
    assert sums(written, "Labels") == {
        "1/positive": 1,
        "1/negative": 2,
        "1/neutral": 1,
        "2/positive": 4,
        "3/positive": 1,
        "3/negative": 1,
        "3/neutral": 1,
    }
    assert sums(written, "Compared") == {"2": 4, "3": 3}
    assert sums(written, "Disagreements") == {"2": 3}


def test_a_version_that_is_nowhere_fails_alone(
    handle: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    shadowed(2, 4)
    handle(event("good"), CallContext())
    written = capsys.readouterr().out
    assert (sums(written, "Predictions"), sums(written, "Failures")) == ({"1": 1, "2": 1}, {"4": 1})
    assert any(f"{MODEL} 4 fails in the shadow" in message for message in caplog.messages)


def test_a_version_that_the_bundle_lacks_comes_from_the_registry(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    s3_client()().create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for _ in range(4):
        aws_registry("control", "models")().register(load_package(made / f"models/{MODEL}/1"), PASSED, ORIGIN)
    monkeypatch.setattr("tempfile.tempdir", str(made / "disk"))
    monkeypatch.setenv("SLIPWAY_MODEL_BUCKET", "models")
    handle = importlib.reload(importlib.import_module("functions.shadow.handler")).handler
    shadowed(4)
    handle(event("good", "bad"), CallContext())
    written = capsys.readouterr().out
    assert (sums(written, "Predictions"), sums(written, "Disagreements")) == ({"1": 2, "4": 2}, {})


def test_without_a_shadow_nothing_is_scored_and_nothing_written(
    handle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handle(event("good"), CallContext()) == {"captures": 1, "scored": 0}
    shadowed(2, phase=Phase.ROLLED_BACK)
    assert handle(event("good"), CallContext()) == {"captures": 1, "scored": 0}
    assert handle(event("good", message_type="CONTROL_MESSAGE"), CallContext()) == {"captures": 0, "scored": 0}
    assert '"_aws"' not in capsys.readouterr().out


def test_what_is_no_event_of_a_subscription_fails_the_call(handle: Any) -> None:
    with pytest.raises(MalformedError, match="awslogs"):
        handle({"Records": []}, CallContext())


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_CONTROL_TABLE"):
        Settings.of({})
    assert Settings.of({"SLIPWAY_CONTROL_TABLE": "c", "SLIPWAY_MODEL_BUCKET": "b"}).model_bucket == "b"
