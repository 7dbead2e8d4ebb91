"""The templates as a whole: what the checkers say, and what they were when somebody last looked."""

import json
import os
import re
from pathlib import Path

import aws_cdk as cdk
import cfnlint.api
import pytest
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

SNAPSHOTS = Path(__file__).with_name("snapshots")
UPDATE = "SLIPWAY_UPDATE_SNAPSHOTS"
# The CDK itself lets a function wait for its role twice.
ACCEPTED_BY_US = ["W3005"]


STACKS = ["state", "serving", "releases", "heavy"]


@pytest.mark.parametrize("stack", STACKS)
def test_cfn_lint_has_nothing_to_say(heavy, stack):
    assert lint(getattr(heavy, stack)) == []


def test_cfn_lint_has_nothing_to_say_of_gpus(gpu):
    assert lint(gpu.heavy) == []


def lint(template):
    found = cfnlint.api.lint(json.dumps(template), config={"regions": ["eu-west-1"], "ignore_checks": ACCEPTED_BY_US})
    return [str(match) for match in found]


def test_cdk_nag_stops_a_synth_that_nobody_excused(tmp_path):
    # That every other test of this folder synthesizes at all says that cdk-nag passes; this one, that it looks.
    app = cdk.App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    s3.Bucket(cdk.Stack(app, "Careless"), "Bucket")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
        app.synth()


def test_nothing_is_acknowledged_but_what_was_thought_through(templates):
    managed = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
    functions = ("serving/Predict", "serving/Features", "serving/Feedback", "releases/Controller")
    assert acknowledged_in(templates) == {
        "tiny-releases/Controller/Role": {"AwsSolutions-IAM5[Resource::*]"},
        "tiny-state/Models/Bucket": {"AwsSolutions-S1"},
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


def acknowledged_in(templates):
    """The findings that each construct acknowledges."""
    found: dict[str, set[str]] = {}
    for file in templates.folder.glob("*.metadata.json"):
        for path, entries in json.loads(file.read_text(encoding="utf-8")).items():
            for entry in entries:
                if entry["type"] == "aws:cdk:acknowledged-rules":
                    names = {finding.removeprefix("Annotation::") for finding in entry["data"]}
                    found.setdefault(path.removeprefix("/"), set()).update(names)
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_the_template_is_what_it_was(templates, heavy, stack):
    """Say SLIPWAY_UPDATE_SNAPSHOTS=1 to take the present templates, and read the difference."""
    file = SNAPSHOTS / f"{stack}.json"
    template = (
        json.dumps(without_hashes(getattr(heavy if stack == "heavy" else templates, stack)), indent=1, sort_keys=True)
        + "\n"
    )
    if os.environ.get(UPDATE):
        file.parent.mkdir(exist_ok=True)
        file.write_text(template, encoding="utf-8")
    assert template == file.read_text(encoding="utf-8")


def without_hashes(template):
    """What changes with the content of a bundle, replaced by a word."""
    text = json.dumps({part: template[part] for part in template if part in ("Resources", "Outputs")})
    text = re.sub(r"(asset\.)?[0-9a-f]{64}(\.zip)?", "ASSET", text)
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1HASH", text)
    return json.loads(text)
