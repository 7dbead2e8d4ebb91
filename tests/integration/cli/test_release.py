"""`slipway release` against a table in moto, with the controller's function down."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.models import Statistics
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import make_text_package
from typer.testing import CliRunner, Result

from slipway.aws.table import lazy_client
from slipway.cli import app
from slipway.errors import ConflictError, InputError, NotFoundError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.groups import StoredGroup
from slipway.releases.record.phases import Phase
from slipway.releases.record.table import DynamoReleaseStore

CONFIG = """
project: demo
models:
  tiny-sentiment:
    versions: [1, 2]
    stable: 1
    release: {canary: {bake_minutes: 3}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose stacks are deployed, with only their outputs."""
    use_test_credentials(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    for version in (1, 2):
        make_text_package(tmp_path / f"models/tiny-sentiment/{version}", version=version)
    with mock_aws():
        _deploy("demo-state", {"ControlTable": "control"})
        _deploy("demo-serving", {"ApiUrl": "https://abc.execute-api.us-east-1.amazonaws.com"})
        create_keyed_table("control")
        yield tmp_path


def _deploy(stack: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    boto3.client("cloudformation").create_stack(StackName=stack, TemplateBody=json.dumps(template))


def release(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["release", *arguments], catch_exceptions=True)


def stored() -> ReleaseRecord:
    return DynamoReleaseStore("control", client=lazy_client()).current(["tiny-sentiment"])[0]


def test_a_dry_run_shows_the_plan_and_starts_nothing(project: Path) -> None:
    shown = release("start", "tiny-sentiment", "2", "--dry-run", "-o", "share=0.2")
    assert shown.exit_code == 0, shown.output
    assert "20 % to version 2" in shown.output
    assert "3 minutes with traffic" in " ".join(shown.output.split())
    slope = release("start", "tiny-sentiment", "2", "--dry-run", "-o", "shares=0.1,0.6", "-o", "judge.silent_minutes=7")
    assert [share for share in ("10 %", "20 %", "60 %", "100 %") if f"{share} to" in slope.output] == [
        "10 %",
        "60 %",
        "100 %",
    ]
    assert "7 minutes" in " ".join(slope.output.replace("│", " ").split())
    assert "There are no releases yet" in release("status").output


@pytest.fixture
def traffic(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests to the stable version in each minute of the last hour and the next ones, of which one failed."""
    # moto knows neither percentiles nor the number of values over a limit.
    absent = {"p": 12.0, "TC": 1.0}
    basic = Statistics.get_statistics_for_type
    monkeypatch.setattr(
        Statistics,
        "get_statistics_for_type",
        lambda self, stat: next((n for kind, n in absent.items() if stat.startswith(kind)), None) or basic(self, stat),
    )
    named = {"Project": "demo", "Model": "tiny-sentiment", "Version": "1"}
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    start = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=10)
    client = boto3.client("cloudwatch")
    for minute in range(75):
        common = {"Dimensions": dimensions, "Timestamp": start - timedelta(minutes=minute)}
        data = [{"MetricName": "InferenceLatency", "Value": 12.0}] * 9 + [{"MetricName": "Failures", "Value": 1.0}]
        client.put_metric_data(Namespace="Slipway", MetricData=[common | each for each in data])


def _fits(text: str) -> bool:
    return all(len(line.rstrip()) <= 80 for line in text.splitlines())


@pytest.mark.usefixtures("traffic")
def test_a_dry_run_says_what_the_present_traffic_will_find_out() -> None:
    shown = release("start", "tiny-sentiment", "2", "--dry-run")
    assert shown.exit_code == 0, shown.output
    said = " ".join(shown.output.split())
    assert "10 requests a minute: 0.5 to the candidate and 9.5 to the stable version." in said
    assert "in a minute in an hour in a day proof" in said
    assert "errors 10.5 % " in said
    assert _fits(shown.output)


