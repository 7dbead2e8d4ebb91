"""A project with version 1 of each model, in an account whose registry also has version 2, as after a retraining."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from slipway.cli.commands import app
from slipway.cli.deployed import Deployed
from slipway.cli.model.registry_target import Target
from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import BASELINE, Package
from slipway.monitoring.captures.parsing import Capture
from support.calibrated import calibration
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import make_regression_package, make_tabular_package, make_text_package, seal_again
from support.registries import ORIGIN, PASSED

CONFIG = """
project: demo
models:
  tiny-price: {versions: [1], stable: 1, capture: {sample: 1.0}}
  tiny-sentiment: {versions: [1], stable: 1, capture: {sample: 1.0}}
  tiny-tabular: {versions: [1], stable: 1, capture: {sample: 1.0}}
features:
  tumour: {entity: patient, history: true, features: {radius: {type: float}, smooth: {type: float}}}
"""
OUTPUTS = {"CaptureBucket": "captures", "ControlTable": "control", "ModelBucket": "models", "HistoryBucket": "history"}
REGISTERED = 2
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)


@contextmanager
def registered_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account whose registry has version 2 of each model, and a project with version 1 only."""
    use_test_credentials(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    deployed = Deployed("this account", OUTPUTS)
    for module in ("deployed", "monitor.drift_source", "skew.sources", "history.place"):
        monkeypatch.setattr(f"slipway.cli.{module}.find_deployed", lambda _: deployed)
    monkeypatch.setattr("slipway.console.workspace.find_deployed", lambda _: deployed)
    with mock_aws():
        for bucket in ("captures", "models", "history"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        create_keyed_table("control")
        registry = Target("control", "models", "this account").open()
        for make in (price, sentiment, make_tabular_package):
            for number in (1, REGISTERED):
                made = make(tmp_path / "made" / str(number), version=number)
                registry.register(made, PASSED, ORIGIN)
                if number == 1:
                    shutil.copytree(made.folder, tmp_path / "models" / made.manifest.name / "1")
                shutil.rmtree(made.folder)
        yield


def price(folder: Path, *, version: int) -> Package:
    """A regression with a baseline of 4,000 records."""
    made = make_regression_package(folder, version=version)
    records = [{"rooms": 1.0 + number % 3, "area": 20.0 + number % 100} for number in range(4000)]
    baseline = measure_baseline(made.manifest, records, [{"value": sum(record.values())} for record in records])
    write_baseline(made.path(BASELINE), baseline)
    return seal_again(made)


def sentiment(folder: Path, *, version: int) -> Package:
    """A classifier whose scores are calibrated."""
    made = make_text_package(folder, version=version)
    write_calibration(made.folder / "calibration.json", calibration())
    return seal_again(made)


def monitor(*words: str, typed: str = "") -> Any:
    """What `slipway monitor` prints, parsed with --json."""
    done = CliRunner().invoke(app, ["monitor", *words], input=typed, catch_exceptions=False, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in words else done.output


def captured(model: str, number: int, inputs: dict[str, Any], outputs: dict[str, Any], **more: Any) -> Capture:
    """A capture of a version of a model, by default the registered one."""
    version = more.pop("version", REGISTERED)
    at = START + timedelta(seconds=number % 3000)
    return Capture(
        id=f"{model}.{version}.{int(at.timestamp()):08x}{number:016x}",
        model=model,
        version=version,
        time=int(at.timestamp() * 1000),
        request="r",
        inputs=inputs,
        outputs=outputs,
        **more,
    )


def answered(number: int, version: int = REGISTERED) -> Capture:
    """A capture of the classifier."""
    scores = {"negative": 0.2, "neutral": 0.2, "positive": 0.6}
    outputs = {"label": "positive", "score": 0.6, "scores": scores}
    return captured("tiny-sentiment", number, {"text": f"day {number}"}, outputs, version=version)
