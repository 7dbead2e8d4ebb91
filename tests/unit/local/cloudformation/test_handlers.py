"""The added resource types on top of MiniStack's own handlers, in this process."""

from typing import Any

import pytest
from ministack.services import cloudwatch, dynamodb, ecs
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local.emulator.cloudformation import alarms, capacity, records, secrets, tables

KEYS = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
TTL = {"AttributeName": "expires_at", "Enabled": True}
RECOVERY = {"PointInTimeRecoveryEnabled": True}
TABLE = {**KEYS, "TimeToLiveSpecification": TTL, "PointInTimeRecoverySpecification": RECOVERY}
EXPRESSION = [{"Id": "rate", "Expression": "100 * errors / requests", "ReturnData": True}]
ALARM = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 1, "EvaluationPeriods": 1}


def handler_of(module: Any, kind: str) -> Any:
    return module.handlers(_RESOURCE_HANDLERS)[kind]


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::DynamoDB::Table", {**TABLE, "DeletionProtectionEnabled": True}),
        (
            "AWS::DynamoDB::GlobalTable",
            {
                **KEYS,
                "TimeToLiveSpecification": TTL,
                "Replicas": [
                    {
                        "Region": "us-east-1",
                        "PointInTimeRecoverySpecification": RECOVERY,
                        "DeletionProtectionEnabled": True,
                    }
                ],
            },
        ),
    ],
)
def test_a_table_gets_all_that_its_template_says(kind: str, properties: dict[str, Any]) -> None:
    name, _ = handler_of(tables, kind)["create"]("Table" + kind[-5:], properties, "stack")

    assert dynamodb._ttl_settings[name] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    assert dynamodb._pitr_settings[name] is True
    assert dynamodb._tables[name]["DeletionProtectionEnabled"] is True


def test_a_table_without_them_gets_none() -> None:
    name, _ = handler_of(tables, "AWS::DynamoDB::Table")["create"]("Plain", KEYS, "stack")

    assert name not in dynamodb._ttl_settings
    assert name not in dynamodb._pitr_settings
    assert dynamodb._tables[name]["DeletionProtectionEnabled"] is False


def test_a_changed_table_gets_what_is_new() -> None:
    handler = handler_of(tables, "AWS::DynamoDB::Table")
    name, _ = handler["create"]("Changing", KEYS, "stack")

    handler["update"](name, KEYS, TABLE, "stack", "Changing")

    assert dynamodb._ttl_settings[name]["AttributeName"] == "expires_at"


@pytest.mark.parametrize(("stat", "key"), [("Sum", "Statistic"), ("p99", "ExtendedStatistic")])
def test_an_alarm_on_a_list_of_one_metric_is_on_that_metric(stat: str, key: str) -> None:
    metric = {"Namespace": "Slipway", "MetricName": "Latency", "Dimensions": [{"Name": "Project", "Value": "demo"}]}
    listed = [{"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, "Label": "a word"}]

    name, _ = handler_of(alarms, "AWS::CloudWatch::Alarm")["create"](f"One{key}", {**ALARM, "Metrics": listed}, "stack")

    alarm = cloudwatch._alarms[name]
    assert (alarm["MetricName"], alarm["Period"], alarm[key]) == ("Latency", 60, stat)
    assert alarm["Dimensions"] == metric["Dimensions"]


def test_an_alarm_on_an_expression_is_in_no_state_where_no_data_is_bad() -> None:
    properties = {**ALARM, "Metrics": EXPRESSION, "TreatMissingData": "breaching"}

    name, _ = handler_of(alarms, "AWS::CloudWatch::Alarm")["create"]("Breaching", properties, "stack")

    assert cloudwatch._alarms[name]["StateValue"] == "INSUFFICIENT_DATA"


def test_an_alarm_on_an_expression_is_kept_and_described() -> None:
    handler = handler_of(alarms, "AWS::CloudWatch::Alarm")

    name, attributes = handler["create"]("Rate", {**ALARM, "Metrics": EXPRESSION}, "stack")

    assert attributes["Arn"].endswith(name)
    alarm = cloudwatch._alarms[name]
    assert alarm["Metrics"] == EXPRESSION
    assert (alarm["Namespace"], alarm["MetricName"], alarm["StateValue"]) == (None, None, "INSUFFICIENT_DATA")


def test_an_alarm_may_change_from_a_metric_to_an_expression() -> None:
    handler = handler_of(alarms, "AWS::CloudWatch::Alarm")
    before = {**ALARM, "MetricName": "Errors", "Namespace": "AWS/Lambda"}
    name, _ = handler["create"]("Turning", before, "stack")
    assert cloudwatch._alarms[name]["MetricName"] == "Errors"

    handler["update"](name, before, {**ALARM, "Metrics": EXPRESSION}, "stack", "Turning")

    assert cloudwatch._alarms[name]["Metrics"] == EXPRESSION


@pytest.mark.parametrize("kind", ["Application", "DeploymentConfig", "DeploymentGroup"])
def test_codedeploy_is_named_as_the_template_says_or_after_the_stack(kind: str) -> None:
    handler = handler_of(records, f"AWS::CodeDeploy::{kind}")

    assert handler["create"]("Canary", {f"{kind}Name": "mine"}, "stack") == ("mine", {})
    assert handler["create"]("Canary", {}, "stack") == ("stack-Canary", {})
    handler["delete"]("mine", {})


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        ("AWS::ApiGatewayV2::VpcLink", "VpcLinkId"),
        ("AWS::EC2::SecurityGroupIngress", "Id"),
        ("AWS::EC2::SecurityGroupEgress", "Id"),
        ("AWS::EC2::EIP", "AllocationId"),
        ("AWS::EC2::NatGateway", "NatGatewayId"),
        ("AWS::ApplicationAutoScaling::ScalingPolicy", "Arn"),
    ],
)
def test_what_is_kept_as_a_name_can_be_referred_to(kind: str, attribute: str) -> None:
    name, attributes = handler_of(records, kind)["create"]("Thing", {}, "stack")

    assert (name, attributes) == ("stack-Thing", {attribute: "stack-Thing"})


