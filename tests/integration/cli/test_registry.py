"""The commands of the registry against a table and a bucket in moto."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.golden import flip_a_bit
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import make_text_package
from support.registries import ORIGIN, PASSED
from typer.testing import CliRunner, Result

from slipway.cli import app
from slipway.cli.model.registry_target import find_target
from slipway.errors import CheckFailedError, GoldenError, InputError, NotFoundError, PackageError
from slipway.models.measurements.golden import read_golden
from slipway.models.package import Package, load_package

NAME = "tiny-sentiment"
CONFIG = """
project: tiny
models:
  tiny-sentiment:
    versions: [1]
    stable: 1
    gates:
      labelled: val.tsv
      quality: [{ metric: macro_recall, min: 0.9, max_drop: 0.01 }]
      min_agreement: 0.9
      max_package_bytes: 100000
  ungated: { versions: [1], stable: 1 }
"""
TARGET = ("--table", "control", "--bucket", "models-of-tests")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with slipway.yaml, labelled records, and version 1 of a model."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, "utf-8")
    rows = ["label\ttext", "positive\tgood", "positive\tsunny day", "negative\tbad", "negative\tawful", "neutral\thm"]
    (tmp_path / "val.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    make_text_package(tmp_path / "models" / NAME / "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_test_credentials(monkeypatch)
    with mock_aws():
        create_keyed_table("control")
        boto3.client("s3").create_bucket(Bucket="models-of-tests")
        yield


def invoke(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["model", *arguments])


def done(*arguments: str) -> Any:
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output or result.exception
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


class TestCheck:
    def test_a_good_package_passes(self, project: Path):
        found = done("check", NAME, "1", "--json")
        assert (found["passed"], found["data"]["rows"], found["against"]) == (True, 5, None)
        assert "passed" in done("check", NAME, "1")

    def test_a_failed_gate_is_exit_code_1_and_a_sentence(self, project: Path):
        (project / "val.tsv").write_text("label\ttext\npositive\tbad\nnegative\tawful\n", "utf-8")
        result = invoke("check", NAME, "1")
        assert result.exit_code == 1
        assert "macro_recall on val.tsv is 0.5; at least 0.9 is required: 0.4 too little" in result.stdout
        assert json.loads(invoke("check", NAME, "1", "--json").stdout)["passed"] is False

    def test_the_version_here_that_comes_before_is_compared_with(self, project: Path):
        make_text_package(project / "models" / NAME / "3", version=3)
        assert done("check", NAME, "3", "--json")["against"] == "version 1"
        assert done("check", NAME, "1", "--against", "3", "--json")["against"] == "version 3"

    def test_a_folder_will_do_and_other_data(self, project: Path):
        make_text_package(project / "build", version=2)
        (project / "other.jsonl").write_text('{"text": "good", "label": "positive"}\n', "utf-8")
        found = done("check", NAME, "build", "--data", "other.jsonl", "--json")
        assert (found["data"]["name"], found["against"]) == ("other.jsonl", "version 1")

    def test_without_gates_nothing_is_proven(self, project: Path):
        make_text_package(project / "models" / "ungated" / "1", name="ungated")
        result = invoke("check", "ungated", "1")
        assert result.exit_code == 1
        assert "has no gates" in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "error", "says"),
        [
            (("check", "nothing", "1"), NotFoundError, "no model 'nothing' in slipway.yaml; there is tiny-sentiment"),
            (("check", NAME, "7"), NotFoundError, "there is 1"),
            (("check", "ungated", f"models/{NAME}/1"), InputError, "is a package of tiny-sentiment, not of"),
            (("check", NAME, "1", "--against", "1", "--registry"), InputError, "cannot be combined"),
            (("check", NAME, "1", "--registry", "--table", "control"), InputError, "must be given together"),
        ],
    )
    def test_what_is_wrong_is_named(self, project: Path, arguments, error, says):
        result = invoke(*arguments)
        assert isinstance(result.exception, error)
        assert says in str(result.exception)


@pytest.mark.usefixtures("aws")
class TestRegistry:
    def test_the_life_of_two_versions(self, project: Path):
        assert f"Registered as {NAME} 1 in AWS" in done("register", NAME, "1", *TARGET)
        make_text_package(project / "build", version=9, description="Another one.")
        assert done("check", NAME, "build", "--registry", "--json", *TARGET)["against"] == "version 1"
        record = done("register", NAME, "build", "--by", "engineer", "--json", *TARGET)
        assert (record["number"], record["origin"]) == (
            2,
            {"by": "engineer", "git_commit": None, "parent": 1, "lineage": None},
        )
        assert record["check"]["against"] == "version 1"

        listed = done("list", "--registry", "--json", *TARGET)
        assert [(row["model"], row["number"]) for row in listed] == [(NAME, 1), (NAME, 2)]
        assert listed[0]["origin"]["by"].startswith("arn:aws:")
        assert done("list", "--registry", *TARGET).count(NAME) == 2

        done("pull", NAME, "2", *TARGET)
        assert load_package(project / "models" / NAME / "2").manifest.description == "Another one."
        difference = done("diff", NAME, "1", "2", "--json", *TARGET)
        assert (difference["schema"], difference["files"], difference["quality"]) == ([], [], [])
        assert "size" in done("diff", NAME, "1", "build", *TARGET)

        assert f"{NAME} 2 is deprecated" in done("deprecate", NAME, "2", "--reason", "biased", *TARGET)
        shown = done("show", NAME, "--registry", "--json", *TARGET)
        assert (shown["record"]["number"], shown["manifest"]["version"]) == (1, 1)
        text = done("show", NAME, "2", "--registry", *TARGET)
        assert "deprecated biased" in text
        assert "macro_recall min" in text
        assert "data made up, 3 rows" in text

    def test_what_failed_is_registered_by_force_only(self, project: Path):
        (project / "val.tsv").write_text("label\ttext\npositive\tbad\n", "utf-8")
        refused = invoke("register", NAME, "1", *TARGET)
        assert isinstance(refused.exception, CheckFailedError)
        assert "macro_recall min: macro_recall on val.tsv is 0;" in str(refused.exception)
        record = done("register", NAME, "1", "--force", "only data we have", "--json", *TARGET)
        assert record["forced"] == "only data we have"
        assert "forced: only data we have" in done("list", NAME, "--registry", *TARGET)

    def test_a_parent_must_be_a_version(self, project: Path):
        result = invoke("register", NAME, "1", "--parent", "4", *TARGET)
        assert isinstance(result.exception, NotFoundError)

    def test_what_is_not_there_is_said(self, project: Path):
        for arguments in (("pull", NAME, "1"), ("show", NAME, "--registry"), ("diff", NAME, "1", "2")):
            assert isinstance(invoke(*arguments, *TARGET).exception, NotFoundError)

    def test_a_damaged_newest_version_names_the_way_out(self, project: Path):
        done("register", NAME, "1", *TARGET)
        boto3.client("s3").put_object(Bucket="models-of-tests", Key=f"models/{NAME}/1/model.onnx", Body=b"damaged")
        make_text_package(project / "models" / NAME / "2", version=2)

        refused = invoke("register", NAME, "2", *TARGET)

        assert isinstance(refused.exception, PackageError)
        assert f"`slipway model deprecate {NAME} 1 --reason" in str(refused.exception)
        done("deprecate", NAME, "1", "--reason", "damaged", *TARGET)
        assert done("register", NAME, "2", "--json", *TARGET)["number"] == 2

    def test_a_model_without_versions_is_told_from_an_empty_registry(self, project: Path):
        assert "no versions in the registry" in done("list", "--registry", *TARGET)
        assert done("list", "--registry", "--json", *TARGET) == []
        refused = invoke("list", "tiny-sentimen", "--registry", *TARGET)
        assert isinstance(refused.exception, NotFoundError)
        assert "did you mean 'tiny-sentiment'?" in str(refused.exception)


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of something that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


class TestTarget:
    def test_the_stack_of_the_project_is_asked(self, project: Path, aws: None):
        values = {"ControlTable": "control", "ModelBucket": "models-of-tests"}
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in values.items()},
        }
        boto3.client("cloudformation").create_stack(StackName="tiny-state", TemplateBody=json.dumps(template))
        target = find_target(Path("slipway.yaml"), None, None)
        assert (target.table, target.bucket, target.place) == ("control", "models-of-tests", "stack tiny-state")
        assert done("register", NAME, "1", "--json")["number"] == 1

    def test_the_embedded_aws_comes_first(self, project: Path, listener: str):
        state = {
            "ready": True,
            "api": "http://127.0.0.1:8080",
            "emulator": listener,
            "region": "eu-west-1",
            "credentials": {"access_key_id": "a", "secret_access_key": "b"},
            "outputs": {"tiny-state": {"ControlTable": "c", "ModelBucket": "m"}, "tiny-serving": {"ApiUrl": "u"}},
        }
        (project / ".slipway").mkdir()
        (project / ".slipway" / "local.json").write_text(json.dumps(state), "utf-8")
        target = find_target(Path("slipway.yaml"), None, None)
        assert (target.table, target.bucket) == ("c", "m")
        assert target.options["endpoint_url"] == listener
        assert "secret" not in repr(target)
        assert find_target(Path("slipway.yaml"), "t", "b").options == {}


def test_a_package_is_found_in_the_folder_that_slipway_yaml_names(project: Path):
    (project / "slipway.yaml").write_text(CONFIG.replace("stable: 1\n    gates", "stable: 1\n    path: p\n    gates"))
    package: Package = make_text_package(project / "p" / "1")
    assert package.manifest.version == done("check", NAME, "1", "--json")["version"]


class TestGolden:
    def test_a_package_without_golden_records_is_warned_about(self, project: Path, aws: None):
        for command in (("check", NAME, "1"), ("register", NAME, "1", *TARGET)):
            result = invoke(*command)
            assert result.exit_code == 0
            assert "1 has no golden records, so a wrong answer of it passes unseen" in result.stderr
            assert f"`slipway model seal models/{NAME}/1 --records FILE` makes some" in result.stderr

    def test_seal_makes_them_of_validation_records(self, project: Path):
        assert "5 files checked" in done("seal", f"models/{NAME}/1", "--records", "val.tsv")
        golden = read_golden(project / "models" / NAME / "1/golden.json")
        assert {each.record["text"] for each in golden.records} == {"good", "sunny day", "bad", "awful", "hm"}
        assert "golden" not in invoke("check", NAME, "1").stderr

    def test_others_may_be_given_for_them(self, project: Path):
        (project / "own.jsonl").write_text('{"text": "a good text"}\n{"text": "a bad one"}\n', "utf-8")
        done("seal", f"models/{NAME}/1", "--records", "val.tsv", "--golden", "own.jsonl")
        golden = read_golden(project / "models" / NAME / "1/golden.json")
        assert {each.record["text"] for each in golden.records} == {"a good text", "a bad one"}
        assert load_package(project / "models" / NAME / "1").baseline.records == 5

    def test_golden_records_alone_are_not_enough(self, project: Path):
        assert isinstance(invoke("seal", f"models/{NAME}/1", "--golden", "val.tsv").exception, InputError)

    def test_a_flipped_bit_is_neither_checked_nor_registered_nor_forced(self, project: Path, aws: None):
        broken(project)
        commands = (("check",), ("register", *TARGET), ("register", "--force", "it must", *TARGET))
        for command, *options in commands:
            error = invoke(command, NAME, "1", *options).exception
            assert isinstance(error, GoldenError)
            assert "golden.json: record" in str(error)

    def test_a_flipped_bit_that_is_registered_is_noticed_as_it_is_pulled(self, project: Path, aws: None):
        find_target(Path("slipway.yaml"), *TARGET[1::2]).open().register(broken(project), PASSED, ORIGIN)
        result = invoke("pull", NAME, "1", "--into", "pulled", *TARGET)
        assert isinstance(result.exception, GoldenError)
        assert result.exception.file == "pulled/golden.json"


def broken(project: Path) -> Package:
    done("seal", f"models/{NAME}/1", "--records", "val.tsv")
    return flip_a_bit(load_package(project / "models" / NAME / "1"))
