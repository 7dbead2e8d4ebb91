"""What a new user mistypes or forgets, and the line that each mistake gets."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.packages import make_text_package

from slipway.cli import main

CONFIG = """
project: demo
models:
  tiny-sentiment:
    versions: [1]
    stable: 1
features:
  account: {entity: user, features: {age: {type: integer}}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on a machine where nothing runs, without credentials and without a region."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "u.csv").write_text("user,age\nu1,3\n", encoding="utf-8")
    make_text_package(tmp_path / "models/tiny-sentiment/1")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "SLIPWAY_API"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["slipway", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


NOTHING_RUNS = "nothing runs on this machine (`make run` starts it here), and AWS cannot be asked: no region is set"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        # nothing is up
        (("predict", "tiny-sentiment", "text=hi"), 4, NOTHING_RUNS),
        (("status",), 4, NOTHING_RUNS),
        (("release", "status"), 4, NOTHING_RUNS),
        (("model", "list", "--registry"), 4, NOTHING_RUNS),
        (("model", "register", "tiny-sentiment", "1"), 4, NOTHING_RUNS),
        (("model", "pull", "tiny-sentiment", "1"), 4, NOTHING_RUNS),
        (("model", "diff", "tiny-sentiment", "1", "2"), 4, NOTHING_RUNS),
        (("model", "deprecate", "tiny-sentiment", "1", "--reason", "x"), 4, NOTHING_RUNS),
        (("release", "watch", "tiny-sentiment"), 4, NOTHING_RUNS),
        (("release", "promote", "tiny-sentiment"), 4, NOTHING_RUNS),
        (("release", "rollback", "tiny-sentiment"), 4, NOTHING_RUNS),
        (("release", "history", "tiny-sentiment"), 4, NOTHING_RUNS),
        (("release", "tick"), 4, NOTHING_RUNS),
        (("features", "get", "user", "u1"), 4, NOTHING_RUNS),
        (("features", "put", "user", "u1", "account", "age=3"), 4, NOTHING_RUNS),
        (("id-keys", "rotate"), 4, NOTHING_RUNS),
        (("local", "deploy"), 4, "the embedded AWS is unavailable: it is not up; `slipway local up` starts it"),
        # a file that is not there is told before anything is called
        (("predict", "tiny-sentiment", "--input", "records.jsonl"), 1, "records.jsonl: No such file"),
        (("features", "load", "patients.csv"), 1, "patients.csv"),
        (("model", "check", "tiny-sentiment", "1", "--data", "val.tsv"), 1, "val.tsv: No such file"),
        (("model", "import", "--onnx", "model.onnx", "--output", "out"), 3, "model.onnx: cannot be read"),
        (("model", "import", "--onnx", "u.csv", "--output", "out"), 3, "u.csv: is not an ONNX file"),
        (("model", "quantize", "tiny-sentiment", "--data", "val.tsv", "--output", "q"), 1, "val.tsv: No such file"),
        (("model", "seal", "models/tiny-sentiment/9"), 3, "models/tiny-sentiment/9/model.yaml: is missing"),
        (("features", "load", "u.txt"), 1, "u.txt: must end in .csv, .tsv, .jsonl, .ndjson or .parquet"),
        # a name that is not there is told with the nearest, before anything is called
        (("model", "show", "tiny-sentimnt"), 1, "(did you mean 'tiny-sentiment'?)"),
        (("model", "check", "tiny-sentimnt", "1"), 1, "(did you mean 'tiny-sentiment'?)"),
        (("model", "pull", "tiny-sentimnt", "1"), 1, "(did you mean 'tiny-sentiment'?)"),
        (("release", "start", "tiny-sentimnt", "2"), 1, "(did you mean 'tiny-sentiment'?)"),
        (("release", "rollback", "tiny-sentimnt"), 1, "(did you mean 'tiny-sentiment'?)"),
        (("model", "show", "tiny-sentiment", "7"), 1, "no version of tiny-sentiment '7'; there is 1"),
        (
            ("release", "start", "tiny-sentiment", "7"),
            1,
            "no version of tiny-sentiment '7' in slipway.yaml",
        ),
        (("config", "show", "--environment", "prod"), 1, "no environment 'prod' in slipway.yaml"),
        (("release", "simulate", "--strategy", "canry"), 1, "(did you mean 'canary'?)"),
        (("release", "simulate", "-o", "bake_minuts=3"), 1, "(did you mean 'bake_minutes'?)"),
        # a field without a value
        (("predict", "tiny-sentiment", "hello"), 1, "'hello': must be FIELD=VALUE"),
        (("predict", "tiny-sentiment"), 1, "give one record as FIELD=VALUE"),
        # a folder that is no checkout
        (("cost",), 1, "no CDK app 'app.py'; run this in the folder of a project"),
        # another slipway.yaml
        (("status", "--config", "other.yaml"), 3, "other.yaml: does not exist; run this in the folder that has it"),
        # the command line itself
        (("predct", "tiny-sentiment"), 2, "Did you mean 'predict'?"),
        (("model", "lst"), 2, "Did you mean 'list'?"),
        (("predict", "tiny-sentiment", "--inpt", "x"), 2, "--input"),
        (("local", "up", "--port", "eighty"), 2, "Invalid value for '--port'"),
    ],
)
def test_each_mistake_gets_a_line_that_says_what_would_be_right(monkeypatch, capsys, arguments, code, says):
    assert run(monkeypatch, *arguments) == code
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told
    if code != 2:
        # A warning of the package is no answer to the mistake.
        assert len([line for line in told.strip().splitlines() if not line.startswith("warning: ")]) == 1


def test_a_region_is_found_where_other_tools_of_aws_find_it(project: Path, monkeypatch):
    """In a process of its own, because boto3 keeps the region and the credentials that it first found."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-m", "slipway", "status"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 4
    assert "no credentials were found; `aws configure` or AWS_PROFILE gives them" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_slipway_yaml_that_is_not_yaml_is_a_line(project: Path, monkeypatch, capsys):
    (project / "slipway.yaml").write_text("models:\n  m:\n  versions: [1\n", encoding="utf-8")

    assert run(monkeypatch, "model", "list") == 3
    told = capsys.readouterr().err
    assert told.startswith("error: slipway.yaml: not YAML: ")
    assert "line 3" in told
    assert len(told.splitlines()) == 1


def test_outside_a_project_the_api_cannot_be_guessed(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.delenv("SLIPWAY_API", raising=False)
    monkeypatch.chdir(tmp_path)

    assert run(monkeypatch, "predict", "tiny-sentiment", "text=hi") == 1
    assert "`make run` starts one" in capsys.readouterr().err


def test_outside_a_checkout_a_start_says_where_it_works(tmp_path: Path):
    command = [sys.executable, "-m", "slipway", "local", "up"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_disk_that_is_full_is_a_line(project: Path, monkeypatch, capsys):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "out/model.onnx")

    monkeypatch.setattr("slipway.cli.model.packages.load_project", full)

    assert run(monkeypatch, "model", "list") == 1
    assert capsys.readouterr().err == "error: out/model.onnx: No space left on device\n"


def test_a_list_of_models_fits_80_columns_and_cuts_no_name(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(Path(__file__).parents[3])

    assert run(monkeypatch, "model", "list", "--environment", "local") == 0
    shown = capsys.readouterr().out
    assert "tweet-sentiment-large text-classification" in shown
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
