"""The shadow function: its callers, its permissions, and its bundle."""

import json

import pytest

from functions.shadow.settings import Settings
from infra.bundling import models
from infra.bundling.bundle import Target, build_bundle
from slipway.config import load_config

CAPTURED = "tier: heavy, versions: [1, 2], stable: 1, capture: { sample: 0.5 }"


def of_type(template, type_):
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == type_]


def statements(template):
    (policy,) = of_type(template, "AWS::IAM::Policy")
    return [(each["Action"], each.get("Condition")) for each in policy["PolicyDocument"]["Statement"]]


def on(partition):
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [partition]}}


@pytest.fixture(scope="module")
def shadow(heavy):
    return heavy.shadow


def test_only_the_log_groups_of_models_may_call_it(shadow):
    permissions = of_type(shadow, "AWS::Lambda::Permission")
    assert {each["Principal"] for each in permissions} == {"logs.amazonaws.com"}
    assert {each["Action"] for each in permissions} == {"lambda:InvokeFunction"}
    sources = [each["SourceArn"]["Fn::ImportValue"] for each in permissions]
    assert [any(name in each for each in sources) for name in ("PredictLogs", "TinyLargeModelLogs")] == [True, True]
    assert all(each["SourceAccount"] == {"Ref": "AWS::AccountId"} for each in permissions)
    assert all("ShadowLive" in json.dumps(each["FunctionName"]) for each in permissions)


def test_the_subscription_is_in_no_template(heavy):
    for template in (heavy.shadow, heavy.releases):
        assert of_type(template, "AWS::Logs::SubscriptionFilter") == []


def test_it_reads_releases_and_writes_its_log_and_nothing_else(shadow):
    assert statements(shadow) == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], None),
        ("dynamodb:BatchGetItem", on("model#*")),
    ]


def test_it_may_read_just_the_versions_that_it_takes_from_the_registry(synthesize, monkeypatch):
    """They include the package of a heavy model that is too large for the bundle."""
    monkeypatch.setattr(models, "HEAVY_BYTES_IN_SHADOW", 1000)
    template = synthesize(
        models=f"  tiny-large: {{ {CAPTURED} }}\n  tiny-tabular: {{ versions: [1, 3], stable: 1 }}"
    ).shadow
    assert statements(template)[2:] == [
        ("dynamodb:Query", on("model#tiny-tabular")),
        ("s3:GetObject", None),
        ("dynamodb:Query", on("model#tiny-large")),
        ("s3:GetObject", None),
        ("s3:GetObject", None),
    ]
    (policy,) = of_type(template, "AWS::IAM::Policy")
    resources = [each["Resource"] for each in policy["PolicyDocument"]["Statement"]]
    objects = [each["Fn::Join"][1][1] for each in resources if "Fn::Join" in each]
    assert objects == ["/models/tiny-tabular/3/*", "/models/tiny-large/1/*", "/models/tiny-large/2/*"]
    (function,) = of_type(template, "AWS::Lambda::Function")
    assert "SLIPWAY_MODEL_BUCKET" in function["Environment"]["Variables"]


def test_a_call_that_failed_is_not_made_again(shadow):
    (calls,) = of_type(shadow, "AWS::Lambda::EventInvokeConfig")
    assert (calls["MaximumRetryAttempts"], calls["MaximumEventAgeInSeconds"]) == (0, 300)


def test_the_environment_is_what_it_reads(shadow):
    (function,) = of_type(shadow, "AWS::Lambda::Function")
    given = {
        name: value if isinstance(value, str) else "x" for name, value in function["Environment"]["Variables"].items()
    }
    settings = Settings.of(given)
    assert (settings.control_table, settings.model_bucket) == ("x", None)
    assert (function["MemorySize"], function["Timeout"], function["EphemeralStorage"]) == (1769, 60, {"Size": 512})
    assert "ReservedConcurrentExecutions" not in function


def test_it_is_as_large_as_slipway_yaml_says(synthesize):
    rest = "shadow: { memory_mb: 4096, storage_mb: 2048, timeout_seconds: 300, reserved_concurrency: 3 }"
    (function,) = of_type(synthesize(rest=rest).shadow, "AWS::Lambda::Function")
    assert (function["MemorySize"], function["Timeout"], function["EphemeralStorage"]) == (4096, 300, {"Size": 2048})
    assert function["ReservedConcurrentExecutions"] == 3


def bundled(config_file):
    config = load_config(config_file)
    bundle = build_bundle("shadow", Target.HOST, root=config_file.parent, config_file=config_file, config=config)
    return {path.parent.relative_to(bundle).as_posix() for path in bundle.rglob("model.yaml")}


def test_heavy_models_are_in_its_bundle_as_far_as_they_fit(make_project, monkeypatch):
    line = "  tiny-large: {{ tier: heavy, versions: [1, 2], stable: 1{} }}"
    light = {"models/tiny-sentiment/1", "models/tiny-sentiment/2"}
    assert bundled(make_project(models=line.format(""))) == light | {"models/tiny-large/1", "models/tiny-large/2"}
    gpu = ", heavy: { compute: gpu, cpu: 3, memory_mb: 12000 }"
    nat = "network: { nat_gateways: 1 }"
    assert bundled(make_project(models=line.format(gpu), rest=nat)) == light
    size = sum(file.stat().st_size for file in (make_project().parent / "models/tiny-large/1").iterdir())
    monkeypatch.setattr(models, "HEAVY_BYTES_IN_SHADOW", size)
    assert bundled(make_project(models=line.format(""))) == light | {"models/tiny-large/1"}
