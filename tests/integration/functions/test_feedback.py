"""The feedback function takes ids that the predict function has issued."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fakes.registry import MemoryObjectStore
from support.lambda_context import CallContext
from support.registries import ORIGIN, PASSED

from slipway.models.package import load_package
from slipway.models.registry.registry import Registry
from slipway.models.registry.table import DynamoVersionTable

KEYS = {"SLIPWAY_ID_KEYS": "/demo/id-keys"}


@pytest.fixture
def made(aws, start, event) -> str:
    """The id of a prediction."""
    answer = start("predict", **KEYS)(event("predict"), CallContext())
    found: str = json.loads(answer["body"])["predictions"][0]["id"]
    return found


@pytest.mark.usefixtures("aws")
def test_feedback_for_an_id_that_was_made_up_is_refused(start, event) -> None:
    start("predict", **KEYS)(event("predict"), CallContext())
    feedback = start("feedback", SLIPWAY_CONTROL_TABLE="control", **KEYS)
    assert feedback(event("feedback"), CallContext())["statusCode"] == 422


def test_feedback_is_stored_once(start, event, made: str) -> None:
    feedback = start("feedback", SLIPWAY_CONTROL_TABLE="control", **KEYS)
    said = {"prediction_id": made, "label": "positive"}
    assert [feedback(event("feedback", body=said), CallContext())["statusCode"] for _ in range(2)] == [201, 200]
    other = said | {"label": "negative"}
    assert feedback(event("feedback", body=other), CallContext())["statusCode"] == 409


def test_a_mistyped_label_is_a_422_with_the_labels_there_are(start, event, made: str) -> None:
    feedback = start("feedback", SLIPWAY_CONTROL_TABLE="control", **KEYS)
    said = {"prediction_id": made, "label": "positve"}
    answer = feedback(event("feedback", body=said), CallContext())
    assert answer["statusCode"] == 422
    assert "negative, neutral, positive" in json.loads(answer["body"])["detail"]


def test_the_labels_of_a_version_that_only_the_registry_has_are_those_of_its_record(
    start, event, made: str, bundle: Path
) -> None:
    package = load_package(bundle / "models/tiny-sentiment/1")
    registry = Registry(MemoryObjectStore(), DynamoVersionTable("control"))
    assert registry.register(package, PASSED, ORIGIN).number == 1
    shutil.rmtree(bundle / "models")
    feedback = start("feedback", SLIPWAY_CONTROL_TABLE="control", **KEYS)

    def say(**said: Any) -> int:
        return int(feedback(event("feedback", body={"prediction_id": made, **said}), CallContext())["statusCode"])

    assert [say(label="positve"), say(labels=["positive"])] == [422, 422]
    assert say(label="positive") == 201
