"""`slipway preflight` against an account in which this checkout is deployed: the embedded AWS."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.environment.state import State

SLIPWAY = Path(sys.executable).with_name("slipway")


@pytest.fixture(scope="module")
def found(running: State, checkout: Path) -> dict[str, Any]:
    """What the command says of a deploy of what is deployed already."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "AWS_ENDPOINT_URL": running.emulator,
        "AWS_REGION": running.region,
        "AWS_ACCESS_KEY_ID": running.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": running.credentials.secret_access_key,
    }
    command = [str(SLIPWAY), "preflight", "--json", "--environment", "local"]
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout, done.stderr
    return {**json.loads(done.stdout), "exit": done.returncode}


def test_what_the_embedded_aws_answers_is_fine(found: dict[str, Any]) -> None:
    statuses = {check["check"]: check["status"] for check in found["checks"]}
    answered = ("region", "credentials", "CDK CLI", "CDK bootstrap", "SnapStart", "HTTP APIs")
    assert {name: statuses[name] for name in answered} == dict.fromkeys(answered, "fine")


def test_every_check_has_an_answer_and_the_exit_code_is_that_of_the_worst(found: dict[str, Any]) -> None:
    statuses = [check["status"] for check in found["checks"]]
    assert {"zones of the VPC link", "service-linked roles", "Docker"} <= {check["check"] for check in found["checks"]}
    worst = next(status for status in ("fails", "unknown", "warning", "fine") if status in statuses)
    assert found["worst"] == worst
    assert found["exit"] == {"fails": 1, "unknown": 4, "warning": 0, "fine": 0}[worst]


def test_what_is_deployed_costs_what_this_deploy_costs(found: dict[str, Any]) -> None:
    assert found["bill"]["unpriced"] == {}
    assert found["bill"]["deployed"] == {"idle": found["bill"]["idle"]["total"], "changes": []}
