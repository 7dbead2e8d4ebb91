import json
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.packages import make_tabular_package

from slipway.batch.account.runs import Run
from slipway.batch.extras import AskedExtras
from slipway.batch.features import FeaturesFrom
from slipway.cli import main
from slipway.cli.batch.target import BatchTarget, jobs_in
from slipway.cli.deployed import Deployed
from slipway.config import load_config
from slipway.errors import NotFoundError

CONFIG = """
models: {tiny-tabular: {versions: [1], stable: 1}}
features: {tumour: {entity: patient, features: {radius: {type: float}, smooth: {type: float}}}}
"""


@pytest.fixture
def slipway(monkeypatch, tmp_path: Path):
    (tmp_path / "slipway.yaml").write_text(CONFIG)
    make_tabular_package(tmp_path / "models" / "tiny-tabular" / "1")
    (tmp_path / "in.csv").write_text("radius,smooth,age\n1,1,1\n9,1,9\n")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["slipway", "batch", "run", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


def test_it_scores_a_file_and_says_what_came_of_it(slipway, capsys) -> None:
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 0
    out = capsys.readouterr().out
    assert "2 rows scored by tiny-tabular 1, 0 rejected; 1 part in out" in out
    assert "tiny-tabular 1" in out
    [part] = Path("out").glob("part-*.parquet")
    assert pq.read_table(part)["prediction_label"].to_pylist() == ["no", "yes"]


def test_json_is_the_summary(slipway, capsys) -> None:
    assert slipway("tiny-tabular", "in.csv", "-o", "out", "--json", "--workers", "1", "--format", "jsonl") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["labels"] == {"no": 1, "yes": 1}
    assert summary == json.loads(Path("out/_SUCCESS").read_text())


def test_an_optional_input_without_a_column_is_noted(slipway, capsys) -> None:
    Path("in.csv").write_text("radius,smoth,age\n1,1,1\n")
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 0
    assert "note: in.csv has no column smooth: missing, or the default, in every row" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tiny-tabulr", "in.csv", "-o", "out"], 1, "did you mean 'tiny-tabular'?"),
        (["tiny-tabular", "on.csv", "-o", "out"], 1, "on.csv: no such file or folder"),
        (["tiny-tabular", "in.csv", "-o", "in.csv"], 1, "--output: in.csv is a file; name a folder"),
        (["tiny-tabular", "in.csv", "-o", "out", "--version", "2"], 1, "models/tiny-tabular/2"),
        (["tiny-tabular", "models", "-o", "models/out"], 1, "must end in .csv"),
        (["tiny-tabular", "in.csv", "--local"], 1, "--output: is required on this machine"),
        (["tiny-tabular", "s3://bucket/in.csv", "-o", "out", "--local"], 1, "which --local does not read or write"),
        (["tiny-tabular", "s3://bucket/in.csv", "-o", "out"], 1, "a job in an account writes to S3"),
        (
            ["tiny-tabular", "in.csv", "-o", "s3://bucket/x", "--version", "models/1"],
            1,
            "must be a number in an account",
        ),
        (["tiny-tabular", "in.csv", "-o", "s3://B/x"], 1, "must be s3://BUCKET/PREFIX"),
    ],
)
def test_what_is_mistyped_is_named(slipway, capsys, arguments, code: int, said: str) -> None:
    assert slipway(*arguments) == code
    assert said in capsys.readouterr().err


