"""What the console refuses, and the headers of everything that it answers."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from slipway.console.security import FORM_BYTES, TOKEN_FIELD
from slipway.console.settings import ConsoleSettings

OWN = {"origin": "http://127.0.0.1:8081"}


@pytest.fixture
def client(browser) -> TestClient:
    return browser()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8081", "127.0.0.1", "127.0.0.1:8082", ""])
def test_other_hosts_are_refused(client: TestClient, host: str):
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost:8081", "[::1]:8081"])
def test_its_own_hosts_are_answered(client: TestClient, host: str):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8082", "https://127.0.0.1:8081"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_origins_are_refused(client: TestClient, settings: ConsoleSettings, method: str, origin: str):
    data = {TOKEN_FIELD: settings.token} if method == "POST" else None
    assert client.request(method, "/", headers={"origin": origin}, data=data).status_code == 403


def test_other_sites_may_link_here_but_load_nothing(client: TestClient):
    site = {"sec-fetch-site": "cross-site"}
    assert client.get("/", headers={**site, "sec-fetch-mode": "navigate"}).status_code == 200
    assert client.get("/", headers={**site, "sec-fetch-mode": "no-cors"}).status_code == 403


def test_a_form_without_an_origin_is_refused(client: TestClient, settings: ConsoleSettings):
    assert client.post("/", data={TOKEN_FIELD: settings.token}).status_code == 403


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_a_form_without_the_token_is_refused(client: TestClient, token: str | None):
    answer = client.post("/", headers=OWN, data={} if token is None else {TOKEN_FIELD: token})
    # An empty form has no content type.
    assert answer.status_code in ({415} if token is None else {403})
    assert client.post("/", headers=OWN, data={"other": "1"}).status_code == 403


def test_two_tokens_are_refused(client: TestClient, settings: ConsoleSettings):
    assert client.post("/", headers=OWN, data={TOKEN_FIELD: ["wrong", settings.token]}).status_code == 403


def test_a_form_of_its_own_passes_to_the_pages(client: TestClient, settings: ConsoleSettings):
    answer = client.post("/", headers=OWN, data={TOKEN_FIELD: settings.token})
    assert answer.status_code == 405  # the overview has no form


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_only_plain_forms_are_read(client: TestClient, settings: ConsoleSettings, kind: str):
    body = f"{TOKEN_FIELD}={settings.token}"
    assert client.post("/", headers={**OWN, "content-type": kind}, content=body).status_code == 415


def test_a_form_has_an_end(client: TestClient, settings: ConsoleSettings):
    data = {TOKEN_FIELD: settings.token, "text": "x" * FORM_BYTES}
    assert client.post("/", headers=OWN, data=data).status_code == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(client: TestClient, method: str):
    assert client.request(method, "/", headers=OWN).status_code == 405


def test_a_read_only_console_refuses_every_form(browser, settings: ConsoleSettings):
    client = browser(replace(settings, read_only=True))
    answer = client.post("/", headers=OWN, data={TOKEN_FIELD: settings.token})
    assert answer.status_code == 403
    assert "read-only" in answer.text
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/console.css", "/scripts/htmx.js", "/nothing"])
def test_every_answer_has_the_policy(client: TestClient, path: str):
    headers = client.get(path).headers
    assert "'unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"


def test_refusals_have_the_policy_too(client: TestClient):
    assert "content-security-policy" in client.get("/", headers={"host": "evil.example"}).headers


def test_scripts_come_by_name_only(client: TestClient):
    assert client.get("/scripts/htmx.js").headers["content-type"].startswith("text/javascript")
    for name in ("..%2f..%2fpackage.json", "package.json", "%2e%2e/htmx.js"):
        assert client.get(f"/scripts/{name}").status_code == 404


def test_the_token_is_new_for_each_console():
    assert ConsoleSettings().token != ConsoleSettings().token
    assert ConsoleSettings().token not in repr(ConsoleSettings())


def test_pages_that_do_not_exist_say_so(client: TestClient):
    answer = client.get("/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
