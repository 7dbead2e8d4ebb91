"""Training on GPUs: instances for the time of a run, and what their tasks may do."""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from support.arrows.templates import World, read_templates
from support.templates import lint
from support.training_templates import folders, keys_written, statements, states

from slipway.cost.estimate import estimate
from slipway.cost.prices import load_prices

TASKS = ("TinyTabularTask", "TinyOtherTask")


@pytest.fixture(scope="module")
def world(gpu_training: Any) -> World:
    return World(read_templates(gpu_training.folder))


@pytest.fixture(scope="module")
def resources(gpu_training: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = gpu_training.training["Resources"]
    return found


def of_type(resources: dict[str, dict[str, Any]], type_: str) -> dict[str, dict[str, Any]]:
    return {id_: each["Properties"] for id_, each in resources.items() if each["Type"] == type_}


def of_model(found: dict[str, dict[str, Any]], prefix: str) -> dict[str, Any]:
    (one,) = (each for id_, each in found.items() if id_.startswith(prefix))
    return one


def requirements_of(provider: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = provider["ManagedInstancesProvider"]["InstanceLaunchTemplate"]["InstanceRequirements"]
    return found


@pytest.mark.parametrize(
    ("model", "gpus", "size", "types"),
    [("TinyTabular", 1, (3, 12_288), ["g6.*"]), ("TinyOther", 4, (40, 160_000), ["g4dn.*", "g5.*", "g6.*"])],
)
def test_a_task_asks_for_its_gpus_and_its_instances_have_as_many(
    resources: dict[str, Any], model: str, gpus: int, size: tuple[int, int], types: list[str]
) -> None:
    vcpus, memory_mb = size
    task = of_model(of_type(resources, "AWS::ECS::TaskDefinition"), model)
    (container,) = task["ContainerDefinitions"]
    assert task["RequiresCompatibilities"] == ["MANAGED_INSTANCES"]
    assert (task["Cpu"], task["Memory"], task["NetworkMode"]) == (str(vcpus * 1024), str(memory_mb), "awsvpc")
    assert container["ResourceRequirements"] == [{"Type": "GPU", "Value": str(gpus)}]
    assert (container["ReadonlyRootFilesystem"], container["User"]) == (True, "10001:10001")
    wanted = requirements_of(of_model(of_type(resources, "AWS::ECS::CapacityProvider"), model))
    assert wanted["AcceleratorCount"] == {"Min": gpus, "Max": gpus}
    assert (wanted["VCpuCount"], wanted["MemoryMiB"]) == ({"Min": vcpus}, {"Min": memory_mb})
    assert (wanted["AcceleratorTypes"], wanted["AcceleratorManufacturers"]) == (["gpu"], ["nvidia"])
    assert wanted["AllowedInstanceTypes"] == types


def test_spot_is_asked_for_only_where_slipway_yaml_does(resources: dict[str, Any]) -> None:
    providers = of_type(resources, "AWS::ECS::CapacityProvider")
    options = {
        model: of_model(providers, model)["ManagedInstancesProvider"]["InstanceLaunchTemplate"].get(
            "CapacityOptionType"
        )
        for model in ("TinyTabular", "TinyOther")
    }
    assert options == {"TinyTabular": None, "TinyOther": "SPOT"}


@pytest.mark.parametrize(("model", "minutes"), [("TinyTabular", 60), ("TinyOther", 60)])
def test_each_model_trains_on_its_own_instances_within_its_time(
    world: World, resources: dict[str, Any], model: str, minutes: int
) -> None:
    train = states(world)[f"Train{model}"]
    assert train["Resource"].endswith(":states:::ecs:runTask.sync")
    assert train["TimeoutSeconds"] == minutes * 60
    parameters = train["Parameters"]
    (item,) = parameters["CapacityProviderStrategy"]
    assert f"{model}Gpus" in item["CapacityProvider"]
    assert {"LaunchType", "PlatformVersion"}.isdisjoint(parameters)
    assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"].get("AssignPublicIp", "DISABLED") == "DISABLED"
    again = states(world)[train["Catch"][0]["Next"]]
    assert (again["Choices"][0]["Next"], again["Default"]) == (f"Train{model}", "NoteFailure")


def test_an_instance_is_ended_a_minute_after_its_task(resources: dict[str, Any]) -> None:
    found = of_type(resources, "AWS::ECS::CapacityProvider").values()
    idle = [each["ManagedInstancesProvider"]["InfrastructureOptimization"] for each in found]
    assert idle == [{"ScaleInAfter": 60}] * 2


def test_nothing_of_it_costs_money_while_nothing_is_trained(resources: dict[str, Any]) -> None:
    charged = {"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::Instance", "AWS::ECS::Service"}
    assert not {each["Type"] for each in resources.values()} & {*charged, "AWS::AutoScaling::AutoScalingGroup"}
    endpoints = of_type(resources, "AWS::EC2::VPCEndpoint").values()
    assert {each["VpcEndpointType"] for each in endpoints} == {"Gateway"}


def test_only_the_instance_has_an_address_and_nothing_can_connect(resources: dict[str, Any], training: Any) -> None:
    subnets = of_type(resources, "AWS::EC2::Subnet").values()
    assert [each["MapPublicIpOnLaunch"] for each in subnets] == [True, True]
    (group,) = of_type(resources, "AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group
    assert [each["FromPort"] for each in group["SecurityGroupEgress"]] == [443]
    on_fargate = of_type(training.training["Resources"], "AWS::EC2::Subnet").values()
    assert [each["MapPublicIpOnLaunch"] for each in on_fargate] == [False, False]


@pytest.mark.parametrize(("task", "model"), [("TinyTabularTask", "tiny-tabular"), ("TinyOtherTask", "tiny-other")])
def test_a_task_writes_no_more_than_drafts_of_its_model(resources: dict[str, Any], task: str, model: str) -> None:
    assert statements(resources, f"{task}Role")
    assert keys_written(resources, f"{task}Role") == set()
    assert folders(resources, f"{task}Role", "s3:PutObject") == {f"drafts/{model}/*"}


def test_the_machine_runs_these_tasks_in_this_cluster_and_passes_their_roles_alone(resources: dict[str, Any]) -> None:
    allowed = statements(resources, "RetrainRole")
    runs = [each for each in allowed if "ecs:RunTask" in each["Action"]]
    assert len(runs) == len(TASKS)
    assert all("ecs:cluster" in str(each["Condition"]) for each in runs)
    passed = str([each["Resource"] for each in allowed if "iam:PassRole" in each["Action"]])
    assert all(f"{task}{role}" in passed for task in TASKS for role in ("Role", "StartRole"))
    assert "Gpus" not in passed


def test_only_ecs_and_its_instances_have_the_roles_of_the_capacity(resources: dict[str, Any]) -> None:
    roles = {id_: each for id_, each in of_type(resources, "AWS::IAM::Role").items() if "Gpus" in id_}
    services = {
        each["Principal"]["Service"]
        for role in roles.values()
        for each in role["AssumeRolePolicyDocument"]["Statement"]
    }
    assert services == {"ecs.amazonaws.com", "ec2.amazonaws.com"}
    names = [role["RoleName"] for role in roles.values() if "RoleName" in role]
    assert len({str(name) for name in names}) == len(TASKS)
    assert all("ecsInstanceRole-" in str(name) for name in names)


def test_the_bill_has_an_hour_of_it_and_nothing_by_the_hour_when_idle(gpu_training: Any) -> None:
    bill = estimate({"training": gpu_training.training}, load_prices("us-east-1"))
    assert not bill.idle
    found = {line.item: line.how for line in bill.training}
    assert found["Training TinyTabular: instance"] == "g6.xlarge"
    assert bill.unpriced == {"AWS::ECS::CapacityProvider": 1}  # with four GPUs, whose price the file lacks


def test_cfn_lint_has_nothing_to_say(gpu_training: Any) -> None:
    assert lint(gpu_training.training) == []


def test_with_fargate_and_gpus_each_model_trains_where_it_asks_to(synthesize: Callable[..., Any]) -> None:
    model = '{{ versions: [1], stable: 1, capture: {{ sample: 1 }}, training: {{ recipe: "recipe:train", {} }} }}'
    both = f"  tiny-tabular: {model.format('compute: gpu')}\n  tiny-other: {model.format('spot: true')}"
    synthesized = synthesize(models=both)
    found = states(World(read_templates(synthesized.folder)))
    strategies = {
        name: found[f"Train{name}"]["Parameters"]["CapacityProviderStrategy"][0]["CapacityProvider"]
        for name in ("TinyTabular", "TinyOther")
    }
    assert strategies["TinyOther"] == "FARGATE_SPOT"
    assert "TinyTabularGpus" in strategies["TinyTabular"]
    assert found["TrainTinyOther"]["Parameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"]


@pytest.mark.parametrize(
    ("cause", "again"),
    [
        ({"StopCode": "SpotInterruption", "StoppedReason": "Your Spot Task was interrupted."}, True),
        ({"StopCode": "TerminationNotice", "StoppedReason": "Host EC2 (instance i-1) stopped."}, True),
        ({"StopCode": "EssentialContainerExited", "StoppedReason": "Host EC2 (instance i-1) terminated."}, True),
        ({"StopCode": "EssentialContainerExited", "Overrides": '{"reason": "after the Spot interruption"}'}, False),
        ({"StopCode": "EssentialContainerExited", "Overrides": '{"StopCode":"SpotInterruption"}'}, False),
    ],
)
def test_a_run_is_started_again_after_what_aws_took_back_and_whatever_its_reason_says(
    world: World, cause: dict[str, str], again: bool
) -> None:
    choices = [each for name, each in states(world).items() if name.endswith("Again")]
    assert choices
    patterns = [each["StringMatches"] for each in choices[0]["Choices"][0]["And"][1]["Or"]]
    said = json.dumps(cause, separators=(",", ":"))
    assert any(fnmatchcase(said, each) for each in patterns) is again
