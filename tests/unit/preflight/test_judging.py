"""What is judged to stop a deploy, and what is only worth knowing."""

from dataclasses import replace

import pytest

from slipway.config import parse_config
from slipway.preflight import judging
from slipway.preflight.needs import Needs, needs_of
from slipway.preflight.results import Result, Status, unknown, worst

LIGHT = "models: { small: { versions: [1], stable: 1 } }"
HEAVY = "models: { large: { tier: heavy, versions: [1], stable: 1, heavy: { cpu: 2, min_tasks: 2, max_tasks: 4 } } }"
GPU = """\
models:
  large: { tier: heavy, versions: [1], stable: 1, heavy: { compute: gpu, cpu: 3, memory_mb: 12000, max_tasks: 2 } }
network: { nat_gateways: 1 }
"""
TRAINED = """\
models:
  one: { versions: [1], stable: 1, training: { recipe: "r:train", compute: gpu, gpus: 4, size: { vcpus: 40 } } }
  two: { versions: [1], stable: 1, training: { recipe: "r:train", compute: gpu } }
  three: { versions: [1], stable: 1, training: { recipe: "r:train", compute: gpu, spot: true } }
"""
TEMPLATE = {
    "Parameters": {"BootstrapVersion": {"Default": "/cdk-bootstrap/own/version"}},
    "Rules": {
        "CheckBootstrapVersion": {"Assertions": [{"AssertDescription": "CDK bootstrap stack version 6 required."}]}
    },
}


def needs(text: str = LIGHT) -> Needs:
    return needs_of(parse_config(text), {"stack": TEMPLATE})


def test_the_templates_say_what_bootstrap_they_need() -> None:
    assert (needs().bootstrap_parameter, needs().bootstrap_version) == ("/cdk-bootstrap/own/version", 6)


def test_a_deploy_needs_both_slots_of_every_heavy_model() -> None:
    assert (needs(HEAVY).fargate_vcpus, needs(HEAVY).most_fargate_vcpus) == (8, 16)
    assert (needs(GPU).gpu_vcpus, needs(GPU).most_gpu_vcpus) == (8, 16)
    assert (needs().fargate_vcpus, needs().gpu_vcpus, needs().image) == (0, 0, False)


def test_training_on_gpus_needs_its_largest_run_and_would_like_all() -> None:
    assert needs(TRAINED).training_gpu_vcpus == (40, 44)
    assert needs(TRAINED).training_spot_vcpus == (4, 4)
    assert (needs(GPU).training_gpu_vcpus, needs(GPU).training_spot_vcpus) == ((0, 0), (0, 0))


@pytest.mark.parametrize(("compute", "image"), [("lambda", False), ("fargate", True), ("gpu", True)])
def test_training_in_a_task_needs_an_image(compute: str, image: bool) -> None:
    training = f'{{ recipe: "r:train", compute: {compute} }}'
    assert needs(f"models: {{ small: {{ versions: [1], stable: 1, training: {training} }} }}").image is image


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (judging.judge_region(None, ["us-east-1"]), Status.FAILS),
        (judging.judge_region("mars-north-1", ["us-east-1"]), Status.WARNING),
        (judging.judge_region("us-east-1", ["us-east-1"]), Status.FINE),
        (judging.judge_bootstrap(None, needs()), Status.FAILS),
        (judging.judge_bootstrap(5, needs()), Status.FAILS),
        (judging.judge_bootstrap(6, needs()), Status.FINE),
        (judging.judge_node(None), Status.FAILS),
        (judging.judge_node("v20.11.0"), Status.WARNING),
        (judging.judge_node("v22.1.0"), Status.FINE),
        (judging.judge_cdk(None, "2.1"), Status.FAILS),
        (judging.judge_cdk("3.0.0", "2.1"), Status.FAILS),
        (judging.judge_cdk("2.1", "2.1"), Status.FINE),
        (judging.judge_cdk("2.1", None), Status.FINE),
        (judging.judge_docker("docker", needs(), answers=False), Status.FINE),
        (judging.judge_docker("docker", needs(HEAVY), answers=False), Status.FAILS),
        (judging.judge_docker("docker", needs(HEAVY), answers=True), Status.FINE),
        (judging.judge_zones("us-east-1", ["use1-az1", "use1-az2", "use1-az3"]), Status.FINE),
        (judging.judge_zones("us-east-1", ["use1-az3", "use1-az4", "use1-az5"], ("use1-az4", "use1-az5")), Status.FINE),
        (judging.judge_zones("us-east-1", ["use1-az3", "use1-az4", "use1-az5"]), Status.FAILS),
        (judging.judge_zones("eu-central-2", ["euc2-az1", "euc2-az2"]), Status.FAILS),
        (judging.judge_concurrency(1000, 1000, needs()), Status.FINE),
        (judging.judge_concurrency(10, 10, needs()), Status.WARNING),
        (judging.judge_vcpus("vCPU", 6, 8, 16), Status.FAILS),
        (judging.judge_vcpus("vCPU", 8, 8, 16), Status.WARNING),
        (judging.judge_vcpus("vCPU", 16, 8, 16), Status.FINE),
        (judging.judge_training_vcpus("G", 39, (40, 44)), Status.WARNING),
        (judging.judge_training_vcpus("G", 40, (40, 44)), Status.WARNING),
        (judging.judge_training_vcpus("G", 44, (40, 44)), Status.FINE),
        (judging.judge_training_vcpus("G", 44, (40, 44), standing=8), Status.WARNING),
        (judging.judge_http_apis(600, deployed=False), Status.FAILS),
        (judging.judge_http_apis(600, deployed=True), Status.FINE),
        (judging.judge_request_rate(100, needs()), Status.WARNING),
        (judging.judge_request_rate(10_000, needs()), Status.FINE),
        (judging.judge_linked_roles(["AWSServiceRoleForECS"]), Status.WARNING),
        (judging.judge_linked_roles([]), Status.FINE),
        (judging.judge_snap_start("ap-east-2", needs()), Status.FAILS),
        (judging.judge_snap_start("cn-north-1", needs()), Status.FAILS),
        (judging.judge_snap_start("eu-west-1", needs()), Status.FINE),
        (judging.judge_snap_start("ap-east-2", replace(needs(), snap_start=False)), Status.FINE),
    ],
)
def test_each_judgement_says_what_happens_and_how_to_mend_it(result: Result, status: Status) -> None:
    assert result.status is status
    assert bool(result.consequence) == bool(result.mend) == (status is not Status.FINE)


def test_reserved_concurrency_that_is_deployed_already_is_not_counted_twice() -> None:
    reserving = replace(needs(), reserved_concurrency=200)
    assert judging.judge_concurrency(1000, 250, reserving).status is Status.FAILS
    assert judging.judge_concurrency(1000, 250, reserving, deployed=200).status is Status.FINE


def test_a_missing_role_is_made_by_the_command_of_its_own_service() -> None:
    result = judging.judge_linked_roles(["AWSServiceRoleForAPIGateway"])
    assert result.mend == "`aws iam create-service-linked-role --aws-service-name ops.apigateway.amazonaws.com`"


def test_the_worst_decides() -> None:
    fine, warning = Result("a", Status.FINE, ""), Result("b", Status.WARNING, "", "c", "d")
    fails = Result("c", Status.FAILS, "", "x", "y")
    assert worst([]) is Status.FINE
    assert worst([fine, warning]) is Status.WARNING
    assert worst([warning, unknown("q", "no rights")]) is Status.UNKNOWN
    assert worst([unknown("q", "no rights"), fails, fine]) is Status.FAILS
