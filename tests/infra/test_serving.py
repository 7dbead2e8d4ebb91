"""The functions, their API, and the deployment of new code."""

import json

import pytest
from support.heavy.templates import heavy_model

from slipway.config.deployment.keep_warm import KEEP_WARM
from slipway.errors import ConfigError
from slipway.serving.settings import Settings

FUNCTIONS = ("Predict", "Features", "Feedback")


def by_prefix(resources, prefix):
    (found,) = [resource["Properties"] for name, resource in resources.items() if name.startswith(prefix)]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_shared_defaults(templates, name):
    properties = by_prefix(templates.of_type("AWS::Lambda::Function"), f"{name}Function")
    assert properties["Handler"] == f"functions.{name.lower()}.handler.handler"
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    # The functions without models are called too seldom for a snapshot, which is paid for by the hour.
    assert properties.get("SnapStart") == ({"ApplyOn": "PublishedVersions"} if name == "Predict" else None)
    assert properties["LoggingConfig"]["LogFormat"] == "Text"
    assert (properties["MemorySize"], properties["Timeout"]) == (1769, 15)
    assert "ReservedConcurrentExecutions" not in properties


def test_settings_of_the_light_tier_reach_the_functions(synthesize):
    changed = synthesize(
        rest="light: { memory_mb: 512, timeout_seconds: 5, reserved_concurrency: 7, snap_start: false, "
        "deployment: all-at-once }\n"
        "monitoring: { log_retention_days: 14 }\n"
    )
    functions = changed.of_type("AWS::Lambda::Function")
    assert {(f["Properties"]["MemorySize"], f["Properties"]["Timeout"]) for f in functions.values()} == {(512, 5)}
    assert not [name for name, function in functions.items() if "SnapStart" in function["Properties"]]
    reserved = {name: f["Properties"].get("ReservedConcurrentExecutions") for name, f in functions.items()}
    assert sorted(reserved.values(), key=str) == [7, None, None]
    assert by_prefix(functions, "PredictFunction")["ReservedConcurrentExecutions"] == 7
    groups = changed.of_type("AWS::CodeDeploy::DeploymentGroup").values()
    assert {g["Properties"]["DeploymentConfigName"] for g in groups} == {"CodeDeployDefault.LambdaAllAtOnce"}
    assert not [name for name in changed.of_type("AWS::CloudWatch::Alarm") if "New" in name]
    assert not changed.of_type("AWS::Events::Rule")
    logs = changed.of_type("AWS::Logs::LogGroup").values()
    assert {log["Properties"]["RetentionInDays"] for log in logs} == {14}


def test_the_handlers_find_what_the_templates_give_them(templates):
    settings = {name: Settings.of(environment_of(templates, f"{name}Function")) for name in FUNCTIONS}
    predict, features, feedback = (settings[name] for name in FUNCTIONS)
    assert (predict.features_table, predict.predictions_table, predict.control_table) == (
        "Features",
        "Predictions",
        "Control",
    )
    assert (features.features_table, features.predictions_table, features.control_table) == ("Features", None, None)
    assert (feedback.features_table, feedback.predictions_table, feedback.control_table) == (None, None, "Control")


def environment_of(templates, prefix):
    """A function's variables, with references to tables replaced by their names."""
    variables = by_prefix(templates.of_type("AWS::Lambda::Function"), prefix)["Environment"]["Variables"]
    return {name: value if isinstance(value, str) else table_of(value) for name, value in variables.items()}


