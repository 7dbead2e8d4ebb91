"""The gateway's routes are those of the apps and of the OpenAPI document."""

import re

import pytest
from fakes.features import MemoryFeatureStore

from infra.stacks.routes import ROUTES
from slipway.config import load_config
from slipway.features.definitions import FeatureDefinitions
from slipway.models.bundle import load_models
from slipway.monitoring.feedback.store import MemoryFeedbackStore
from slipway.serving.apis.features import feature_routes
from slipway.serving.apis.feedback import feedback_routes
from slipway.serving.apis.health import health_routes
from slipway.serving.apis.oip import oip_routes
from slipway.serving.apis.predict import v1_routes
from slipway.serving.apis.rank import rank_routes
from slipway.serving.http.openapi import openapi_document
from slipway.serving.prediction.service import PredictionService

DESCRIPTION = ("GET", "/openapi.json")


@pytest.fixture(scope="module")
def config_file(make_project):
    return make_project()


@pytest.fixture(scope="module")
def service(config_file):
    config = load_config(config_file)
    store = MemoryFeatureStore(FeatureDefinitions(config.features))
    return PredictionService(config, load_models(config, config_file.parent), store=store)


def methods_and_paths(routes):
    """Paths as API Gateway writes them: a parameter that may contain a slash ends in a plus."""
    return {(route.method, route.path.replace(":path}", "+}")) for route in routes}


def test_each_function_gets_the_routes_that_its_app_answers(service, config_file):
    config = load_config(config_file)
    definitions = FeatureDefinitions(config.features)
    features = feature_routes(definitions, MemoryFeatureStore(definitions))
    feedback = feedback_routes(config.models, MemoryFeedbackStore())
    predict = [*v1_routes(service), *rank_routes(service), *oip_routes(service), *health_routes()]
    assert set(ROUTES["predict"]) == methods_and_paths(predict) | {DESCRIPTION}
    assert set(ROUTES["features"]) == methods_and_paths(features)
    assert set(ROUTES["feedback"]) == methods_and_paths(feedback)


def test_the_gateway_lets_through_what_the_description_names(service):
    described = [
        (method.upper(), path)
        for path, operations in openapi_document(service)["paths"].items()
        for method in operations
        if method != "parameters"
    ]
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
