"""The function `controller`."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from support.lambda_context import CallContext
from support.releases.records import make_release

from functions.controller.settings import Settings
from slipway.aws.table import lazy_client
from slipway.config.deployment.keep_warm import KEEP_WARM, LINK_PATH
from slipway.errors import ConfigError, UnavailableError
from slipway.releases.controller.api_client import ApiClient
from slipway.releases.record.phases import Phase
from slipway.releases.record.table import DynamoReleaseStore

ENVIRONMENT = {
    "SLIPWAY_CONTROL_TABLE": "control",
    "SLIPWAY_API": "https://abc.execute-api.eu-west-1.amazonaws.com",
    "AWS_REGION": "eu-west-1",
}


@pytest.fixture
def handle(aws: None, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {**ENVIRONMENT, "LAMBDA_TASK_ROOT": str(bundle)}.items():
        monkeypatch.setenv(name, value)
    return importlib.reload(importlib.import_module("functions.controller.handler")).handler


def test_a_pass_takes_each_active_release_one_step_on(handle: Any) -> None:
    assert handle({}, CallContext()) == {"releases": {}}
    store = DynamoReleaseStore("control", client=lazy_client())
    release = store.start(make_release("tiny-sentiment"))
    assert handle({}, CallContext()) == {"releases": {release.id: "preparing"}}
    # Version 2 is not deployed.
    assert handle({}, CallContext()) == {"releases": {release.id: "rolled-back"}}
    handle({}, CallContext())
    assert store.current(["tiny-sentiment"])[0].phase is Phase.ROLLED_BACK
    assert "add it to slipway.yaml" in str(store.past("tiny-sentiment")[0].history)


def test_a_pass_writes_what_each_release_wants_of_traffic_as_metrics(
    handle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    handle({}, CallContext())
    assert capsys.readouterr().out == ""
    DynamoReleaseStore("control", client=lazy_client()).start(make_release("tiny-sentiment"))
    handle({}, CallContext())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Model"], line["Version"], line["Share"]) for line in lines] == [
        ("tiny-sentiment", "1", 100),
        ("tiny-sentiment", "2", 0),
    ]
    (directive,) = lines[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Project", "Model", "Version"]]


def test_a_pass_is_known_by_the_id_of_the_event_that_began_it(
    handle: Any, event: Callable[..., dict[str, Any]]
) -> None:
    assert handle(event("schedule"), CallContext()) == {"releases": {}}
    assert Logger("controller").get_correlation_id() == event("schedule")["id"]


def test_a_release_that_cannot_be_taken_on_fails_the_call(handle: Any) -> None:
    store = DynamoReleaseStore("control", client=lazy_client())
    broken = store.start(make_release("tiny-sentiment", tier="heavy"))
    with pytest.raises(UnavailableError, match=broken.id):
        handle({}, CallContext())


def test_a_daily_call_uses_the_vpc_link_and_makes_no_pass(handle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    answers = iter([200, 503])

    def call(self: ApiClient, method: str, path: str, body: str = "") -> tuple[int, dict[str, Any]]:
        asked.append((method, path))
        return next(answers), {}

    monkeypatch.setattr(ApiClient, "call", call)
    store = DynamoReleaseStore("control", client=lazy_client())
    release = store.start(make_release("tiny-sentiment"))
    assert handle(dict(KEEP_WARM), CallContext()) == {"releases": {}}
    assert asked == [("GET", LINK_PATH)]
    assert store.current(["tiny-sentiment"]) == [release]
    with pytest.raises(UnavailableError, match="VPC link"):
        handle(dict(KEEP_WARM), CallContext())


def test_a_settled_release_is_not_among_those_of_a_pass(handle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    DynamoReleaseStore("control", client=lazy_client()).start(make_release("tiny-sentiment"))
    for _ in range(5):
        handle({}, CallContext())
    capsys.readouterr()
    assert handle({}, CallContext()) == {"releases": {}}
    assert capsys.readouterr().out == ""


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(ConfigError, match="SLIPWAY_CONTROL_TABLE"):
        Settings.of({})
    with pytest.raises(ConfigError, match="SLIPWAY_SHADOW"):
        Settings.of({**ENVIRONMENT, "SLIPWAY_SHADOW": '{"rule": "x"}'})


def test_an_endpoint_for_all_of_aws_has_the_api_below_a_path() -> None:
    settings = Settings.of({**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"})
    assert settings.deployment.api == "http://127.0.0.1:4566/_aws/execute-api/abc/$default"