def table_of(reference):
    """The construct id of the table that a variable refers to."""
    export = reference["Fn::ImportValue"].removeprefix("tiny-state:ExportsOutputRef")
    return export[:-16].rstrip("0123456789ABCDEF")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_new_code_goes_live_behind_the_alias_and_back_on_an_alarm(templates, name):
    (alias,) = [a for id_, a in templates.of_type("AWS::Lambda::Alias").items() if id_.startswith(name)]
    assert alias["Properties"]["Name"] == "live"
    group_name = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]
    group = templates.serving["Resources"][group_name]["Properties"]
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarms = [alarm["Name"]["Ref"].rstrip("0123456789ABCDEF") for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == [f"Alarms{name}NewFailing", f"Alarms{name}NewSlow"]


@pytest.mark.parametrize("value", ["true", "True", True])
def test_breaking_the_glass_deploys_at_once_and_asks_no_alarm(synthesize, value):
    broken = synthesize(models=heavy_model(), break_glass=value)
    for group in broken.of_type("AWS::CodeDeploy::DeploymentGroup").values():
        properties = group["Properties"]
        assert properties["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
        assert properties["AlarmConfiguration"] == {"Enabled": False}
        assert properties["AutoRollbackConfiguration"]["Events"] == [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_REQUEST",
        ]
    for service in broken.of_type("AWS::ECS::Service").values():
        configuration = service["Properties"]["DeploymentConfiguration"]
        assert configuration["Alarms"]["Enable"] is False
        # Tasks that do not become ready are no cure.
        assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert [name for name in broken.of_type("AWS::CloudWatch::Alarm") if "NewFailing" in name]


@pytest.mark.parametrize("value", [None, "false", False])
def test_the_glass_is_whole_unless_it_is_broken(synthesize, templates, value):
    groups = synthesize(break_glass=value).of_type("AWS::CodeDeploy::DeploymentGroup")
    assert groups == templates.of_type("AWS::CodeDeploy::DeploymentGroup")


def test_another_word_than_true_or_false_is_refused(synthesize):
    with pytest.raises(ConfigError, match="slipway:break-glass: 'yes' must be true or false"):
        synthesize(break_glass="yes")


def test_a_snapshot_is_used_every_few_days(templates):
    (rule,) = templates.of_type("AWS::Events::Rule").values()
    (target,) = rule["Properties"]["Targets"]
    assert rule["Properties"]["ScheduleExpression"] == "rate(3 days)"
    assert target["Arn"]["Ref"].startswith("PredictLive")
    assert json.loads(target["Input"]) == KEEP_WARM


def test_the_stage_throttles_and_logs_json(templates):
    (stage,) = templates.of_type("AWS::ApiGatewayV2::Stage").values()
    properties = stage["Properties"]
    assert properties["StageName"] == "$default"
    assert properties["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 400, "ThrottlingRateLimit": 200}
    fields = json.loads(properties["AccessLogSettings"]["Format"])
    assert fields["id"] == "$context.requestId"
    assert "Fn::GetAtt" in properties["AccessLogSettings"]["DestinationArn"]


def test_integrations_are_to_the_aliases_in_payload_format_2(templates):
    integrations = [i["Properties"] for i in templates.of_type("AWS::ApiGatewayV2::Integration").values()]
    assert {i["PayloadFormatVersion"] for i in integrations} == {"2.0"}
    targets = json.dumps([i["IntegrationUri"] for i in integrations])
    assert all(f"{name}Live" in targets for name in FUNCTIONS)


def routes_of(templates):
    return {
        r["Properties"]["RouteKey"]: r["Properties"] for r in templates.of_type("AWS::ApiGatewayV2::Route").values()
    }


def test_without_a_word_in_slipway_yaml_callers_sign_their_requests(templates):
    routes = routes_of(templates)
    assert {route["AuthorizationType"] for route in routes.values()} == {"AWS_IAM"}
    assert not templates.of_type("AWS::ApiGatewayV2::Authorizer")
    assert "$default" not in routes
    assert not [key for key in routes if key.startswith("ANY")]


def test_jwt_is_checked_for_issuer_and_audience(synthesize):
    issuer = "https://login.example.com/tenant"
    secured = synthesize(
        rest=f"api: {{ authorization: jwt, jwt: {{ issuer: '{issuer}', audience: [slipway, other] }} }}"
    )
    ((name, authorizer),) = secured.of_type("AWS::ApiGatewayV2::Authorizer").items()
    assert authorizer["Properties"]["AuthorizerType"] == "JWT"
    assert authorizer["Properties"]["JwtConfiguration"] == {"Audience": ["slipway", "other"], "Issuer": issuer}
    for route in routes_of(secured).values():
        assert (route["AuthorizationType"], route["AuthorizerId"]) == ("JWT", {"Ref": name})


GROUPS = {
    "GET /v1/models": "models",
    "POST /v1/models/{model}/predict": "predict",
    "POST /v1/models/{model}/versions/{version}/rank": "predict",
    "POST /v2/models/{model}/infer": "predict",
    "GET /v2/models/{model}": "models",
    "GET /v2/health/ready": "models",
    "GET /docs": "models",
    "GET /v1/features/{entity}/{id+}": "features_read",
    "PUT /v1/features/{entity}/{id+}": "features_write",
    "POST /v1/features/batch-write": "features_write",
    "POST /v1/feedback": "feedback",
}


def test_each_group_of_routes_demands_its_scopes(synthesize):
    named = "predict: [p, all], models: [m], features_read: [r], features_write: [w], feedback: [f]"
    jwt = f"{{ issuer: 'https://login.example.com', audience: [slipway], scopes: {{ {named} }} }}"
    routes = routes_of(synthesize(rest=f"api: {{ authorization: jwt, jwt: {jwt} }}"))
    scopes = {
        "predict": ["p", "all"],
        "models": ["m"],
        "features_read": ["r"],
        "features_write": ["w"],
        "feedback": ["f"],
    }
    assert {key: routes[key]["AuthorizationScopes"] for key in GROUPS} == {key: scopes[GROUPS[key]] for key in GROUPS}
    assert all(route["AuthorizationScopes"] for route in routes.values())


def test_a_group_without_scopes_demands_none(synthesize):
    jwt = "{ issuer: 'https://login.example.com', audience: [slipway], scopes: { features_write: [w] } }"
    routes = routes_of(synthesize(rest=f"api: {{ authorization: jwt, jwt: {jwt} }}"))
    demanding = {key for key, route in routes.items() if route.get("AuthorizationScopes")}
    assert demanding == {"PUT /v1/features/{entity}/{id+}", "POST /v1/features/batch-write"}


def test_everybody_may_call_only_where_it_is_written_out(synthesize):
    opened = synthesize(rest="api: { authorization: none, throttle: { rate: 5, burst: 9 } }")
    assert {route["AuthorizationType"] for route in routes_of(opened).values()} == {"NONE"}
    (stage,) = opened.of_type("AWS::ApiGatewayV2::Stage").values()
    assert stage["Properties"]["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 9, "ThrottlingRateLimit": 5}


def test_the_access_log_has_no_path_and_so_no_entitys_id(templates):
    (stage,) = templates.of_type("AWS::ApiGatewayV2::Stage").values()
    logged = json.loads(stage["Properties"]["AccessLogSettings"]["Format"])
    assert logged["route"] == "$context.routeKey"
    variables = set(logged.values())
    assert not {"$context.path", "$context.resourcePath", "$context.customDomain.basePathMatched"} & variables


def test_the_access_log_is_where_aws_wants_logs_that_it_delivers(templates):
    groups = [group["Properties"].get("LogGroupName") for group in templates.of_type("AWS::Logs::LogGroup").values()]
    assert [name for name in groups if name] == ["/aws/vendedlogs/apis/tiny-serving"]


def test_pages_of_the_origins_in_slipway_yaml_may_call(synthesize, templates):
    (plain,) = templates.of_type("AWS::ApiGatewayV2::Api").values()
    assert "CorsConfiguration" not in plain["Properties"]
    changed = synthesize(rest="api: { cors: { origins: ['https://app.example'], headers: [content-type] } }")
    (api,) = changed.of_type("AWS::ApiGatewayV2::Api").values()
    assert api["Properties"]["CorsConfiguration"] == {
        "AllowHeaders": ["content-type"],
        "AllowMethods": ["GET", "POST", "PUT"],
        "AllowOrigins": ["https://app.example"],
        "ExposeHeaders": ["inference-header-content-length", "retry-after"],
        "MaxAge": 600,
    }
