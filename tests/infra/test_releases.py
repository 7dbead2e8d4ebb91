"""The release controller: its schedule, its permissions, and its alarms."""

import json

import pytest
from support.arrows.policies import listed, may, statements_of
from support.arrows.templates import World, read_templates
from support.heavy.templates import heavy_model

from functions.controller.settings import Settings
from slipway.config.deployment.environment import SHADOW
from slipway.config.deployment.keep_warm import KEEP_WARM, LINK_PATH
from slipway.config.heavy import SlotNames


def of_type(template, type_):
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == type_]


def actions_of(template):
    """The controller's permissions: the number of resources by action."""
    (policy,) = of_type(template, "AWS::IAM::Policy")
    found = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions, resources = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            found.setdefault(action, []).extend(resources if isinstance(resources, list) else [resources])
    return found


def test_the_controller_is_called_each_minute_and_not_again_if_it_fails(templates):
    (rule,) = of_type(templates.releases, "AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    (target,) = rule["Targets"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    (calls,) = of_type(templates.releases, "AWS::Lambda::EventInvokeConfig")
    assert (calls["MaximumRetryAttempts"], calls["MaximumEventAgeInSeconds"]) == (0, 60)
    assert "ControllerLive" in json.dumps(calls["Qualifier"])
    (function,) = of_type(templates.releases, "AWS::Lambda::Function")
    assert function["Timeout"] < 60


LOAD_TESTS = ("/$default/GET/v1/models/tiny-sentiment", "/$default/GET/v2/models/tiny-sentiment/versions/*")
"""What tells whether a candidate of the light tier was loaded."""


def test_without_heavy_models_it_changes_nothing_but_records(templates):
    actions = actions_of(templates.releases)
    assert set(actions) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "logs:DescribeSubscriptionFilters",
        "logs:PutSubscriptionFilter",
        "logs:DeleteSubscriptionFilter",
        "logs:FilterLogEvents",
        "logs:StartQuery",
        "logs:GetQueryResults",
        "dynamodb:BatchGetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "sns:Publish",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "execute-api:Invoke",
    }
    assert {each["Fn::Join"][1][-1] for each in actions["execute-api:Invoke"]} == {
        *LOAD_TESTS,
        *(path.replace("sentiment", "tabular") for path in LOAD_TESTS),
    }
    assert [action for action, resources in actions.items() if "*" in resources] == [
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "logs:GetQueryResults",
    ]


def test_it_may_query_exactly_the_log_groups_of_models_that_it_is_told(heavy, templates):
    for made in (heavy, templates):
        world = World(read_templates(made.folder))
        (function,) = [f for f in world.of_type("AWS::Lambda::Function") if f.id.startswith("Controller")]
        told = json.loads(world.text(function.stack, function.properties["Environment"]["Variables"][SHADOW]))
        groups = set(told["logs"].values())
        role = world.target(function.stack, function.properties["Role"])
        allowed = {
            world.text(role.stack, resource)
            for statement in statements_of(world, role)
            if {"logs:FilterLogEvents", "logs:StartQuery"} <= set(listed(statement["Action"]))
            for resource in listed(statement["Resource"])
        }
        assert allowed == groups
        written = {
            world.text(f.stack, f.properties["LoggingConfig"]["LogGroup"]) for f in functions_of(world, "predict")
        }
        written |= {world.text(stack, group) for stack, group in containers_logs(world)}
        assert written == groups
        assert may(world, role, "logs:GetQueryResults", "*")


def functions_of(world, name):
    """The functions whose handler is that of ``name``."""
    return [
        f for f in world.of_type("AWS::Lambda::Function") if f"functions.{name}." in f.properties.get("Handler", "")
    ]


def containers_logs(world):
    """The log groups of the slots' containers that write metric lines."""
    for task in world.of_type("AWS::ECS::TaskDefinition"):
        for container in task.properties["ContainerDefinitions"]:
            yield task.stack, container["LogConfiguration"]["Options"]["awslogs-group"]


