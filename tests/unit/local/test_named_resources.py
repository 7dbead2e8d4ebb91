"""The resources that calls to the embedded AWS are checked against."""

import json
from typing import Any

import pytest

from local.emulator.named_resources import resource_of

PLACE = "us-east-1:000000000000"
ECS, SSM = "AmazonEC2ContainerServiceV20141113.", "AmazonSSM."


def asked(service: str, target: str = "", body: Any = None, **parameters: Any) -> str | None:
    return resource_of(service, target, json.dumps(body).encode(), parameters, PLACE)


@pytest.mark.parametrize("cluster", ["main", f"arn:aws:ecs:{PLACE}:cluster/main"])
@pytest.mark.parametrize(
    ("action", "named"), [("DescribeServices", {"services": ["web", "db"]}), ("UpdateService", {"service": "web"})]
)
def test_a_service_is_named_with_its_cluster(cluster: str, action: str, named: dict[str, Any]) -> None:
    found = asked("ecs", ECS + action, {"cluster": cluster, **named})

    assert found == f"arn:aws:ecs:{PLACE}:service/main/web"


def test_a_services_own_arn_stays() -> None:
    arn = f"arn:aws:ecs:{PLACE}:service/main/web"

    assert asked("ecs", ECS + "UpdateService", {"cluster": "main", "service": arn}) == arn


@pytest.mark.parametrize("name", ["/demo/blue/version", "demo/blue/version"])
def test_of_several_parameters_the_first_is_named(name: str) -> None:
    found = asked("ssm", SSM + "GetParameters", {"Names": [name, "/demo/other"]})

    assert found == f"arn:aws:ssm:{PLACE}:parameter/demo/blue/version"


@pytest.mark.parametrize(
    "action",
    [
        *("DescribeSubscriptionFilters", "PutSubscriptionFilter", "DeleteSubscriptionFilter"),
        *("FilterLogEvents", "StartQuery"),
    ],
)
def test_a_log_groups_arn_has_the_end_that_policies_need(action: str) -> None:
    assert (
        asked("logs", f"Logs_20140328.{action}", {"logGroupName": "/one"}) == f"arn:aws:logs:{PLACE}:log-group:/one:*"
    )


@pytest.mark.parametrize("given", ["arn:rule", ["arn:rule"]])
def test_a_rule_is_named_by_its_arn(given: object) -> None:
    assert asked("elasticloadbalancing", RuleArn=given) == "arn:rule"


@pytest.mark.parametrize(
    ("service", "target", "body"),
    [
        ("ecs", ECS + "ListServices", {"cluster": "main"}),
        ("ecs", ECS + "DescribeServices", "not a document"),
        ("ssm", SSM + "GetParameters", {}),
        ("ssm", SSM + "GetParameter", {"Name": "/demo"}),
        ("logs", "Logs_20140328.PutLogEvents", {"logGroupName": "/one"}),
        ("logs", "Logs_20140328.PutSubscriptionFilter", {}),
        ("elasticloadbalancing", "", None),
        ("s3", "", None),
    ],
)
def test_the_rest_is_left_to_ministack(service: str, target: str, body: object) -> None:
    assert asked(service, target, body) is None
