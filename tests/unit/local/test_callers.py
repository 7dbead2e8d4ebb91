"""The header that says who calls, by the parameter mappings of the templates, in MiniStack with the gap filled."""

import pytest
from ministack.services import apigateway

from local.emulator.balancing import callers
from slipway.config.api import CALLER_HEADER
from slipway.serving.prediction.callers import caller_of

ADDRESS = "${context.identity.sourceIp}"
ANN = "arn:aws:iam::000000000000:user/ann"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Recorded here, so that they are put back.
    name = "_apply_request_parameter_mappings"
    monkeypatch.setattr(apigateway, name, getattr(apigateway, name))
    monkeypatch.setattr(apigateway, "_iam_caller_identity_v2", lambda *_: {"userArn": ANN})
    callers.install()


def told(mapping: str, claims: dict[str, str]) -> str:
    """The header that a task gets of a client that sends one of its own."""
    headers, _, _ = apigateway._apply_request_parameter_mappings(
        {"requestParameters": {f"overwrite:header.{CALLER_HEADER}": mapping}},
        request_headers={CALLER_HEADER: "198.51.100.1 somebody else"},
        request_query={},
        request_path="/v1/models/large/predict",
        path_params={},
        context_vars={"authorizer.jwt.claims": claims},
        stage_vars={},
    )
    return str(headers[CALLER_HEADER])


@pytest.mark.parametrize(
    ("mapping", "claims", "header", "caller"),
    [
        (ADDRESS, {}, "127.0.0.1", "127.0.0.1"),
        (f"{ADDRESS} ${{context.identity.userArn}}", {}, f"127.0.0.1 {ANN}", ANN),
        (f"{ADDRESS} ${{context.authorizer.claims.sub}}", {"sub": "app-7"}, "127.0.0.1 app-7", "app-7"),
        (f"{ADDRESS} ${{context.authorizer.claims.sub}}", {}, "127.0.0.1 ", "127.0.0.1"),
    ],
    ids=["none", "iam", "jwt", "jwt without a subject"],
)
def test_the_gateway_says_who_calls(mapping: str, claims: dict[str, str], header: str, caller: str) -> None:
    assert told(mapping, claims) == header
    assert caller_of(header) == caller