def test_a_scalable_target_is_named_as_in_aws() -> None:
    target = {"ResourceId": "service/c/s", "ScalableDimension": "ecs:service:DesiredCount", "ServiceNamespace": "ecs"}

    name, _ = handler_of(records, "AWS::ApplicationAutoScaling::ScalableTarget")["create"]("Scaling", target, "stack")

    assert name == "service/c/s|ecs:service:DesiredCount|ecs"


def test_a_cluster_has_the_capacity_providers_of_its_template() -> None:
    ecs._create_cluster({"clusterName": "demo"})
    name, _ = handler_of(capacity, "AWS::ECS::CapacityProvider")["create"]("Gpus", {}, "stack")
    association = handler_of(capacity, "AWS::ECS::ClusterCapacityProviderAssociations")
    strategy = [{"CapacityProvider": name, "Weight": 1}]

    association["create"](
        "Gpu", {"Cluster": "demo", "CapacityProviders": [name], "DefaultCapacityProviderStrategy": strategy}, "stack"
    )

    assert ecs._clusters["demo"]["capacityProviders"] == ["stack-Gpus"]
    assert ecs._clusters["demo"]["defaultCapacityProviderStrategy"] == [{"capacityProvider": "stack-Gpus", "weight": 1}]
    association["delete"]("demo", {})
    assert ecs._clusters["demo"]["capacityProviders"] == []


def test_a_cluster_that_is_not_there_fails_the_deploy() -> None:
    association = handler_of(capacity, "AWS::ECS::ClusterCapacityProviderAssociations")

    with pytest.raises(ValueError, match="Cluster not found"):
        association["create"]("Gpu", {"Cluster": "none", "CapacityProviders": []}, "stack")


def test_a_task_definition_has_the_secrets_of_its_template_and_of_its_change() -> None:
    handler = handler_of(secrets, "AWS::ECS::TaskDefinition")

    def template(source: str) -> dict[str, Any]:
        secret = {"Name": "SLIPWAY_VERSION", "ValueFrom": source}
        return {"Family": "f", "ContainerDefinitions": [{"Name": "c", "Image": "i", "Secrets": [secret]}]}

    first, _ = handler["create"]("Task", template("/a"), "stack")
    second, _ = handler["update"](first, template("/a"), template("/b"), "stack", "Task")

    found = [ecs._task_defs[arn.rsplit("/", 1)[-1]]["containerDefinitions"][0]["secrets"] for arn in (first, second)]
    assert found == [[{"name": "SLIPWAY_VERSION", "valueFrom": source}] for source in ("/a", "/b")]
