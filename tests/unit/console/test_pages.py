"""Pages of a project that is deployed nowhere, and of one whose texts are HTML."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.console import FakeApi, FakeWorkspace
from starlette.testclient import TestClient

from slipway.cli.api import ApiError
from slipway.console.pages import PAGES
from slipway.console.rendering import _code
from slipway.console.security import TOKEN_FIELD
from slipway.console.settings import ConsoleSettings

SCRIPT = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
OWN = {"origin": "http://127.0.0.1:8081"}
MODEL = "tiny-sentiment"
PATHS = [page.path.format(model=MODEL) for page in PAGES]


def described(**changes: Any) -> dict[str, Any]:
    """A model as the API describes it."""
    version = {
        "version": 1,
        "task": "text-classification",
        "inputs": [{"name": "text", "type": "string", "description": SCRIPT, "nullable": False}],
        "outputs": {},
        "record_schema": {"properties": {"text": {}}, "required": ["text"]},
        "quality": [{"metric": "accuracy", "value": 0.5, "data": SCRIPT}],
        "bytes": 10_000,
    }
    release = {"stable": 1, "candidates": [], "strategy": None, "id": None, "phase": None}
    listed = {"name": MODEL, "tier": "light", "limits": {"records": 128, "characters": 1000}}
    return {**listed, "release": release, "versions": [version], "task": "t", "description": SCRIPT, **changes}


@pytest.fixture
def api() -> FakeApi:
    made = {"id": "1", "version": 1, "label": SCRIPT, "score": 0.75, "scores": {SCRIPT: 0.75, "other": 0.25}}
    predict = f"/v1/models/{MODEL}/predict"
    return FakeApi({f"/v1/models/{MODEL}": described(), predict: {"predictions": [made]}})


@pytest.fixture
def client(browser, api: FakeApi, tmp_path: Path) -> TestClient:
    """A browser of a console whose API is a fake."""
    workspace = FakeWorkspace(tmp_path / "slipway.yaml")
    workspace.fake = api
    return browser(workspace=workspace)


def attempt(client: TestClient, settings: ConsoleSettings, **fields: str) -> str:
    data = {TOKEN_FIELD: settings.token, **fields}
    answer = client.post(f"/models/{MODEL}/try", headers=OWN, data=data)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_what_is_deployed_nowhere_says_so(browser, path: str):
    answer = browser().get(path)
    assert answer.status_code == 200
    # A page that slipway.yaml gives nothing to show asks nobody, and says how to begin.
    assert "data-problem" in answer.text or 'class="empty"' in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_pages_have_no_inline_script_or_style(browser, path: str):
    text = browser().get(path).text
    assert "<script>" not in text
    assert "style=" not in text
    assert "onclick" not in text


def test_every_page_has_its_place_in_the_navigation(browser):
    text = browser().get(f"/models/{MODEL}").text
    for path in PATHS:
        assert f'href="{path}"' in text


def test_models_that_do_not_exist_are_named_with_those_that_do(browser):
    answer = browser().get("/models/tiny-sentimint")
    assert answer.status_code == 404
    assert "did you mean &#39;tiny-sentiment&#39;" in answer.text


def test_commands_in_messages_are_shown_as_such_and_the_rest_is_escaped(browser):
    text = browser().get(f"/training/{MODEL}/approve").text
    assert "<code>" in text
    assert "`" not in text.partition("<main")[2]
    assert str(_code("`a` <b> `<i>`")) == "<code>a</code> &lt;b&gt; <code>&lt;i&gt;</code>"


@pytest.mark.parametrize("path", [f"/models/{SCRIPT}", f"/models/{SCRIPT}/release", f"/registry/{SCRIPT}"])
def test_names_in_addresses_are_escaped(browser, path: str):
    answer = browser().get(path)
    assert answer.status_code == 404
    assert SCRIPT not in answer.text


def test_what_a_package_says_is_escaped(client: TestClient):
    text = client.get(f"/models/{MODEL}").text
    assert SCRIPT not in text
    assert text.count(ESCAPED) >= 3  # of the model, an input and a measurement


def test_what_was_captured_and_answered_is_escaped(client: TestClient, settings: ConsoleSettings):
    text = attempt(client, settings, **{"field.text": SCRIPT})
    assert SCRIPT not in text
    assert text.count(ESCAPED) >= 3  # the record, its label and the scores


def test_a_record_is_read_by_the_types_of_its_inputs(client: TestClient, settings: ConsoleSettings, api: FakeApi):
    attempt(client, settings, **{"field.text": "12", "field.empty": ""})
    assert api.sent == [(f"POST /v1/models/{MODEL}/predict", {"inputs": [{"text": "12"}]})]


def test_a_version_can_be_tried(client: TestClient, settings: ConsoleSettings, api: FakeApi):
    api.answers = {**api.answers, f"/v1/models/{MODEL}/versions/2/predict": {"predictions": []}}
    attempt(client, settings, **{"field.text": "good", "version": "2"})
    assert api.sent[0][0] == f"POST /v1/models/{MODEL}/versions/2/predict"


def test_what_the_api_refuses_is_shown(client: TestClient, settings: ConsoleSettings, api: FakeApi):
    problem = {"title": "Unprocessable", "errors": [{"field": "inputs[0].text", "message": SCRIPT}]}
    api.answers = {**api.answers, f"/v1/models/{MODEL}/predict": ApiError(422, problem)}
    text = attempt(client, settings, **{"field.text": "good"})
    assert ESCAPED in text
    assert SCRIPT not in text


def test_the_command_has_no_credentials(client: TestClient, monkeypatch: pytest.MonkeyPatch, api: FakeApi):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-to-be-shown")
    text = client.get(f"/models/{MODEL}").text
    assert "curl http://127.0.0.1:8080/v1/models/tiny-sentiment/predict" in text
    assert "not-to-be-shown" not in text


def test_forms_have_the_token_and_a_read_only_console_has_no_form(browser, api: FakeApi, tmp_path: Path, settings):
    workspace = FakeWorkspace(tmp_path / "slipway.yaml")
    workspace.fake = api
    may, may_not = browser(workspace=workspace), browser(replace(settings, read_only=True), workspace)
    assert settings.token in may.get(f"/models/{MODEL}").text
    shown = may_not.get(f"/models/{MODEL}").text
    assert settings.token not in shown
    assert 'method="post"' not in shown
    assert "read-only" in shown
    assert "Start a release" not in may_not.get(f"/models/{MODEL}/release").text


def test_without_the_scripts_pages_say_so(browser, settings: ConsoleSettings, tmp_path: Path):
    text = browser(replace(settings, node_modules=tmp_path / "none")).get("/").text
    assert "/scripts/" not in text
    assert "npm ci" in text


def test_a_release_is_planned_without_a_deployment(browser):
    text = browser().get(f"/models/{MODEL}/release/plan?candidate=2&strategy=canary").text
    assert "The traffic is unknown" in text
    assert "Start the release" in text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("candidate=9", "no version of tiny-sentiment &#39;9&#39;"),
        ("candidate=2&strategy=canari", "did you mean &#39;canary&#39;"),
        ("candidate=2&options=shares", "must be NAME=VALUE"),
        ("candidate=2&options=%3Cscript%3E%3D1", "&lt;script&gt;"),
        ("candidate=two", "valid integer"),
        ("", "Field required"),
    ],
)
def test_a_plan_that_is_not_possible_says_why(browser, query: str, says: str):
    answer = browser().get(f"/models/{MODEL}/release/plan?{query}")
    assert answer.status_code == 422
    assert says in answer.text


def test_nothing_is_asked_about_a_release_that_is_not_known(browser):
    answer = browser().get(f"/models/{MODEL}/release/rollback")
    assert answer.status_code == 503
    assert browser().get(f"/models/{MODEL}/release/explode").status_code == 422
