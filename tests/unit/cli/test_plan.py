"""`slipway plan` prints what breaks, what to ask for, what to change and what it costs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import InputError, NotFoundError

CONFIG = """
light: {memory_mb: 1024}
models:
  small: {versions: [1], stable: 1, capture: {sample: 0.25}}
  large:
    tier: heavy
    versions: [1]
    stable: 1
    heavy: {min_tasks: 2, max_tasks: 9, target_requests_per_task: 6000, target_cpu_percent: 50}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "SLIPWAY_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["plan", *arguments], catch_exceptions=False, env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def document(*arguments: str) -> Any:
    return json.loads(run("--json", *arguments))


def test_ten_requests_a_second_need_nothing() -> None:
    shown = run("--rps", "10")
    assert "Nothing breaks" in shown
    assert "Quotas to ask for" not in shown
    assert "no request is lost" in shown
    assert "HTTP API requests 14.5 million" in shown


def test_a_hundred_thousand_say_what_breaks_first_and_what_to_do() -> None:
    shown = run("--rps", "100000")
    assert "First: Lambda, environments at once; it holds up to 9,709 requests/s." in shown
    assert "AWS Lambda: Concurrent executions 1,000 13,000 environments" in shown
    assert "nobody can raise the ramp" in shown
    assert "AWS's defaults as of 2026-" in shown


def test_json_has_every_check_and_the_assumptions() -> None:
    found = document("--rps", "100000", "--payload", "4000", "--models", "3")
    assert (found["rps"], found["models"], found["region"]) == (100_000, 3, "us-east-1")
    assert {each["limit"] for each in found["quotas"]} >= {"api_requests_per_second", "lambda_concurrency"}
    checks = found["scenarios"]["day"]["checks"]
    assert {each["component"] for each in checks} >= {"release record", "busiest entity", "captures", "controller"}
    assert found["assumptions"]["cold_start_seconds"] > 0
    assert found["total"] == pytest.approx(sum(each["amount"] for each in found["lines"]), abs=0.01)


def test_a_model_of_slipway_yaml_brings_its_tier_memory_tasks_and_captures() -> None:
    small, large = document("--rps", "100", "--model", "small"), document("--rps", "2000", "--model", "large")
    assert (small["tier"], large["tier"]) == ("light", "heavy")
    duration = next(each for each in small["lines"] if each["item"] == "Lambda duration")
    assert duration["quantity"] == pytest.approx(55 * 730 * 3600 * 0.010 * 1.0, rel=0.01)
    tasks = next(each for each in large["scenarios"]["day"]["checks"] if "max_tasks" in each["what"])
    assert (tasks["needed"], tasks["allowed"]) == (20, 9)
    assert not any("apture" in each["item"] for each in large["lines"])
    with pytest.raises(NotFoundError, match="middle"):
        run("--rps", "10", "--model", "middle")


def test_a_plot_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run("--rps", "50000", "--plot", str(tmp_path / "plan.svg"))
    assert "</svg>" in (tmp_path / "plan.svg").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"\.pdf"):
        run("--rps", "10", "--plot", str(tmp_path / "plan.txt"))


def test_rps_is_needed_and_above_zero() -> None:
    assert CliRunner().invoke(app, ["plan"]).exit_code == 2
    assert CliRunner().invoke(app, ["plan", "--rps", "0"]).exit_code == 2
