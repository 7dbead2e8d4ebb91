"""The function behind CloudWatch's custom widgets, over a bucket and a table in moto."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.calibrated import MODEL, answers, calibration, captures_of
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import make_text_package

from slipway.aws.table import DynamoTable
from slipway.config import load_config
from slipway.console.charts import Chart
from slipway.console.widget.answer import answer
from slipway.console.widget.reading import Sources
from slipway.models.measurements.calibration import write_calibration
from slipway.models.measurements.measured import MeasuredVersions
from slipway.models.package import load_package, seal_package
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.accuracy.score_sums import score_summing
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.drift.reference_bucket import BucketReferences
from slipway.monitoring.drift.step import DriftStep
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import Period
from slipway.releases.routing.serving_table import DynamoServingStore

CONFIG = f"""
models:
  {MODEL}: {{versions: [1], stable: 1, capture: {{sample: 1.0}}}}
  unwatched: {{versions: [1], stable: 1}}
"""
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
NOW = HOUR + timedelta(hours=2)
Widget = Callable[..., str]


def draw(chart: Chart, *, width: float, height: float, theme: str) -> str:
    """In place of Vega, which bundles have: the picture's own name and data."""
    names = [name for row in chart.rows for name in row[:1]]
    return f'<svg data-size="{width:g}x{height:g} {theme}">{len(names)}</svg>'


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    use_test_credentials(monkeypatch)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    package = make_text_package(tmp_path / "models" / MODEL / "1")
    write_calibration(package.folder / "calibration.json", calibration())
    seal_package(package.folder, package.manifest.model_dump(mode="json", exclude_unset=True))
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="captures")
        create_keyed_table("control")
        config = load_config(tmp_path / "slipway.yaml")

        def registry() -> Any:
            raise AssertionError("the version is in the bundle")

        yield Sources(
            config,
            CaptureBucket("captures"),
            BucketReferences("captures"),
            DynamoLabelled(DynamoTable("control", dependency="control table")),
            DynamoServingStore("control"),
            MeasuredVersions(config, tmp_path, registry, cache=tmp_path / "cache").package,
        )


@pytest.fixture
def monitored(sources: Sources, tmp_path: Path) -> None:
    """An hour of captures, as the monitor leaves it."""
    package = load_package(tmp_path / "models" / MODEL / "1")
    captures = captures_of(answers(200, seed=5), HOUR)
    profile = profile_of(package, captures, start=HOUR, minutes=60, sums=score_summing(package))
    BucketProfiles(CaptureBucket("captures")).write(profile)
    bins = bins_of(package.manifest, package.baseline)
    period = Period(package, bins, profile, lambda: iter(()), lambda: (), profile.end)
    state, _ = DriftStep({}, BucketReferences("captures")).after(None, period)
    document = {"until": profile.end.isoformat(), "state": state}
    StateStore(CaptureBucket("captures")).write(version_state(MODEL, 1, "drift"), document)


@pytest.fixture
def widget(sources: Sources) -> Widget:
    context = {
        "timeRange": {"mode": "relative", "start": _ms(HOUR), "end": _ms(NOW)},
        "theme": "dark",
        "width": 588,
        "height": 369,
    }
    return lambda **asked: answer({"widgetContext": context, **asked}, sources, NOW, draw)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_it_describes_itself_in_markdown(widget: Widget) -> None:
    text = widget(describe=True)
    assert text.startswith("## ")
    assert "### Widget parameters" in text
    assert "``` yaml" in text


@pytest.mark.usefixtures("monitored")
def test_drift_names_the_columns_of_the_window(widget: Widget) -> None:
    page = widget(picture="drift", model=MODEL)
    assert f"{MODEL} 1: 200 records since" in page
    assert '<svg data-size="588x369 dark">' in page
    assert "<td>outputs.label</td>" in page


@pytest.mark.usefixtures("monitored")
def test_accuracy_is_of_the_dashboards_time_range(widget: Widget) -> None:
    assert f"<td>{HOUR:%Y-%m-%d %H:%M}</td><td>200</td>" in widget(picture="accuracy", model=MODEL)
    other = {"timeRange": {"start": _ms(HOUR - timedelta(days=3)), "end": _ms(HOUR - timedelta(days=2))}}
    assert "<p>" in (page := widget(picture="accuracy", model=MODEL, widgetContext=other))
    assert "<svg" not in page


def test_weights_are_of_all_models(widget: Widget) -> None:
    page = widget(picture="weights")
    assert "No release is active" in page
    assert f"<td>{MODEL}</td><td>version 1</td><td>stable</td><td>100.0%</td>" in page
    assert "<td>unwatched</td>" in page
    assert "<td>unwatched</td>" not in widget(picture="weights", model=MODEL)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "picture"),
        ({"picture": "all"}, "picture"),
        ({"picture": "drift"}, "model"),
        ({"picture": "drift", "model": "unwatched"}, "unwatched"),
        ({"picture": "weights", "model": "<img src=x onerror=alert(1)>"}, "&lt;img src=x onerror=alert(1)&gt;"),
        ({"picture": "drift", "model": MODEL}, "the monitor has looked at"),
        ({"picture": "drift", "model": MODEL, "version": "0"}, "version"),
    ],
)
def test_what_cannot_be_shown_is_said_and_escaped(widget: Widget, asked: dict[str, Any], said: str) -> None:
    page = widget(**asked)
    assert said in page
    assert "<img" not in page
    assert "<svg" not in page


@pytest.mark.usefixtures("monitored")
def test_where_nothing_draws_it_is_said(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    page = answer({"picture": "drift", "model": MODEL}, sources, NOW)
    assert page.startswith("<p>what draws pictures")
    assert "slipway console" in page


def test_the_handler_answers_cloudwatch(sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "SLIPWAY_CAPTURE_BUCKET": "captures",
        "SLIPWAY_CONTROL_TABLE": "control",
        "SLIPWAY_MODEL_BUCKET": "models",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    from functions.widget.handler import make_handler
    from functions.widget.settings import Settings

    context = SimpleNamespace(
        function_name="widget", memory_limit_in_mb=1769, invoked_function_arn="arn", aws_request_id="r"
    )
    handler = make_handler(Settings.of(environment))
    assert handler({"describe": True}, context).startswith("## ")
    found = handler({"picture": "drift", "model": MODEL}, context)
    assert json.loads(json.dumps(found)).startswith("<p>")
