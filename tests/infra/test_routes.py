"""The gateway's routes are those of the apps and of the OpenAPI document."""

import re

import pytest

from infra.stacks.routes import ROUTES
from slipway.config import load_config
from slipway.models.bundle import load_models
from slipway.serving.apis import (
    docs,
    features,
    feedback,
    health,
    model_statistics,
    models,
    oip,
    predict,
    rank,
    repository,
)
from slipway.serving.http.openapi import openapi_document
from slipway.serving.prediction.served import ServedModels

PREDICT = (
    predict.router,
    rank.router,
    models.router,
    model_statistics.router,
    oip.router,
    repository.router,
    health.router,
)


@pytest.fixture(scope="module")
def served(make_project):
    config_file = make_project()
    config = load_config(config_file)
    return ServedModels(config, load_models(config, config_file.parent))


def methods_and_paths(*routers):
    """As API Gateway writes them: what may hold a slash ends in a plus."""
    return {
        (method, route.path.replace(":path}", "+}"))
        for router in routers
        for route in router.routes
        for method in route.methods
    }


def test_each_function_gets_the_routes_that_its_app_answers():
    assert set(ROUTES["predict"]) == methods_and_paths(*PREDICT, docs.router)
    assert set(ROUTES["features"]) == methods_and_paths(features.router)
    assert set(ROUTES["feedback"]) == methods_and_paths(feedback.router)


def test_the_gateway_lets_through_what_the_description_names(served):
    document = openapi_document(served, (*PREDICT, features.router, feedback.router))
    described = [(method.upper(), path) for path, operations in document["paths"].items() for method in operations]
    assert len(described) > 20
    assert [operation for operation in described if not any(matches(operation, route) for route in every_route())] == []


def every_route():
    return [route for routes in ROUTES.values() for route in routes]


def matches(operation, route):
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(route[1]).replace(r"\+\}", r"\}"))
    return operation[0] == route[0] and re.fullmatch(pattern, operation[1])


def test_the_template_has_these_routes_and_no_other(templates):
    keys = {r["Properties"]["RouteKey"] for r in templates.of_type("AWS::ApiGatewayV2::Route").values()}
    assert keys == {f"{method} {path}" for routes in ROUTES.values() for method, path in routes}