def test_a_dry_run_without_traffic_foresees_named_rates(project: Path) -> None:
    said = " ".join(release("start", "tiny-sentiment", "2", "--dry-run").output.split())
    assert "There was no traffic in the last hour." in said
    assert all(f" {rate} errors 0.6 %" in said for rate in (1, 10, 100))


def test_a_dry_run_needs_nothing_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    with mock_aws():
        shown = release("start", "tiny-sentiment", "2", "--dry-run", "--strategy", "ab")
        unknown = release("start", "tiny-sentimet", "2", "--dry-run")
    assert shown.exit_code == 0, shown.output
    said = " ".join(shown.output.split())
    assert "The traffic is unknown: " in said
    assert "100 errors 0.6 %" in said
    assert "reward 10 %" in said
    assert _fits(shown.output)
    assert "did you mean 'tiny-sentiment'?" in str(unknown.exception)


@pytest.mark.usefixtures("traffic")
def test_the_status_of_a_release_says_what_it_will_find_out() -> None:
    release("start", "tiny-sentiment", "2", "-o", "share=0.5")
    said = " ".join(release("status").output.split())
    assert "10 requests a minute: 5 to the candidate and 5 to the stable version." in said
    release("rollback", "tiny-sentiment", "--by", "ann")
    assert "requests a minute" not in release("status").output


def test_a_release_has_the_segments_that_it_is_started_with(project: Path) -> None:
    assert release("start", "tiny-sentiment", "2", "--segment", "text=good,bad").exit_code == 0
    (segment,) = stored().segments
    assert (segment.input, segment.values) == ("text", ("good", "bad"))
    assert "By segment" not in release("status").output
    store = DynamoReleaseStore("control", client=lazy_client())
    groups = tuple(
        StoredGroup(version=version, segment=0, group=0, tallies={"errors": (1000, bad)})
        for version, bad in ((1, 0), (2, 50))
    )
    store.save(stored().model_copy(update={"groups": groups}))
    shown = " ".join(release("status").output.split())
    assert "version 2 is worse for text=good: errors 5 % of 1,000 against 0 % of 1,000" in shown
    assert "corrected for 3 segments" in shown


@pytest.mark.parametrize(
    ("segment", "said"), [("text", "text has no categories"), ("tone=good", "'tone' is no input"), ("=a", "input")]
)
def test_a_segment_that_cannot_be_is_refused(project: Path, segment: str, said: str) -> None:
    refused = release("start", "tiny-sentiment", "2", "--segment", segment)
    assert isinstance(refused.exception, InputError)
    assert said in str(refused.exception)


def test_a_release_is_started_moved_on_and_rolled_back(project: Path) -> None:
    begun = release("start", "tiny-sentiment", "2", "-m", "better on emoji", "-o", "judge.min_requests=5")
    assert begun.exit_code == 0, begun.output
    assert stored().id in begun.output
    assert stored().labels == ("negative", "neutral", "positive")
    assert (stored().judge.min_requests, stored().reason) == (5, "better on emoji")
    assert "arn:aws:" in stored().started_by
    for phase in (Phase.PREPARING, Phase.RUNNING):
        assert release("tick").exit_code == 0
        assert stored().phase is phase
    again = release("start", "tiny-sentiment", "2")
    assert isinstance(again.exception, ConflictError)
    assert stored().id in str(again.exception)
    back = release("rollback", "tiny-sentiment", "-m", "a customer called", "--by", "ann")
    assert back.exit_code == 0, back.output
    assert stored().phase is Phase.ROLLED_BACK
    assert stored().serving.candidates == ()
    release("tick")
    assert stored().settled
    entries = json.loads(release("history", "tiny-sentiment", "--json").output)[0]["history"]
    assert [entry["by"] for entry in entries][-1] == "ann"
    assert entries[-1]["evidence"] == ["a customer called"]
    assert "a customer" in release("history", "tiny-sentiment").output
    nothing = release("rollback", "tiny-sentiment")
    assert isinstance(nothing.exception, ConflictError)


