"""API Gateway says who calls a heavy model, and a client cannot."""

import pytest
from support.heavy.templates import heavy_model

from slipway.config.api import CALLER_HEADER

ADDRESS = "${context.identity.sourceIp}"
JWT = "{ authorization: jwt, jwt: { issuer: 'https://issuer.example', audience: [tiny] } }"


@pytest.mark.parametrize(
    ("api", "caller"),
    [
        ("", f"{ADDRESS} ${{context.identity.userArn}}"),
        (f"api: {JWT}", f"{ADDRESS} ${{context.authorizer.claims.sub}}"),
        ("api: { authorization: none }", ADDRESS),
    ],
    ids=["iam", "jwt", "none"],
)
def test_each_way_to_the_tasks_overwrites_the_caller(request, synthesize, api, caller):
    stacks = synthesize(models=heavy_model(), rest=api) if api else request.getfixturevalue("heavy")
    integrations = {
        name: integration["Properties"]
        for name, integration in stacks.of_type("AWS::ApiGatewayV2::Integration").items()
        if integration["Properties"].get("ConnectionType") == "VPC_LINK"
    }
    assert integrations
    assert [each["RequestParameters"] for each in integrations.values()] == [
        {f"overwrite:header.{CALLER_HEADER}": caller} for _ in integrations
    ]
    routes = [route["Properties"] for route in stacks.of_type("AWS::ApiGatewayV2::Route").values()]
    led = [route for route in routes if any(name in str(route["Target"]) for name in integrations)]
    assert "POST /v1/models/tiny-large/predict" in {route["RouteKey"] for route in led}
    assert not any("tiny-large" in route["RouteKey"] for route in routes if route not in led)
