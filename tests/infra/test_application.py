"""Errors in slipway.yaml and packages are reported by path before anything is synthesized."""

import json
import os
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

from infra.application import add_stacks
from infra.bundling.models import load_deployed_models
from slipway.config import load_config
from slipway.config.deployment.stacks import stack_names
from slipway.errors import ConfigError, PackageError


def problems_of(config_file, **context):
    with pytest.raises(ConfigError) as caught:
        add_stacks(cdk.App(), config_file=config_file, **context)
    return [(problem.field, problem.message) for problem in caught.value.problems]


def test_an_unknown_key_is_named(make_project):
    ((field, _),) = problems_of(make_project(rest="light: { memory: 512 }"), target="host")
    assert field == "light.memory"


def test_a_folder_of_versions_that_is_not_there_is_named(make_project):
    config_file = make_project(models="  tiny-tabular: { versions: [1], stable: 1, path: models/tiny-tabluar }")
    ((field, message),) = problems_of(config_file, target="host")
    assert field == "models.tiny-tabular.path"
    assert message.endswith("models/tiny-tabluar")


def test_a_version_that_is_not_here_comes_from_the_registry(make_project):
    config_file = make_project(models="  tiny-tabular: { versions: [1, 3], stable: 1 }")
    _, tabular = load_deployed_models(load_config(config_file), root=config_file.parent, config_file=config_file)
    assert (tabular.versions, tabular.fetched) == ((1, 3), (3,))


def test_a_feature_group_that_nobody_defined_is_named(make_project):
    config_file = make_project()
    config_file.write_text(config_file.read_text().replace("  tumour:", "  growth:"))
    problems = problems_of(config_file, target="host")
    assert {field for field, _ in problems} == {"features.tumour"}
    assert problems[0][1] == "is not defined, but tiny-tabular 1 reads radius from it"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("radius:", "radii:", "is not defined, but tiny-tabular 1 reads radius from it"),
        ("radius: {type: float", "radius: {type: string", "is of type string, but tiny-tabular 1 reads radius from it"),
    ],
)
def test_a_feature_that_a_version_reads_otherwise_is_named(make_project, old, new, message):
    config_file = make_project()
    text = config_file.read_text().replace("{ ", "{").replace(" }", "}")
    assert old in text
    config_file.write_text(text.replace(old, new))
    ((field, said),) = problems_of(config_file, target="host")
    assert field == "features.tumour.features.radius"
    assert said.startswith(message)


def test_a_package_of_another_model_is_named(make_project):
    config_file = make_project(models="  other: { versions: [1], stable: 1, path: models/tiny-tabular }")
    ((field, message),) = problems_of(config_file, target="host")
    assert field == "models.other.versions"
    assert message.endswith("has tiny-tabular version 1")


@pytest.mark.parametrize("path", ["../elsewhere", "/srv/models"])
def test_models_lie_below_the_folder_of_slipway_yaml(make_project, path):
    config_file = make_project(models=f"  tiny-tabular: {{ versions: [1], stable: 1, path: {path} }}")
    ((field, message),) = problems_of(config_file, target="host")
    assert field == "models.tiny-tabular.path"
    assert "below the folder of slipway.yaml" in message


def test_an_altered_package_is_not_deployed(make_project, packages, tmp_path):
    config_file = make_project(models="")
    (config_file.parent / "models").unlink()
    for version in (1, 2):
        folder = config_file.parent / "models" / "tiny-sentiment" / str(version)
        folder.mkdir(parents=True)
        for file in (packages / "tiny-sentiment" / str(version)).iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(PackageError, match=r"2/tokenizer\.json: was altered"):
        add_stacks(cdk.App(), config_file=config_file, target="host")


def test_a_target_is_one_of_three(make_project):
    ((field, message),) = problems_of(make_project(), target="moon")
    assert (field, message) == ("slipway:target", "'moon' must be one of lambda, native, host")