def test_the_live_shares_of_a_light_model_are_those_that_its_functions_read(project: Path) -> None:
    release("start", "tiny-sentiment", "2", "-o", "share=0.25")
    for _ in range(2):
        release("tick")
    rows = [
        line.split("│") for line in release("status").output.splitlines() if "stable" in line or "candidate" in line
    ]

    assert [(row[2].strip(), row[3].strip()) for row in rows[:2]] == [("75.0 %", "75.0 %"), ("25.0 %", "25.0 %")]


@pytest.mark.parametrize("command", ["status", "history", "watch", "promote", "rollback"])
def test_a_model_that_slipway_yaml_lacks_is_named_with_the_nearest(project: Path, command: str) -> None:
    error = release(command, "tiny-sentimet").exception

    assert isinstance(error, NotFoundError)
    assert "did you mean 'tiny-sentiment'?" in str(error)


def test_a_model_without_releases_is_told(project: Path) -> None:
    assert "There are no releases of tiny-sentiment yet" in release("history", "tiny-sentiment").output


def test_a_promotion_by_order_becomes_the_stable_version(project: Path) -> None:
    release("start", "tiny-sentiment", "2", "-o", "warm_minutes=0")
    release("tick")
    assert release("promote", "tiny-sentiment", "--by", "ann").exit_code == 0
    assert stored().phase is Phase.PROMOTED
    release("tick")
    following = release("start", "tiny-sentiment", "1", "--dry-run")
    assert "version 1" in following.output
    assert isinstance(release("start", "tiny-sentiment", "2").exception, InputError)


def test_the_watch_ends_with_the_release(project: Path) -> None:
    assert isinstance(release("watch", "tiny-sentiment").exception, NotFoundError)
    release("start", "tiny-sentiment", "2")
    release("tick")
    release("rollback", "tiny-sentiment", "--by", "ann")
    release("tick")
    shown = release("watch", "tiny-sentiment")
    assert shown.exit_code == 0, shown.output
    assert "rolled-back" in shown.output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["start", "tiny-sentiment", "2", "-o", "shade=0.1"], "shade"),
        (["start", "tiny-sentiment", "2", "-o", "share=2"], "share"),
        (["start", "tiny-sentiment", "2", "-o", "judge.p99.ratio=0"], "ratio"),
        (["start", "tiny-sentiment", "2", "--strategy", "big-bang"], "big-bang"),
        (["start", "tiny-sentiment", "2", "--strategy", "shadow"], "nothing is deployed that scores captures"),
        (["start", "tiny-sentiment", "2", "--strategy", "ab", "-o", "sticky=user", "--dry-run"], "takes is text"),
        (["start", "tiny-sentiment", "2", "--strategy", "bandit", "-o", "sticky=user"], "sticky: 'user'"),
        (["start", "tiny-sentiment", "3"], "3"),
        (["start", "tiny-sentiment", "1"], "candidates"),
        (["start", "other", "2"], "other"),
        (["start", "tiny-sentiment", "2", "-o", "share"], "NAME=VALUE"),
    ],
)
def test_what_cannot_be_started_is_refused_by_name(project: Path, arguments: list[str], named: str) -> None:
    refused: Any = release(*arguments).exception
    assert isinstance(refused, InputError | NotFoundError)
    assert named in str(refused)


def test_shadows_are_started_where_something_scores_for_them(project: Path) -> None:
    client = boto3.client("logs")
    client.create_log_group(logGroupName="/predict")
    function = "arn:aws:lambda:us-east-1:123456789012:function:shadow:live"
    _deploy("demo-shadow", {"ShadowFunction": function, "PredictLogs": "/predict"})
    started = release("start", "tiny-sentiment", "2", "--strategy", "shadow", "-o", "sample=0.5", "--by", "ann")
    assert started.exit_code == 0, started.output
    assert "shadow of tiny-sentiment" in started.output
    ended = release("rollback", "tiny-sentiment", "--by", "ann")
    assert ended.exit_code == 0, ended.output
    assert client.describe_subscription_filters(logGroupName="/predict")["subscriptionFilters"] == []
