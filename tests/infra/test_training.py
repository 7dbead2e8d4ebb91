"""The stack of training: what starts runs, who may write where serving reads, and what an idle one costs."""

import json
from typing import Any

import pytest
from support.arrows.templates import World, read_templates
from support.templates import compare_with_snapshot, lint
from support.training_templates import folders, keys_written, statements, states

from slipway.config.deployment.environment import MODEL_BUCKET
from slipway.errors import ConfigError


@pytest.fixture(scope="module")
def world(training) -> World:
    return World(read_templates(training.folder))


@pytest.fixture(scope="module")
def resources(training) -> dict[str, dict[str, Any]]:
    return training.training["Resources"]


RUNS = {"training#tiny-other", "training#tiny-tabular"}
VERSIONS = {"model#tiny-other", "model#tiny-tabular"}


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("StepsDesk", RUNS),
        ("StepsAssemble", RUNS),
        ("StepsCheck", RUNS),
        ("StepsRegister", RUNS | VERSIONS),
        ("StepsRelease", RUNS | VERSIONS),
        ("StepsTrain", set()),
        ("TinyTabularTaskRole", set()),
    ],
)
def test_only_register_and_release_write_what_serving_reads(resources, role, written):
    assert statements(resources, role)
    assert keys_written(resources, role) == written


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("StepsDesk", set()),
        ("StepsAssemble", {"data/*"}),
        ("StepsTrain", {"drafts/tiny-other/*"}),
        ("TinyTabularTaskRole", {"drafts/tiny-tabular/*"}),
        ("StepsCheck", {"checks/*"}),
        ("StepsRegister", {"states/*", "models/tiny-other/*", "models/tiny-tabular/*"}),
        ("StepsRelease", set()),
    ],
)
def test_each_step_writes_its_own_folder(resources, role, written):
    assert folders(resources, role, "s3:PutObject") == written


def test_only_assembling_reads_captures(resources):
    roles = ("StepsDesk", "StepsCheck", "StepsRegister", "StepsRelease", "StepsTrain", "TinyTabularTaskRole")
    assert "captures/*" in folders(resources, "StepsAssemble", "s3:GetObject")
    assert not [role for role in roles if "captures/*" in folders(resources, role, "s3:GetObject")]


def test_rules_start_runs_of_their_model(resources):
    rules = {id_: each["Properties"] for id_, each in resources.items() if each["Type"] == "AWS::Events::Rule"}
    found = {id_[:-8]: rule for id_, rule in rules.items()}
    pattern = {"detail": {"project": ["tiny"], "model": ["tiny-tabular"]}, "source": ["slipway"]}
    assert found["TinyTabularDrift"]["EventPattern"] == {**pattern, "detail-type": ["Slipway Drift"]}
    assert found["TinyTabularAccuracy"]["EventPattern"] == {**pattern, "detail-type": ["Slipway Accuracy"]}
    assert found["TinyOtherSchedule"]["ScheduleExpression"] == "rate(30 days)"
    given = json.loads(found["TinyTabularDrift"]["Targets"][0]["Input"])
    assert (given["model"], given["trigger"]["kind"]) == ("tiny-tabular", "drift")


def test_a_task_is_awaited_retried_after_spot_and_limited_in_time(world):
    found = states(world)
    train = found["TrainTinyTabular"]
    assert train["Resource"].endswith(":states:::ecs:runTask.sync")
    assert train["TimeoutSeconds"] == 900
    assert train["Parameters"]["CapacityProviderStrategy"][0]["CapacityProvider"] == "FARGATE_SPOT"
    again = found[train["Catch"][0]["Next"]]
    assert again["Choices"][0]["Next"] == "TrainTinyTabular"
    assert again["Default"] == "NoteFailure"


def test_a_task_that_ecs_cannot_start_now_is_started_later(world):
    retries = states(world)["TrainTinyTabular"]["Retry"]
    errors = ["ECS.AmazonECSException", "ECS.ThrottlingException"]
    [found] = [each for each in retries if each["ErrorEquals"] == errors]
    assert (found["IntervalSeconds"], found["MaxAttempts"]) == (60, 5)


