"""A policy's wildcard and a route's parameter match every character."""

import pytest
from ministack.core import iam_evaluator
from ministack.services import apigateway

from local.emulator import iam_wildcards, route_paths

ALLOWED = "arn:aws:execute-api:*:*:api/*/GET/v1/features/*"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iam_evaluator, "_fnmatch_compile", iam_evaluator._fnmatch_compile)
    iam_wildcards.install()


@pytest.mark.parametrize(
    ("path", "matches"),
    [("GET/v1/features/airport/a", True), ("GET/v1/features/airport/\n\x8e.:", True), ("PUT/v1/features/a/\n", False)],
)
def test_an_id_may_have_a_line_break(path: str, matches: bool) -> None:
    arn = f"arn:aws:execute-api:us-east-1:000000000000:api/$default/{path}"
    assert iam_evaluator.fnmatch_iam_cs(arn, ALLOWED) is matches


def test_a_route_takes_an_id_with_a_line_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apigateway, "_extract_path_params", apigateway._extract_path_params)
    route_paths.install()
    found = apigateway._extract_path_params("/v1/features/{entity}/{id+}", "/v1/features/airport/\n:")
    assert found == {"entity": "airport", "id": "\n:"}
    assert apigateway._extract_path_params("/v1/models", "/v1/feedback") is None
