"""What is logged and traced, and by which rights: on and off."""

import json

import pytest
from support.heavy.templates import container_of, heavy_model
from support.templates import lint

from container.settings import Settings

FUNCTIONS = {"predict", "features", "feedback", "capture", "controller", "shadow", "monitor", "widget"}
XRAY = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@pytest.fixture(scope="module")
def traced(synthesize):
    """The project with traces on, and a captured model on each tier."""
    light = "  tiny-tabular: { versions: [1], stable: 1, capture: { sample: 0.1 } }"
    models = f"{light}\n{heavy_model('capture: { sample: 0.1 }')}"
    return synthesize(models=models, rest="monitoring: { tracing: true, log_level: DEBUG }")


def resources(templates, type_):
    stacks = (templates.state, templates.serving, templates.shadow, templates.releases, templates.heavy)
    return [each["Properties"] for s in stacks for each in s["Resources"].values() if each["Type"] == type_]


def functions(templates):
    """The functions by name; of `capture` there is one for each tier."""
    return [
        (each["Handler"].split(".")[1], each)
        for each in resources(templates, "AWS::Lambda::Function")
        if each.get("Handler", "").startswith("functions.")
    ]


def variables_of(function):
    return function["Environment"]["Variables"]


def statements(templates):
    """Each statement that allows something of X-Ray."""
    every = [s for p in resources(templates, "AWS::IAM::Policy") for s in p["PolicyDocument"]["Statement"]]
    return [each for each in every if "xray" in json.dumps(each["Action"])]


def test_each_function_says_who_it_is_and_logs_from_the_level_of_slipway_yaml(capturing, traced):
    for templates, level, off in ((capturing, "INFO", "true"), (traced, "DEBUG", "false")):
        assert {name for name, _ in functions(templates)} == FUNCTIONS
        for name, function in functions(templates):
            variables = variables_of(function)
            assert variables["POWERTOOLS_SERVICE_NAME"] == f"tiny-{name}"
            assert variables["POWERTOOLS_LOG_LEVEL"] == level
            assert variables["POWERTOOLS_TRACE_DISABLED"] == off


def test_without_tracing_nothing_is_traced_and_nothing_may_be_sent(capturing):
    assert not [name for name, function in functions(capturing) if "TracingConfig" in function]
    assert statements(capturing) == []
    for slot in ("Blue", "Green"):
        assert not [each for each in container_of(capturing, slot)["Environment"] if each["Name"].startswith("OTEL")]


def test_with_tracing_each_function_may_send_its_traces_and_nothing_more(traced):
    assert {
        name for name, function in functions(traced) if function["TracingConfig"] == {"Mode": "Active"}
    } == FUNCTIONS
    of_functions = [each for each in statements(traced) if isinstance(each["Action"], list)]
    assert len(of_functions) == len(functions(traced))
    assert all(set(each["Action"]) == XRAY and each["Resource"] == "*" for each in of_functions)


def test_with_tracing_tasks_send_theirs_by_the_endpoint_of_the_vpc(traced):
    (of_tasks,) = [each for each in statements(traced) if isinstance(each["Action"], str)]
    assert (of_tasks["Action"], of_tasks["Resource"]) == ("xray:PutTraceSegments", "*")
    endpoints = [json.dumps(each["ServiceName"]) for each in resources(traced, "AWS::EC2::VPCEndpoint")]
    assert len([name for name in endpoints if "xray" in name]) == 1
    for slot in ("Blue", "Green"):
        variables = {each["Name"]: each["Value"] for each in container_of(traced, slot)["Environment"]}
        assert variables["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
        assert variables["OTEL_SERVICE_NAME"] == variables["POWERTOOLS_SERVICE_NAME"] == "tiny-tiny-large"
        endpoint = "".join(
            part
            if isinstance(part, str)
            else {"AWS::Region": "eu-west-1", "AWS::URLSuffix": "amazonaws.com"}[part["Ref"]]
            for part in variables["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]["Fn::Join"][1]
        )
        assert endpoint == "https://xray.eu-west-1.amazonaws.com/v1/traces"
        given = {"SLIPWAY_MODEL": "m", "SLIPWAY_VERSION": "1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}
        assert Settings.of(given).traces_endpoint == endpoint


def test_the_templates_with_tracing_are_valid(traced):
    for template in (traced.serving, traced.heavy, traced.shadow, traced.releases):
        assert lint(template) == []