def test_it_reads_the_counters_of_feedback_and_writes_none(templates):
    (policy,) = of_type(templates.releases, "AWS::IAM::Policy")
    confined = {
        tuple(each["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]): each["Action"]
        for each in policy["PolicyDocument"]["Statement"]
        if "Condition" in each
    }
    assert confined == {
        ("model#*",): ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"],
        ("reward#*",): "dynamodb:Query",
    }


def test_of_a_heavy_model_it_changes_its_rules_services_and_parameters_only(heavy):
    actions = actions_of(heavy.releases)
    changing = {
        name: len(actions[name])
        for name in ("elasticloadbalancing:ModifyRule", "ecs:UpdateService", "ssm:PutParameter")
    }
    assert changing == {
        "elasticloadbalancing:ModifyRule": 3,
        "ecs:UpdateService": 2,
        "ssm:PutParameter": 4,
    }
    assert not any("*" in actions[name] for name in changing)
    # The stage is named: a `*` in its place matches slashes too, and so would allow any route that ends like these.
    assert [each["Fn::Join"][1][-1] for each in actions["execute-api:Invoke"]] == [
        "/$default/GET/v2/models/tiny-large/versions/*",
        "/$default/POST/v2/models/tiny-large/versions/*/infer",
        *LOAD_TESTS,
        "/$default/GET/slipway/link",
    ]


def rules_of(template):
    """The rules by the first words of their ids, and the targets' permissions by the same."""
    rules = {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::Events::Rule"}
    return {name.rstrip("0123456789ABCDEF"): each["Properties"] for name, each in rules.items()}


def test_every_rule_may_call_the_alias_that_it_targets(heavy, templates):
    for template in (heavy.releases, templates.releases, heavy.serving):
        rules = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::Events::Rule"]
        assert rules
        for name in rules:
            (target,) = template["Resources"][name]["Properties"]["Targets"]
            allowed = [
                permission
                for permission in of_type(template, "AWS::Lambda::Permission")
                if permission["SourceArn"] == {"Fn::GetAtt": [name, "Arn"]}
            ]
            assert [each["FunctionName"] for each in allowed] == [target["Arn"]]
            assert {each["Principal"] for each in allowed} == {"events.amazonaws.com"}


def test_it_runs_once_when_a_deploy_of_the_heavy_stack_has_ended(heavy, templates):
    pattern = rules_of(heavy.releases)["AfterDeploy"]["EventPattern"]
    assert pattern["source"] == ["aws.cloudformation"]
    assert pattern["detail-type"] == ["CloudFormation Stack Status Change"]
    assert pattern["detail"].keys() == {"stack-id", "status-details"}
    assert pattern["detail"]["status-details"] == {"status": ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]}
    (prefix,) = pattern["detail"]["stack-id"]
    assert prefix["prefix"]["Fn::Join"][1][-1].endswith(":stack/tiny-heavy/")
    assert set(rules_of(templates.releases)) == {"EachMinute"}


@pytest.mark.parametrize("authorization", ["iam", "none"])
def test_the_vpc_link_is_used_each_day_by_a_signed_call_that_reaches_no_task(synthesize, authorization):
    made = synthesize(models=heavy_model(), rest=f"api: {{ authorization: {authorization} }}")
    each_day = rules_of(made.releases)["EachDay"]
    assert each_day["ScheduleExpression"] == "rate(1 day)"
    assert json.loads(each_day["Targets"][0]["Input"]) == KEEP_WARM
    routes = [r["Properties"] for r in made.of_type("AWS::ApiGatewayV2::Route").values()]
    (route,) = [each for each in routes if each["RouteKey"] == f"GET {LINK_PATH}"]
    assert route["AuthorizationType"] == "AWS_IAM"
    (heavy_route,) = {str(each["Target"]) for each in routes if "models/tiny-large" in each["RouteKey"]}
    assert str(route["Target"]) == heavy_route
    rules = [r["Properties"] for r in made.of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values()]
    (rule,) = [each for each in rules if each["Priority"] == 50_000]
    assert rule["Conditions"][0]["PathPatternConfig"]["Values"] == [LINK_PATH]
    assert rule["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "200"


def test_the_environment_is_what_the_controller_reads(heavy):
    (function,) = of_type(heavy.releases, "AWS::Lambda::Function")
    variables = function["Environment"]["Variables"]
    # What stands for a name at a deploy is any text.
    given = {name: text_of(value) for name, value in variables.items()}
    settings = Settings.of(given)
    assert settings.deployment.topic == "name"
    assert set(settings.deployment.shadow.logs) == {"tiny-sentiment", "tiny-large"}


def test_what_slots_are_called_is_a_parameter_that_the_controller_may_read(heavy):
    (parameter,) = of_type(heavy.releases, "AWS::SSM::Parameter")
    names = SlotNames(**json.loads(text_of(parameter["Value"])))
    assert set(names.services) == set(names.groups) == {"blue", "green"}
    assert parameter["Name"].endswith("/tiny-large/names")
    readable = [text_of(each) for each in actions_of(heavy.releases)["ssm:GetParameters"]]
    assert sum(each.endswith(f"parameter{parameter['Name']}") for each in readable) == 1


def test_it_subscribes_the_function_of_shadows_to_the_log_groups_of_models_only(heavy):
    actions = actions_of(heavy.releases)
    for action in ("Describe", "Put", "Delete"):
        name = f"logs:{action}SubscriptionFilter{'s' if action == 'Describe' else ''}"
        groups = [each["Fn::ImportValue"] for each in actions[name]]
        assert ["PredictLogs" in groups[0], "TinyLargeModelLogs" in groups[1], len(groups)] == [True, True, 2]


def text_of(value):
    """A value of a template as a text that it may resolve to."""
    if isinstance(value, dict) and "Fn::Join" in value:
        return "".join(part if isinstance(part, str) else "name" for part in value["Fn::Join"][1])
    return value if isinstance(value, str) else "name"


def test_somebody_is_told_when_it_fails_or_is_not_called(templates):
    every = of_type(templates.releases, "AWS::CloudWatch::Alarm")
    alarms = {alarm["Metrics"][0]["MetricStat"]["Metric"]["MetricName"]: alarm for alarm in every}
    assert set(alarms) == {"Errors", "Invocations"}
    assert alarms["Invocations"]["TreatMissingData"] == "breaching"
    assert all(alarm["AlarmActions"] for alarm in alarms.values())
