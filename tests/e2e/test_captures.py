"""Captures through the embedded AWS: what was asked is in the bucket, and a label counts once if it was captured."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from local.environment.state import State
from slipway.aws.table import lazy_client
from slipway.monitoring.accuracy.labels import Accuracy
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.monitoring.feedback.table import DynamoFeedbackStore

SECONDS = 240.0
LABELS = ("negative", "neutral", "positive")
TWEETS = [{"text": f"Tweet number {number} of a lovely morning!"} for number in range(5)]


@pytest.fixture
def counted(running: State, outputs: dict[str, str]) -> Callable[[str, int], Accuracy]:
    """Reads the counters of a version, of the last hour."""
    keys = running.credentials
    client = lazy_client(
        endpoint_url=running.emulator,
        region_name=running.region,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    store = DynamoFeedbackStore(outputs["ControlTable"], client=client)

    def read(model: str, version: int) -> Accuracy:
        now = datetime.now(UTC)
        return store.accuracy(model, version, now - timedelta(hours=1), now + timedelta(hours=1))

    return read


def kept(aws: Any, bucket: str, model: str) -> dict[str, dict[str, Any]]:
    """The captures of a model in the bucket, by id."""
    s3 = aws("s3")
    found: dict[str, dict[str, Any]] = {}
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=f"captures/model={model}/").get("Contents", []):
        content = gzip.decompress(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
        for line in content.splitlines():
            capture = json.loads(line)
            found[capture["id"]] = capture
    return found


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and give it."""
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def predict(api: httpx.Client, model: str) -> list[dict[str, Any]]:
    answer = api.post(f"/v1/models/{model}/predict", json={"inputs": TWEETS})
    assert answer.status_code == 200, answer.text
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


def label(api: httpx.Client, prediction: str, label: str) -> int:
    return api.post("/v1/feedback", json={"prediction_id": prediction, "label": label}).status_code


@pytest.mark.parametrize("model", ["tweet-sentiment", "tweet-sentiment-large"])
def test_captures_are_kept_and_labels_held_against_them(
    api: httpx.Client,
    aws: Any,
    outputs: dict[str, str],
    counted: Callable[[str, int], Accuracy],
    model: str,
) -> None:
    bucket = outputs["CaptureBucket"]
    made: dict[str, dict[str, Any]] = {}

    def captured_here() -> dict[str, dict[str, Any]]:
        made.update({each["id"]: each for each in predict(api, model)})
        return {name: each for name, each in kept(aws, bucket, model).items() if name in made}

    until(captured_here)
    # What is asked now is captured later: once some of it is in the bucket, nothing from before is on its way.
    later: set[str] = set()

    def captured_later() -> set[str]:
        later.update(each["id"] for each in predict(api, model))
        return later & kept(aws, bucket, model).keys()

    until(captured_later)
    captured = {name: each for name, each in kept(aws, bucket, model).items() if name in made}
    assert len(captured) < len(made)
    for name, capture in captured.items():
        assert capture["inputs"]["text"].startswith("Tweet number")
        assert capture["outputs"]["label"] == made[name]["label"]

    version = parse_prediction_id(next(iter(captured))).version
    before = counted(model, version)
    right, *others = captured
    uncaptured = next(name for name in made if name not in captured)
    assert label(api, right, made[right]["label"]) == 201
    assert label(api, uncaptured, made[uncaptured]["label"]) == 201
    wrong = {name: next(each for each in LABELS if each != made[name]["label"]) for name in others}
    for _ in range(2):
        assert {label(api, name, said) for name, said in wrong.items()} <= {200, 201}
    after = counted(model, version)
    assert (after.count - before.count, after.wrong - before.wrong) == (len(captured), len(others))


def test_a_label_that_comes_before_its_capture_is_counted(
    api: httpx.Client, counted: Callable[[str, int], Accuracy]
) -> None:
    version = predict(api, "tweet-sentiment")[0]["version"]
    before = counted("tweet-sentiment", version)

    def labelled_at_once() -> bool:
        for each in predict(api, "tweet-sentiment"):
            assert label(api, each["id"], each["label"]) == 201
        return counted("tweet-sentiment", version).count > before.count

    until(labelled_at_once)
    assert counted("tweet-sentiment", version).wrong == before.wrong
