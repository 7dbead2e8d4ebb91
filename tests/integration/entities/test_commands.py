"""`slipway entity` against an account: what it prints, asks and refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from fakes.registry import MemoryObjectStore
from support.entities import U42, World, line
from support.packages import make_text_package
from support.registries import ORIGIN, PASSED
from typer.testing import CliRunner, Result

from slipway.cli.commands import app
from slipway.cli.entity.forget import left_behind
from slipway.config import parse_config
from slipway.models.registry.registry import Registry
from slipway.models.registry.table import DynamoVersionTable
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.index import MOST_BYTES

CONFIG = """
project: demo
models: {mood: {versions: [1], stable: 1, capture: {sample: 1, by: entity, entity: guest}}}
features: {profile: {entity: user, features: {age: {type: integer}}}}
"""
OUTPUTS = {
    "FeaturesTable": "features",
    "PredictionsTable": "predictions",
    "ControlTable": "control",
    "CaptureBucket": "captures",
    "HistoryBucket": "history",
}
Run = Callable[..., Result]


@pytest.fixture
def slipway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `slipway entity` in a project that is deployed to moto's account."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in OUTPUTS.items()},
    }
    boto3.client("cloudformation").create_stack(StackName="demo-state", TemplateBody=json.dumps(template))

    def run(*arguments: str, answer: str | None = None) -> Result:
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["entity", *arguments], input=answer)

    return run


def test_a_life_is_printed(slipway: Run, world: World, lives: dict[Subject, list[str]]) -> None:
    world.capture(line(U42, 0, text="x" * MOST_BYTES))
    shown = slipway("show", "user", "u42")
    assert shown.exit_code == 0, shown.output
    for text in ("mood 1", "positive 0.500", "negative", "tweet 2 of u42", "too large", "profile", "age", "40"):
        assert text in shown.output
    assert shown.output.index("tweet 2 of u42") < shown.output.index("tweet 0 of u42"), "the oldest comes first"
    newest = slipway("show", "user", "u42", "--limit", "1", "--model", "mood", "--json")
    assert len(json.loads(newest.stdout)["predictions"]) == 1


def test_nobody_has_no_life(slipway: Run) -> None:
    shown = slipway("show", "user", "nobody")
    assert shown.exit_code == 0
    assert "No captured prediction of user nobody." in shown.output
    assert "No features of user nobody." in shown.output
    assert "by: entity" not in shown.output


def test_it_asks_before_it_erases(slipway: Run, world: World, lives: dict[Subject, list[str]], tmp_path: Path) -> None:
    registry = Registry(MemoryObjectStore(), DynamoVersionTable("control"))
    for version in (1, 2):  # slipway.yaml has the first alone, and the world has answers that the second precomputed
        package = make_text_package(tmp_path / str(version), name="mood", version=version)
        registry.register(package, PASSED, ORIGIN)
    refused = slipway("forget", "user", "u42", answer="n\n")
    assert (refused.exit_code, world.mentions("u42") != []) == (1, True)
    done = slipway("forget", "user", "u42", answer="y\n")
    assert done.exit_code == 0, done.output
    assert "3 captured predictions" in done.output
    assert "Not reached:" in done.output
    assert world.mentions("u42") == []
    assert "nothing was erased" in slipway("forget", "user", "u42", "--yes").output


def test_an_entity_that_slipway_yaml_does_not_have_is_refused(slipway: Run) -> None:
    for command in ("show", "forget"):
        refused = slipway(command, "usr", "u42")
        assert refused.exit_code == 1
    assert slipway("show", "guest", "g1").exit_code == 0


def test_what_is_left_is_said_with_its_time() -> None:
    text = CONFIG.replace("stable: 1,", "stable: 1, cache: {enabled: true, ttl_days: 7},")
    config = parse_config(text + "monitoring: {log_retention_days: 14, capture_retention_days: 3}\n")
    now = datetime(2026, 11, 1, tzinfo=UTC)
    left = "\n".join(left_behind(config, now))
    for days in (14, 35, 3, 7, config.batch.retention_days):
        assert f"{now + timedelta(days=days):%Y-%m-%d}" in left
