"""Preflight requests to an API that a template made, in MiniStack with the gap filled."""

import asyncio
from typing import Any

import pytest
from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from local.emulator import cross_origin

PAGE = "https://shop.example"
CORS = {
    "AllowOrigins": [PAGE],
    "AllowMethods": ["GET", "POST"],
    "AllowHeaders": ["content-type"],
    "ExposeHeaders": ["retry-after"],
    "MaxAge": 600,
}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Recorded here, so that they are put back.
    monkeypatch.setattr(apigateway, "_cors_preflight_response", apigateway._cors_preflight_response)
    monkeypatch.setattr(apigateway, "_cors_response_headers", apigateway._cors_response_headers)
    cross_origin.install()


def asked_before(origin: str, cors: dict[str, Any] | None = CORS) -> tuple[int, dict[str, str]]:
    """The status and headers of a preflight request to an API of a template."""
    properties = {"Name": "tiny", "ProtocolType": "HTTP"} | ({"CorsConfiguration": cors} if cors else {})
    api, _ = provisioners._apigw_v2_api_create("Api", properties, "tiny")
    call = apigateway._handle_execute_in_scope(
        api, "$default", "/v1/models", "OPTIONS", {"origin": origin}, b"", {}, "000000000000", "us-east-1"
    )
    status, headers, _ = asyncio.run(call)
    return status, {name.lower(): value for name, value in headers.items()}


def test_a_page_of_the_list_may_call() -> None:
    status, headers = asked_before(PAGE)
    assert status in {200, 204}
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-allow-methods"] == "GET,POST"
    assert headers["access-control-allow-headers"] == "content-type"
    assert headers["access-control-max-age"] == "600"


def test_any_other_page_may_not() -> None:
    status, headers = asked_before("https://elsewhere.example")
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_without_a_configuration_no_page_may() -> None:
    assert asked_before(PAGE, None)[0] == 403


def test_answers_name_the_page_and_the_headers_that_it_may_read() -> None:
    headers = apigateway._cors_response_headers(CORS, PAGE)
    assert headers["Access-Control-Allow-Origin"] == PAGE
    assert headers["Access-Control-Expose-Headers"] == "retry-after"