def test_the_sampled_rows_are_profiled_and_drift_reads_the_profile(slipway, capsys, monkeypatch) -> None:
    assert slipway("tiny-tabular", "in.csv", "-o", "out", "--sample", "1") == 0
    out = capsys.readouterr().out
    assert "2 rows profiled in out/_profile.json" in out
    assert "far from the baseline" not in out
    monkeypatch.setattr(
        sys, "argv", ["slipway", "monitor", "drift", "tiny-tabular", "--file", "out/_profile.json", "--json"]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    found = json.loads(capsys.readouterr().out)
    assert (found["records"], found["version"]) == (2, 1)
    assert "inputs.age" in {each["column"] for each in found["columns"]}


def test_rows_that_are_far_from_the_baseline_are_said(slipway, capsys) -> None:
    Path("in.csv").write_text("radius,smooth,age\n" + "99,1,1\n" * 50)
    assert slipway("tiny-tabular", "in.csv", "-o", "out", "--sample", "1") == 0
    assert "far from the baseline: inputs.radius (" in capsys.readouterr().out.replace("\n", " ")


def test_the_models_share_is_profiled_by_default(slipway) -> None:
    Path("slipway.yaml").write_text(CONFIG.replace("stable: 1", "stable: 1, capture: {sample: 1, reservoir: 1}"))
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 0
    assert json.loads(Path("out/_profile.json").read_text())["records"] == 2
    [captures] = Path("out/_captures").iterdir()
    assert len(captures.read_text().splitlines()) == 1


def test_features_come_from_a_folder_of_histories(slipway, capsys) -> None:
    Path("slipway.yaml").write_text(CONFIG.replace("entity: patient", "entity: patient, history: true"))
    Path("history").mkdir()
    Path("in.csv").write_text("patient,time,age\np1,2026-11-01T00:00:00Z,3\n")
    options = ("--features", "history", "--history", "history", "--max-rejected", "1")
    assert slipway("tiny-tabular", "in.csv", "-o", "out", *options) == 0
    [rejected] = Path("out/rejected").iterdir()
    assert "is not in feature group tumour of patient 'p1'" in rejected.read_text()
    job = json.loads(Path("out/_job.json").read_text())
    assert (job["extras"]["features"], job["extras"]["time_column"]) == ("history", "time")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--time-column", "at"], "--time-column: is for features as they were at a time"),
        (["--history", "."], "--history: is where features are read"),
        (["--ttl", "24h"], "--ttl: is for precomputed answers"),
        (["--precompute", "patient"], "set models.tiny-tabular.cache.precomputed to patient in slipway.yaml"),
        (["--features", "store", "--ttl", "1h", "--precompute", "patient"], "cache.precomputed"),
    ],
)
def test_options_that_do_not_go_together_are_named(slipway, capsys, options: list[str], said: str) -> None:
    assert slipway("tiny-tabular", "in.csv", "-o", "out", *options) == 1
    assert said in capsys.readouterr().err
    assert not Path("out").exists()


def test_an_output_within_the_input_is_refused(slipway, capsys) -> None:
    Path("in").mkdir()
    Path("in.csv").rename("in/in.csv")
    assert slipway("tiny-tabular", "in", "-o", "in/out") == 1
    assert "in/out is within the input" in capsys.readouterr().err


def test_too_many_wrong_rows_end_with_a_line_and_a_code(slipway, capsys) -> None:
    Path("in.csv").write_text("radius,smooth,age\n1,1,1\n1,1,-4\n")
    assert slipway("tiny-tabular", "in.csv", "-o", "out") == 1
    assert "1 of 2 rows were rejected, more than 1 %" in capsys.readouterr().err
    assert slipway("tiny-tabular", "in.csv", "-o", "out", "--max-rejected", "0.5") == 0


class Started(Exception):
    """The run that was started."""


class StartedJobs:
    """Jobs of an account, of which only the start is of interest."""

    def upload(self, _source: Path, _client: object, job: str) -> str:
        return f"s3://jobs/inputs/{job}/"

    def start(self, run: Run, _now: object) -> None:
        raise Started(run)


@pytest.fixture
def in_the_account(slipway, monkeypatch):
    """Gives the run that `slipway batch run` starts in an account with these options."""
    Path("slipway.yaml").write_text(CONFIG.replace("stable: 1", "stable: 1, cache: {precomputed: patient}"))
    target = BatchTarget(load_config(Path("slipway.yaml")), StartedJobs(), "here", {})
    monkeypatch.setattr("slipway.cli.batch.run.find_jobs", lambda _: target)

    def run(*options: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["slipway", "batch", "run", "tiny-tabular", "in.csv", *options])
        with pytest.raises(Started) as started:
            main()
        found: Run = started.value.args[0]
        return found

    return run


def test_a_job_in_the_account_does_what_its_options_say(in_the_account) -> None:
    options = ("--features", "store", "--precompute", "patient", "--ttl", "3h", "--sample", "0.5")
    asked = AskedExtras(features=FeaturesFrom.STORE, precompute="patient", ttl=timedelta(hours=3), sample=0.5)
    assert in_the_account(*options).extras == asked
    assert in_the_account("--features", "history", "--time-column", "at").extras.time_column == "at"
    assert in_the_account().extras == AskedExtras()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--features", "history", "--history", "."], "--history: is a folder of this machine"),
        (["--precompute", "doctor"], "set models.tiny-tabular.cache.precomputed to doctor"),
        (["--time-column", "at"], "--time-column: is for features as they were at a time"),
    ],
)
def test_a_job_that_cannot_be_is_not_started_in_the_account(in_the_account, slipway, capsys, options, said) -> None:
    assert slipway("tiny-tabular", "in.csv", *options) == 1
    assert said in capsys.readouterr().err


def test_a_deployment_without_the_stack_of_jobs_says_how_to_get_one(slipway) -> None:
    with pytest.raises(NotFoundError, match=r"batch: \{ enabled: false \}.*`--local` scores on this machine"):
        jobs_in(load_config(Path("slipway.yaml")), Deployed("here", {}))
