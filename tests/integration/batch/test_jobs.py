"""Jobs as executions of a state machine, by moto."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.moto_account import use_test_credentials

from slipway.batch.account.executions import Executions
from slipway.batch.account.jobs import Jobs
from slipway.batch.account.runs import Run
from slipway.errors import ConflictError, InputError, NotFoundError, UnavailableError
from slipway.models.registry.bucket import s3_client

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/machine"
BUCKET = "jobs-of-demo"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    use_test_credentials(monkeypatch)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
        made = boto3.client("stepfunctions").create_state_machine(name="demo", definition=definition, roleArn=ROLE)
        yield Jobs(Executions(made["stateMachineArn"], {}), BUCKET)


@pytest.fixture
def run() -> Run:
    return Run(model="tiny-price", source="s3://coming/{date}/", output="s3://going/{date}/")


def test_a_job_is_started_with_what_was_asked_for(jobs: Jobs, run: Run) -> None:
    started = jobs.start(run, NOW)
    assert started.run.model_copy(update={"job": None}) == run
    assert started.run.job == started.execution.name
    assert jobs.find(started.execution.name).execution.arn == started.execution.arn


def test_a_stopped_job_goes_on_with_the_same_output(jobs: Jobs, run: Run) -> None:
    started = jobs.start(run, NOW)
    job, day = started.execution.name, f"{started.execution.started:%Y-%m-%d}"
    with pytest.raises(ConflictError, match="still runs"):
        jobs.rerun(job)

    assert jobs.cancel(job).execution.status == "ABORTED"
    with pytest.raises(ConflictError, match="does not run: it is aborted"):
        jobs.cancel(job)
    again = jobs.rerun(job)

    assert (again.execution.name, again.run.job) == (f"{job}_2", job)
    assert (again.run.source, again.run.output) == (f"s3://coming/{day}/", f"s3://going/{day}/")
    assert jobs.output(again) == jobs.output(started) == f"s3://going/{day}/"
    assert [each.name for each in jobs.recent(5)] == [f"{job}_2"]


def test_an_unknown_job_is_named(jobs: Jobs) -> None:
    with pytest.raises(NotFoundError, match="batch job 'x'"):
        jobs.find("x")


def test_a_large_file_is_stored_in_parts_that_s3_checks(jobs: Jobs, tmp_path: Path) -> None:
    rows = b"".join(b"%d\n" % number for number in range(2_600_000))
    (tmp_path / "large.csv").write_bytes(b"a\n" + rows)
    address = jobs.upload(tmp_path / "large.csv", s3_client(), "job-1")
    stored: Any = boto3.client("s3").get_object(
        Bucket=BUCKET, Key=f"{address.removeprefix(f's3://{BUCKET}/')}large.csv"
    )
    assert stored["Body"].read() == b"a\n" + rows
    assert stored["ETag"].strip('"').endswith("-3"), "in parts, which one call of S3 could not be"


def test_a_refused_file_is_said(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(UnavailableError, match=r"S3.*NoSuchBucket"):
        replace(jobs, bucket="no-such-bucket").upload(tmp_path, s3_client(), "job-1")


def test_files_of_this_machine_are_stored_for_the_job(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "more" / "b.csv").write_text("a\n2\n")
    whole = jobs.upload(tmp_path, s3_client(), "job-1")
    single = jobs.upload(tmp_path / "a.csv", s3_client(), "job-2")
    assert (whole, single) == (f"s3://{BUCKET}/inputs/job-1/", f"s3://{BUCKET}/inputs/job-2/")
    listed: Any = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    names = ["inputs/job-1/a.csv", "inputs/job-1/more/b.csv", "inputs/job-2/a.csv"]
    assert [each["Key"] for each in listed] == names
    with pytest.raises(InputError, match="no such file or folder"):
        jobs.upload(tmp_path / "c.csv", s3_client(), "job-3")