def test_every_call_of_a_function_is_tried_again_after_a_passing_error(world):
    calls = {name: each for name, each in states(world).items() if "Train" not in name and each["Type"] == "Task"}
    assert {"Ask", "Begin", "Check", "NoteFailure"} <= calls.keys()
    for name, call in calls.items():
        assert "UnavailableError" in str(call["Retry"]), name


def test_the_machine_runs_tasks_in_its_cluster_and_passes_roles_to_tasks_alone(resources):
    found = {action: each for each in statements(resources, "RetrainRole") for action in each["Action"]}
    [cluster] = [id_ for id_, each in resources.items() if each["Type"] == "AWS::ECS::Cluster"]
    assert found["ecs:RunTask"]["Condition"] == {"ArnEquals": {"ecs:cluster": {"Fn::GetAtt": [cluster, "Arn"]}}}
    assert found["iam:PassRole"]["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_a_task_has_the_size_that_slipway_yaml_names(resources):
    [task] = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ECS::TaskDefinition"]
    assert (task["Cpu"], task["Memory"]) == ("2048", "4096")


def test_every_step_that_fails_is_noted(world):
    found = states(world)
    steps = {name for name, each in found.items() if each["Type"] == "Task"} - {"Begin", "NoteFailure"}
    caught = {name for name in steps if "States.ALL" in str(found[name].get("Catch"))}
    assert caught == steps
    assert found["NoteFailure"]["Next"] == "Failed"


def test_a_person_is_waited_for_no_longer_than_asked(world):
    ask = states(world)["Ask"]
    assert ask["Resource"].endswith(":states:::lambda:invoke.waitForTaskToken")
    assert ask["TimeoutSecondsPath"] == "$.approval_seconds"
    assert ask["Catch"][0] == {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "GiveUpWaiting"}


def test_who_approves_is_written_down_before_the_release(world: World):
    made = states(world)
    assert made["IsApproved"]["Choices"][0]["Next"] == "Approve"
    assert made["Approve"]["Parameters"] == {
        "step": "approve",
        "run.$": "$.run",
        "version.$": "$.registered.version",
        "answer.$": "$.answer",
    }
    assert made["Approve"]["Next"] == made["NeedsApproval"]["Default"] == "IsToBeReleased"


def test_the_machine_is_made_after_its_rights(resources):
    (machine,) = (each for each in resources.values() if each["Type"] == "AWS::StepFunctions::StateMachine")
    assert [each for each in machine["DependsOn"] if "DefaultPolicy" in each]


def test_nothing_of_it_costs_money_while_nothing_is_trained(resources):
    types = {each["Type"] for each in resources.values()}
    charged = {"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::ECS::Service", "AWS::CloudWatch::Alarm"}
    assert not types & charged
    endpoints = [each for each in resources.values() if each["Type"] == "AWS::EC2::VPCEndpoint"]
    assert {each["Properties"]["VpcEndpointType"] for each in endpoints} == {"Gateway"}


def test_nothing_can_connect_to_a_task(resources):
    (group,) = (each["Properties"] for each in resources.values() if each["Type"] == "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [each["FromPort"] for each in group["SecurityGroupEgress"]] == [443]
    assert not [each for each in resources.values() if each["Type"] == "AWS::EC2::SecurityGroupIngress"]


def test_the_api_may_load_versions_that_come_later(training):
    predict = [each for each in training.serving["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    variables = [each["Properties"]["Environment"]["Variables"] for each in predict]
    assert [each for each in variables if MODEL_BUCKET in each]
    read = folders(training.serving["Resources"], "PredictRole", "s3:GetObject")
    assert {"models/tiny-other/*", "models/tiny-tabular/*"} <= read


def test_projects_without_training_have_no_stack(templates):
    assert templates.training is None


def test_cfn_lint_has_nothing_to_say(training):
    assert lint(training.training) == []


def test_the_template_is_what_it_was(training):
    compare_with_snapshot("training", training.training)


def test_a_recipe_that_no_task_would_have_is_refused_by_name(synthesize):
    models = '  tiny-tabular: { versions: [1], stable: 1, training: "elsewhere:train" }'
    with pytest.raises(ConfigError, match=r"is not beside slipway\.yaml, so no task would have it"):
        synthesize(models=models)
