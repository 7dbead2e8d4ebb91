"""The stack of batch jobs: what its functions and tasks are given, and what its state machine does."""

import json
from datetime import timedelta
from typing import Any

import pytest
from support.heavy.templates import heavy_model

from container.batch import BatchSettings
from functions.batch.settings import Settings
from slipway.batch.account.runs import Run
from slipway.batch.extras import AskedExtras
from slipway.batch.features import FeaturesFrom


def of_type(template: dict[str, Any], type_: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == type_}


def text_of(value: Any) -> str:
    """A value in which each reference is text, so that the definition is JSON."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text_of, parts))
        case dict():
            return next(iter(str(each) for each in value.values())).replace('"', "'")
    return str(value)


@pytest.fixture(scope="module")
def machine(batching: Any) -> dict[str, Any]:
    (found,) = of_type(batching.batch, "AWS::StepFunctions::StateMachine").values()
    return dict(found)


@pytest.fixture(scope="module")
def states(machine: dict[str, Any]) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(text_of(machine["DefinitionString"]))
    return dict(definition["States"])


def variables_of(template: dict[str, Any]) -> list[dict[str, str]]:
    functions = of_type(template, "AWS::Lambda::Function").values()
    return [{name: text_of(value) for name, value in f["Environment"]["Variables"].items()} for f in functions]


def stores_named(settings: Settings | BatchSettings) -> list[str]:
    """The resources of the state stack that the stores of some settings are."""
    names = (settings.features_table, settings.history_bucket, settings.predictions_table)
    return [
        str(name).partition("ExportsOutputRef")[2].partition("Bucket")[0].rstrip("0123456789ABCDEF") for name in names
    ]


def test_the_functions_read_what_the_template_gives_them(batching: Any) -> None:
    found = [Settings.of(variables) for variables in variables_of(batching.batch)]
    plan, score = sorted(found, key=lambda each: each.features_table is not None)
    # Planning reads no features, and writes no answers.
    assert (plan.features_table, plan.history_bucket, plan.predictions_table) == (None, None, None)
    assert stores_named(score) == ["Features", "History", "Predictions"]
    assert {settings.bucket for settings in found} == {next(iter(of_type(batching.batch, "AWS::S3::Bucket")))}


def test_a_task_reads_what_the_template_and_the_state_machine_give_it(batching: Any, states: dict[str, Any]) -> None:
    (task,) = of_type(batching.batch, "AWS::ECS::TaskDefinition").values()
    (container,) = task["ContainerDefinitions"]
    ((run,),) = [states["ScoreByTinyLarge"]["ItemProcessor"]["States"].values()]
    (override,) = run["Parameters"]["Overrides"]["ContainerOverrides"]
    assert (container["Command"], override["Name"]) == (["batch"], container["Name"])
    given = {"SLIPWAY_BATCH_RUN": '{"model": "tiny-large", "source": "s3://abc/x"}', "SLIPWAY_BATCH_SHARD": "7"}
    assert {each["Name"] for each in override["Environment"]} == given.keys()
    fixed = {each["Name"]: text_of(each["Value"]) for each in container["Environment"]}
    settings = BatchSettings.of({**fixed, **given})
    assert (settings.run.model, settings.shard, settings.bucket) == ("tiny-large", 7, fixed["SLIPWAY_BATCH_BUCKET"])
    assert settings.model_bucket
    assert settings.control_table
    assert stores_named(settings) == ["Features", "History", "Predictions"]


def test_every_map_ends_in_finish_whatever_it_came_to(states: dict[str, Any]) -> None:
    maps = {name: each for name, each in states.items() if each["Type"] == "Map"}
    assert maps.keys() == {"ScoreLight", "ScoreByTinyLarge"}
    for each in maps.values():
        assert each["Next"] == "Finish"
        assert each["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Finish"}]
        assert each["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
        assert (each["MaxConcurrency"], each["ResultPath"]) == (10, None)
        assert each["ToleratedFailureCountPath"] == "$.tolerated"
        (work,) = each["ItemProcessor"]["States"].values()
        assert work["Retry"][0]["MaxAttempts"] == 3


def test_nothing_is_mapped_if_nothing_is_missing(states: dict[str, Any]) -> None:
    first = states["WhatIsMissing"]["Choices"][0]
    assert (first["Variable"], first["NumericEquals"], first["Next"]) == ("$.missing", 0, "Finish")


def test_a_worker_may_not_delete_and_a_plan_may_only_in_outputs(batching: Any) -> None:
    deleting = {
        name: [text_of(each) for each in statement["Resource"]]
        for name, policy in of_type(batching.batch, "AWS::IAM::Policy").items()
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:DeleteObject" in statement["Action"]
    }
    (places,) = deleting.values()
    assert [name.startswith("Plan") for name in deleting] == [True]
    assert not [place for place in places if place.endswith(("/inputs/*", ":::theirs/in/*"))]
    assert [place for place in places if place.endswith(":::theirs/out/*")]


def stores_of(template: dict[str, Any]) -> dict[str, list[tuple[Any, str, Any]]]:
    """What each role may do with the tables and buckets of the state stack, but for releases and packages."""
    found: dict[str, list[tuple[Any, str, Any]]] = {}
    for name, policy in of_type(template, "AWS::IAM::Policy").items():
        allowed = found.setdefault(name.partition("Role")[0], [])
        for statement in policy["PolicyDocument"]["Statement"]:
            text = json.dumps(statement["Resource"])
            for store in ("Features", "Predictions", "History", "Captures"):
                if f"ExportsOutputFnGetAtt{store}" in text:
                    below = statement["Resource"].get("Fn::Join", ["", ["", ""]])[1][1]
                    allowed.append((statement["Action"], f"{store}{below}", statement.get("Condition")))
    return found


def test_workers_read_features_and_histories_and_write_the_answers_of_their_models_alone(batching: Any) -> None:
    def writes(*models: str) -> tuple[str, str, Any]:
        of = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{model}#*" for model in models]}}
        return ("dynamodb:BatchWriteItem", "Predictions", of)

    files = "history/group=tumour/*"
    reads = [
        ("dynamodb:BatchGetItem", "Features", None),
        ("s3:ListBucket", "History", {"StringLike": {"s3:prefix": [files]}}),
        ("s3:GetObject", f"History/{files}", None),
    ]
    found = {name: allowed for name, allowed in stores_of(batching.batch).items() if allowed}
    # tiny-sentiment has a cache, and nothing that is precomputed.
    assert found == {"Score": [*reads, writes("tiny-tabular")], "TinyLargeBatch": [*reads, writes("tiny-large")]}


def test_workers_get_no_store_that_slipway_yaml_has_no_use_for(gpu: Any) -> None:
    # Groups without a history, and models of which nothing is precomputed.
    found = {name: allowed for name, allowed in stores_of(gpu.batch).items() if allowed}
    reads = [("dynamodb:BatchGetItem", "Features", None)]
    assert found == {"Score": reads, "TinyLargeBatch": reads}
    unused = {"SLIPWAY_HISTORY_BUCKET", "SLIPWAY_PREDICTIONS_TABLE"}
    assert not [each for each in variables_of(gpu.batch) if unused & each.keys()]


def test_a_schedule_with_extras_starts_a_run_with_them(synthesize: Any) -> None:
    extras = "features: store, precompute: patient, ttl_hours: 30, sample: 0.5"
    where = "input: 's3://coming/', output: 's3://going/{date}/', cron: '0 3 * * ? *'"
    models = "  tiny-tabular: { versions: [1], stable: 1, cache: { precomputed: patient } }"
    batch = f"true, schedules: {{ nightly: {{ model: tiny-tabular, {where}, {extras} }} }}"
    (rule,) = of_type(synthesize(models=models, batch=batch).batch, "AWS::Events::Rule").values()
    run = Run.model_validate_json(rule["Targets"][0]["Input"])
    assert run.extras == AskedExtras(
        features=FeaturesFrom.STORE, precompute="patient", ttl=timedelta(hours=30), sample=0.5
    )


def test_a_schedule_starts_a_job_with_what_slipway_yaml_says(batching: Any) -> None:
    (rule,) = of_type(batching.batch, "AWS::Events::Rule").values()
    assert rule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    (target,) = rule["Targets"]
    run = {"model": "tiny-sentiment", "source": "s3://coming/{date}/", "output": "s3://going/{date}/"}
    assert json.loads(target["Input"]) == {**run, "most_rejected": 0.01}


def test_tasks_run_where_the_model_does(batching: Any, gpu: Any, synthesize: Any) -> None:
    spot = synthesize(models=heavy_model(), batch="true, spot: true")
    found = {}
    for name, each in {"fargate": batching, "gpu": gpu, "spot": spot}.items():
        (machine,) = of_type(each.batch, "AWS::StepFunctions::StateMachine").values()
        definition = json.loads(text_of(machine["DefinitionString"]))
        (run,) = definition["States"]["ScoreByTinyLarge"]["ItemProcessor"]["States"].values()
        found[name] = run["Parameters"]
    assert found["fargate"]["LaunchType"] == "FARGATE"
    assert found["spot"]["CapacityProviderStrategy"] == [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    assert "Gpus" in found["gpu"]["CapacityProviderStrategy"][0]["CapacityProvider"]
    (providers,) = of_type(spot.heavy, "AWS::ECS::ClusterCapacityProviderAssociations").values()
    assert "FARGATE_SPOT" in providers["CapacityProviders"]


def test_the_machine_runs_tasks_in_the_models_cluster_and_passes_roles_to_tasks_alone(batching: Any) -> None:
    found = {
        action: statement["Condition"]
        for policy in of_type(batching.batch, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if action in {"ecs:RunTask", "iam:PassRole"}
    }
    assert ":cluster/" in text_of(found["ecs:RunTask"]["ArnEquals"]["ecs:cluster"])
    assert found["iam:PassRole"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_jobs_can_be_turned_off(heavy: Any) -> None:
    assert heavy.batch is None
