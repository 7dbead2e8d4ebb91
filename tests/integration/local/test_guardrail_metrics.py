"""A candidate that is worse only in a metric of the user's own is rolled back, by lines of its log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from fakes.feedback import MemoryFeedbackStore
from support.documents import blocks_of
from support.releases.records import make_release

from local.environment import settings
from slipway.config.releases.guardrails import GuardrailMetric
from slipway.config.releases.options import JudgeConfig
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import metric_line
from slipway.releases.evidence.cloudwatch import CloudWatchEvidence
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness, Tally
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.decide import decide

Aws = Callable[[str], Any]
Line = Callable[[datetime, int, list[float]], str]
MINUTES = 8
# CloudWatch aligns to minutes, and the emulator keeps two weeks.
BEGAN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
OWN = {
    "namespace": "Shop",
    "metric": "Declined",
    "dimensions": {"Model": "checkout", "Version": "{version}"},
    "margin": 0.02,
}


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The line that docs/guardrails.md shows, written at a time."""
    (example,) = [block for block in blocks_of("guardrails.md") if block.file == "guardrail.py"]
    (tmp_path / "guardrail.py").write_text(example.text, encoding="utf-8")
    module = run_path(str(tmp_path / "guardrail.py"))

    def written(at: datetime, version: int, values: list[float]) -> str:
        monkeypatch.setattr("time.time", at.timestamp)
        text = str(module["declined_line"](version, values))
        monkeypatch.undo()
        return text

    return written


@pytest.fixture
def log(aws: Aws) -> Callable[[list[str]], None]:
    """Puts lines into a log group of the emulator."""
    logs = aws("logs")
    names = {"logGroupName": f"/test/{datetime.now(UTC).timestamp()}", "logStreamName": "one"}
    logs.create_log_group(logGroupName=names["logGroupName"])
    logs.create_log_stream(**names)

    def put(lines: list[str]) -> None:
        at = int(datetime.now(UTC).timestamp() * 1000)
        logs.put_log_events(**names, logEvents=[{"timestamp": at, "message": each} for each in lines])

    return put


def served(project: str, at: datetime, version: int) -> str:
    """A minute's requests, all well and as fast as ever."""
    named = {metrics.PROJECT: project, metrics.MODEL: "checkout", metrics.VERSION: str(version)}
    counts = {metrics.PREDICTIONS: 100.0, metrics.INFERENCE_LATENCY: [5.0] * 100}
    return metric_line(counts, named, int(at.timestamp() * 1000))


def reader(project: str, emulator: str) -> CloudWatchEvidence:
    options = {
        "endpoint_url": emulator,
        "region_name": settings.REGION,
        "aws_access_key_id": settings.ACCESS_KEY,
        "aws_secret_access_key": settings.SECRET_KEY,
    }
    return CloudWatchEvidence(project, MemoryFeedbackStore(), options)


def record(began: datetime, metric: dict[str, Any]) -> ReleaseRecord:
    """A canary at half the traffic."""
    judge = JudgeConfig(metrics={"declined": GuardrailMetric.model_validate(metric)})
    made = make_release("checkout", now=began, labels=(), judge=judge)
    return made.model_copy(update={"phase": Phase.RUNNING, "shares": (0.5,), "judged_until": began})


@pytest.mark.parametrize(("declines", "ends"), [(40, Phase.ROLLED_BACK), (10, Phase.RUNNING)])
def test_a_candidate_that_is_worse_in_it_alone_is_rolled_back(
    emulator: str, line: Line, log: Callable[[list[str]], None], declines: int, ends: Phase
) -> None:
    # The cases write one metric, so each has minutes of its own.
    began, project = BEGAN + timedelta(minutes=declines), f"guarded-{declines}"
    for at in (began + minute * timedelta(minutes=1) for minute in range(MINUTES)):
        for version, bad in ((1, 10), (2, declines)):
            log([served(project, at, version), line(at, version, [1.0] * bad + [0.0] * (100 - bad))])
    release = record(began, OWN)

    found = reader(project, emulator).windows(release, began + timedelta(minutes=MINUTES + 1, seconds=30))
    after = decide(release, Evidence(Observed({2: Readiness.READY}), found), began + timedelta(minutes=MINUTES)).record

    assert [window.arms[2]["metric:declined"] for window in found] == [Tally(100, declines)] * MINUTES
    assert after.phase is ends
    assert (ends is Phase.RUNNING) or after.history[-1].evidence[0].startswith("declined: 40 % of ")


def test_values_over_a_limit_are_counted_by_cloudwatch(emulator: str, aws: Aws) -> None:
    values = {1: [10.0, 20.0, 30.0, 40.0], 2: [10.0, 20.0, 20.5]}
    for version, each in values.items():
        named = [{"Name": "Model", "Value": "checkout"}, {"Name": "Version", "Value": str(version)}]
        data = {"MetricName": "Basket", "Dimensions": named, "Timestamp": BEGAN}
        aws("cloudwatch").put_metric_data(Namespace="Shop", MetricData=[{**data, "Value": value} for value in each])
    basket = {**OWN, "metric": "Basket", "limit": 20, "bad": "low"}

    (found,) = reader("baskets", emulator).windows(record(BEGAN, basket), BEGAN + timedelta(minutes=2))

    assert (found.arms[1]["metric:declined"], found.arms[2]["metric:declined"]) == (Tally(4, 2), Tally(3, 1))
