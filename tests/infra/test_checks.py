"""The whole templates: the linter, cdk-nag and the snapshots."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks
from support.templates import acknowledged_in, compare_with_snapshot, lint

STACKS = ["state", "serving", "shadow", "releases", "heavy", "batch"]
OF = {"heavy": "heavy", "batch": "batching"}
"""The project whose template is looked at; of the other stacks, the one with light models only."""


@pytest.mark.parametrize("stack", STACKS)
def test_cfn_lint_has_nothing_to_say(batching, stack):
    assert lint(getattr(batching, stack)) == []


def test_cfn_lint_has_nothing_to_say_of_gpus(gpu):
    assert lint(gpu.heavy) == []
    assert lint(gpu.batch) == []


def test_cdk_nag_stops_a_synth_that_nobody_excused(tmp_path):
    # That every other test of this folder synthesizes at all says that cdk-nag passes; this one, that it looks.
    app = cdk.App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    s3.Bucket(cdk.Stack(app, "Careless"), "Bucket")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
        app.synth()


def test_nothing_is_acknowledged_but_what_was_thought_through(templates):
    managed = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
    functions = ("serving/Predict", "serving/Features", "serving/Feedback", "releases/Controller", "shadow/Shadow")
    found = acknowledged_in(templates)
    # Which resources these are, test_policies.py has.
    policies = {"tiny-serving/Caller", "tiny-serving/FeatureWriter", "tiny-releases/Operator", "tiny-state/Eraser"}
    assert all(finding.startswith("AwsSolutions-IAM5") for policy in policies for finding in found.pop(policy))
    controller = found.pop("tiny-releases/Controller/Role")
    tests = {finding.rpartition("/$default/")[2] for finding in controller - {"AwsSolutions-IAM5[Resource::*]"}}
    assert tests <= {f"GET/v2/models/{model}/versions/*]" for model in ("tiny-sentiment", "tiny-tabular")}
    assert found == {
        "tiny-state/Models/Bucket": {"AwsSolutions-S1"},
        "tiny-state/Captures/Bucket": {"AwsSolutions-S1"},
        "tiny-state/History/Bucket": {"AwsSolutions-S1"},
        "tiny-serving/Deployments/Role": {f"AwsSolutions-IAM4[Policy::{managed}]"},
        **{
            f"tiny-{name}/Function": {"AwsSolutions-L1", "@aws-cdk/aws-lambda:snapStartRequirePublish"}
            for name in functions
        },
    }


def test_nothing_of_the_heavy_tier_is_acknowledged_but_what_was_thought_through(heavy, gpu):
    at = "tiny-heavy"
    objects = "tiny-state:ExportsOutputFnGetAttModelsBucket970C6ADAArnC12F88E2/models/tiny-large/*"
    fargate = {
        at: {"CloudFormation-Validate::W3010"},  # the CDK's own, of zones that it names where it knows the account
        f"{at}/Network/Vpc": {"AwsSolutions-VPC7"},
        f"{at}/Balancer/Balancer": {"AwsSolutions-ELB2"},
        f"{at}/TinyLargeModel/Role": {f"AwsSolutions-IAM5[Resource::{objects}]"},
        **{f"{at}/TinyLargeModel/{slot}/Task": {"AwsSolutions-ECS2"} for slot in ("Blue", "Green")},
    }
    managed = "arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances"
    instances = "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:container-instance/*"
    instance = {
        f"AwsSolutions-IAM4[Policy::{managed}]",
        "AwsSolutions-IAM5[Resource::*]",
        f"AwsSolutions-IAM5[Resource::{instances}]",
    }
    found = {
        name: {p: f for p, f in acknowledged_in(each).items() if p.startswith(at)}
        for name, each in (("fargate", heavy), ("gpu", gpu))
    }
    assert found == {"fargate": fargate, "gpu": {**fargate, f"{at}/TinyLargeModel/Gpus/Provider": instance}}


def test_nothing_of_batch_jobs_is_acknowledged_but_what_was_thought_through(batching):
    found = {name: each for name, each in acknowledged_in(batching).items() if name.startswith("tiny-batch")}
    wildcards = ("Plan/Role", "Score/Role", "TinyLargeBatch/Role", "Batch/Acting/Role", "BatchOperator")
    named = [each for name in wildcards for each in found.pop(f"tiny-batch/{name}")]
    # No statement is for everything of a kind; which resources these are, the snapshot has.
    assert all(each.startswith("AwsSolutions-IAM5[Resource::") for each in named)
    assert "AwsSolutions-IAM5[Resource::*]" not in named
    function = {"AwsSolutions-L1", "@aws-cdk/aws-lambda:snapStartRequirePublish"}
    assert found == {
        "tiny-batch/Jobs/Bucket": {"AwsSolutions-S1"},
        "tiny-batch/Plan/Function": function,
        "tiny-batch/Score/Function": function,
        "tiny-batch/TinyLargeBatch/Task": {"AwsSolutions-ECS2"},
        "tiny-batch/Batch/Machine": {"AwsSolutions-SF1", "AwsSolutions-SF2"},
    }


@pytest.mark.parametrize("stack", STACKS)
def test_the_template_is_what_it_was(stack, request):
    compare_with_snapshot(stack, getattr(request.getfixturevalue(OF.get(stack, "templates")), stack))
