"""What README.md tells a newcomer to type, typed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.environment.state import State

README_API = "127.0.0.1:8080"
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)

Run = Callable[[list[str]], str]


@pytest.fixture(scope="module")
def blocks(checkout: Path) -> list[tuple[str, str]]:
    """Each fenced block of the README: its language and its text."""
    return BLOCK.findall((checkout / "README.md").read_text(encoding="utf-8"))


@pytest.fixture
def run(running: State, checkout: Path) -> Run:
    """Runs a command in the checkout against what is up for the tests; returns what it prints."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SLIPWAY_API": running.api,
        "SLIPWAY_ENVIRONMENT": "local",
        "AWS_ENDPOINT_URL": running.emulator,
        "AWS_DEFAULT_REGION": running.region,
        "AWS_ACCESS_KEY_ID": running.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": running.credentials.secret_access_key,
    }

    def call(command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def bash(blocks: list[tuple[str, str]], containing: str) -> list[str]:
    """The texts of the bash blocks that contain a word."""
    return [text for language, text in blocks if language == "bash" and containing in text]


def test_the_three_commands_are_make_targets(blocks: list[tuple[str, str]], run: Run) -> None:
    assert bash(blocks, "make ") == ["make run\n", "make test\n", "make loop\n"]
    for target in ("run", "test", "loop"):
        assert run(["make", "--dry-run", target])


def test_the_curl_lines(blocks: list[tuple[str, str]], run: Run, running: State) -> None:
    calls = bash(blocks, "curl")
    assert len(calls) == 3
    for text in calls:
        answer = json.loads(run(["bash", "-c", text.replace(README_API, urlsplit(running.api).netloc)]))
        assert all(prediction["label"] for prediction in answer["predictions"])


def test_the_command_line(blocks: list[tuple[str, str]], run: Run) -> None:
    (text,) = bash(blocks, "slipway predict")
    commands = [line for line in text.splitlines() if line.startswith("slipway ")]
    assert len(commands) == 6
    for command in commands:
        assert run(["bash", "-c", command])


def test_the_triton_client(blocks: list[tuple[str, str]], run: Run, running: State) -> None:
    (text,) = [text for language, text in blocks if language == "python"]
    answer = run([sys.executable, "-c", text.replace(README_API, urlsplit(running.api).netloc)])
    assert answer.strip() == "[b'negative']"
