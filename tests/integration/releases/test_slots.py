"""What the controller has of a heavy model's slots: the adapters against moto, and the slots of the unit tests."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from fakes.slots import Cloud, Slot
from moto import mock_aws
from support.releases.records import NOW

from slipway.config.heavy import version_paths
from slipway.errors import UnavailableError
from slipway.releases.controller.heavy import Balancer, Parameters, Services
from slipway.releases.controller.listener import SlotBalancer
from slipway.releases.controller.parameters import SlotParameters
from slipway.releases.controller.services import SlotServices

OPTIONS = {"region_name": "eu-west-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
SLOTS = ("blue", "green")


def client(service: str) -> Any:
    return boto3.client(service, **OPTIONS)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


@pytest.fixture
def rules() -> dict[str, Any]:
    """A listener with a rule for each slot and one for both."""
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zones = [f"eu-west-1{letter}" for letter in "ab"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for n, zone in enumerate(zones)
    ]
    balancer = elb.create_load_balancer(Name="test", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    groups = {
        slot: elb.create_target_group(Name=slot, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0][
            "TargetGroupArn"
        ]
        for slot in SLOTS
    }
    refuse = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[refuse])[
        "Listeners"
    ][0]["ListenerArn"]

    def rule(priority: int, path: str, *targets: dict[str, Any]) -> str:
        made = elb.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": list(targets)}}],
        )
        return str(made["Rules"][0]["RuleArn"])

    own = {
        slot: rule(place, f"/v1/models/large/versions/{place}/*", {"TargetGroupArn": groups[slot], "Weight": 1})
        for place, slot in enumerate(SLOTS, 1)
    }
    both = [{"TargetGroupArn": groups[slot], "Weight": weight} for slot, weight in zip(SLOTS, (100, 0), strict=True)]
    return {"own": own, "weighted": rule(9, "/v1/models/large/*", *both), "groups": groups}


@pytest.fixture(params=["memory", "aws"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def balancer(kind: str, request: pytest.FixtureRequest) -> Balancer:
    if kind == "memory":
        return Cloud(NOW)
    rules = request.getfixturevalue("rules")
    return SlotBalancer(rules["weighted"], rules["groups"], OPTIONS)


@pytest.fixture
def services(kind: str) -> Services:
    if kind == "memory":
        return Cloud(NOW, {slot: Slot(0, 0, desired=1) for slot in SLOTS})
    ecs = client("ecs")
    ecs.create_cluster(clusterName="demo")
    container = {"name": "main", "image": "x", "memory": 128}
    definition = ecs.register_task_definition(family="demo", containerDefinitions=[container])
    arn = definition["taskDefinition"]["taskDefinitionArn"]
    for slot in SLOTS:
        ecs.create_service(cluster="demo", serviceName=f"demo-{slot}", taskDefinition=arn, desiredCount=1)
    return SlotServices("demo", {slot: f"demo-{slot}" for slot in SLOTS}, OPTIONS)


@pytest.fixture
def parameters(kind: str) -> Parameters:
    if kind == "memory":
        return Cloud(NOW)
    for slot in SLOTS:
        for value, text in (("version", "1"), ("weight", "100" if slot == "blue" else "0")):
            client("ssm").put_parameter(Name=f"/demo/large/{slot}/{value}", Value=text, Type="String")
    return SlotParameters("demo", OPTIONS)


def test_weights_are_set_for_both_slots_at_once(balancer: Balancer) -> None:
    assert balancer.weights() == {"blue": 100, "green": 0}
    balancer.set_weights({"blue": 95, "green": 5})
    assert balancer.weights() == {"blue": 95, "green": 5}


def test_a_slot_answers_for_the_version_that_it_serves(rules: dict[str, Any]) -> None:
    SlotBalancer(rules["weighted"], rules["groups"], OPTIONS).answer("green", "large", 7)
    found = client("elbv2").describe_rules(RuleArns=list(rules["own"].values()))["Rules"]
    paths = {rule["RuleArn"]: rule["Conditions"][0]["PathPatternConfig"]["Values"] for rule in found}
    assert paths[rules["own"]["green"]] == list(version_paths("large", "7"))
    assert paths[rules["own"]["blue"]] == ["/v1/models/large/versions/1/*"]


def test_the_versions_that_slots_answer_for_are_read(rules: dict[str, Any]) -> None:
    balancer = SlotBalancer(rules["weighted"], rules["groups"], OPTIONS)
    assert balancer.addressed() == {"blue": 0, "green": 0}  # paths that end in a star alone
    balancer.answer("green", "large", 7)
    assert balancer.addressed() == {"blue": 0, "green": 7}


def test_a_slot_without_a_rule_of_its_own_is_named(rules: dict[str, Any]) -> None:
    client("elbv2").delete_rule(RuleArn=rules["own"]["green"])
    with pytest.raises(UnavailableError, match="green"):
        SlotBalancer(rules["weighted"], rules["groups"], OPTIONS).answer("green", "large", 7)


def test_tasks_are_run_and_replaced(services: Services) -> None:
    services.run("green", 3, renew=True)
    tasks = services.tasks()
    assert (tasks["blue"].desired, tasks["green"].desired) == (1, 3)
    assert tasks["green"].since is not None
    services.run("green", 0, renew=False)
    assert services.tasks()["green"].desired == 0


def test_versions_and_weights_are_kept_with_their_time(parameters: Parameters) -> None:
    before = parameters.kept("large")
    assert {slot: (kept.version, kept.weight) for slot, kept in before.items()} == {"blue": (1, 100), "green": (1, 0)}
    parameters.keep_version("large", "green", 2)
    parameters.keep_weight("large", "blue", 60)
    after = parameters.kept("large")
    assert (after["green"].version, after["blue"].weight) == (2, 60)
    assert after["green"].since >= before["green"].since


@pytest.mark.parametrize("kind", ["aws"])
def test_the_versions_of_all_slots_are_read_at_once(parameters: SlotParameters) -> None:
    assert parameters.versions("large") == {"blue": 1, "green": 1}
    parameters.keep_version("large", "green", 2)
    assert parameters.versions("large") == {"blue": 1, "green": 2}