def test_a_model_knows_what_it_reads(make_project):
    config_file = make_project()
    sentiment, tabular = load_deployed_models(
        load_config(config_file), root=config_file.parent, config_file=config_file
    )
    assert (sentiment.versions, sentiment.groups, sentiment.cached) == ((1, 2), (), True)
    assert (tabular.versions, tabular.groups, tabular.cached) == ((1,), ("tumour",), False)


def test_commands_know_every_stack_by_its_name(batching, training):
    found = {path.name.partition(".")[0] for each in (batching, training) for path in each.folder.glob("*.template.*")}
    assert found == set(stack_names("tiny"))


def test_stacks_have_no_tags_which_would_rewrite_parameters(heavy):
    """A tag of a stack reaches its SSM parameters, and CloudFormation then writes their values anew."""
    manifest = json.loads((heavy.folder / "manifest.json").read_text(encoding="utf-8"))
    stacks = [each for each in manifest["artifacts"].values() if each["type"] == "aws:cloudformation:stack"]
    assert [stack["properties"].get("tags", {}) for stack in stacks] == [{}] * 5
    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    assert context["@aws-cdk/core:explicitStackTags"] is True


def test_an_environment_names_its_stacks_parameters_and_metrics(make_project, tmp_path):
    rest = "environments:\n  prod: { models: { tiny-large: { tier: heavy, versions: [1], stable: 1 } } }"
    config_file = make_project(rest=rest)
    app = cdk.App(outdir=str(tmp_path), builtin_cloud_formation_validation=False)
    stacks = add_stacks(app, config_file=config_file, target="host", environment="prod")
    folder = Path(app.synth().directory)
    assert {path.name.removesuffix(".template.json") for path in folder.glob("*.template.json")} == {
        f"tiny-prod-{stack}" for stack in ("state", "serving", "heavy", "shadow", "releases")
    }
    templates = {path.name: " ".join(path.read_text().split()) for path in folder.glob("*.template.json")}
    assert "/tiny-prod/tiny-large/blue/version" in templates["tiny-prod-state.template.json"]
    assert r"\"Project\",\"tiny-prod\"" in templates["tiny-prod-serving.template.json"]
    assert '"Key": "slipway:environment", "Value": "prod"' in templates["tiny-prod-serving.template.json"]
    assert stacks.heavy is not None
    deployed = load_config(config_file.parent / "build" / "host" / "predict" / "slipway.yaml")
    assert (deployed.project, list(deployed.models)) == ("tiny-prod", ["tiny-sentiment", "tiny-tabular", "tiny-large"])


def test_without_an_environment_none_of_them_counts(make_project):
    rest = "environments:\n  prod: { models: { tiny-large: { tier: heavy, versions: [1], stable: 1 } } }"
    stacks = add_stacks(cdk.App(), config_file=make_project(rest=rest), target="host")
    assert stacks.heavy is None
    assert stacks.serving.stack_name == "tiny-serving"


def test_a_fault_of_another_environment_stops_the_synth(make_project):
    config_file = make_project(rest="environments: { local: {}, prod: { light: { memory: 512 } } }")
    ((field, message),) = problems_of(config_file, target="host", environment="local")
    assert field == "environments.prod.light.memory"
    assert message.endswith("did you mean `memory_mb`?")


def test_the_app_breaks_the_glass_if_its_context_says_so(make_project, tmp_path):
    config_file = make_project()
    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    context |= {"slipway:config": str(config_file), "slipway:target": "host", "slipway:break-glass": "true"}
    variables = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path)}
    subprocess.run([sys.executable, "app.py"], env=variables, check=True, capture_output=True)
    serving = json.loads((tmp_path / "tiny-serving.template.json").read_text(encoding="utf-8"))
    groups = [each for each in serving["Resources"].values() if each["Type"] == "AWS::CodeDeploy::DeploymentGroup"]
    assert [group["Properties"]["AlarmConfiguration"] for group in groups] == [{"Enabled": False}] * 3
