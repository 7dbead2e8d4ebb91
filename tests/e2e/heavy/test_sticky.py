"""An A/B test by a field of the request on two slots, between which the load balancer chooses by chance."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.embedded import Aws
from support.heavy.embedded import MODEL, Heavy, until

from local.environment.state import State
from slipway.releases.record.phases import Phase
from slipway.serving.prediction.live_releases import FRESH_SECONDS

SLIPWAY = Path(sys.executable).with_name("slipway")
PATH = f"/v1/models/{MODEL}/predict"
TEXTS = [f"good sunny {number}" for number in range(20)]
ROUNDS = 10
SECONDS = 120.0
# As for the light tier; what it took is in the report.
EFFECT_SECONDS = 15.0
SEEN_SECONDS = 20.0

Command = Callable[..., str]


@pytest.fixture
def release(running: State, project: Path, tmp_path: Path) -> Command:
    """Runs `slipway release …` against what is up."""
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway/local.json").write_text(running.model_dump_json(), encoding="utf-8")

    def command(*arguments: str) -> str:
        whole = [SLIPWAY, "release", *arguments, "--config", project / "slipway.yaml"]
        done = subprocess.run(whole, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return command


@pytest.fixture
def halves(heavy: Heavy, release: Command) -> Iterator[Heavy]:
    """The slots while half of the requests go to each, and the text says which version answers it."""
    heavy.set_tasks("green", 1)
    release("start", MODEL, "2", "--strategy", "ab", "-o", "sticky=text")
    until(lambda: release("tick") and heavy.weights() == {"blue": 50, "green": 50}, SECONDS)
    yield heavy
    if not Phase(record(release)["phase"]).ended:
        release("rollback", MODEL)
    until(lambda: release("tick") and record(release)["settled"], SECONDS)
    heavy.set_version("green", 1)
    heavy.set_tasks("green", 1)


def record(release: Command) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(release("status", MODEL, "--json"))[0]
    return found


def ask(api: httpx.Client, *texts: str) -> list[int]:
    """The version that answered each text."""
    answer = api.post(PATH, json={"inputs": [{"text": text} for text in texts]})
    assert answer.status_code == 200, answer.text
    return [made["version"] for made in answer.json()["predictions"]]


def goes_on(api: httpx.Client, version: int) -> float:
    """For how many seconds from now a version still answers; 0 where it never does."""
    last = begun = time.monotonic()
    while time.monotonic() < begun + SEEN_SECONDS:
        if version in ask(api, *TEXTS):
            last = time.monotonic()
    return last - begun


def counted(aws: Aws, metric: str) -> float:
    """A metric's sum over both slots."""
    total, now = 0.0, datetime.now(UTC)
    for slot in ("blue", "green"):
        named = {"Project": "heavy-test", "Model": MODEL, "Slot": slot}
        found = aws("cloudwatch").get_metric_statistics(
            Namespace="Slipway",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        total += sum(point["Sum"] for point in found["Datapoints"])
    return total


def test_the_same_value_gets_the_same_version_whichever_slot_is_asked(
    api: httpx.Client, aws: Aws, halves: Heavy
) -> None:
    seen: dict[str, set[int]] = {text: set() for text in TEXTS}
    time.sleep(FRESH_SECONDS + 2)  # until both slots know
    lost = counted(aws, "NotForwarded")
    for _ in range(ROUNDS):
        for text in TEXTS:
            seen[text].update(ask(api, text))
        for text, version in zip(TEXTS, ask(api, *TEXTS), strict=True):
            seen[text].add(version)

    assert {text: len(versions) for text, versions in seen.items()} == dict.fromkeys(TEXTS, 1)
    assert set().union(*seen.values()) == {1, 2}
    until(lambda: counted(aws, "Forwarded") >= len(TEXTS) * ROUNDS / 4)
    assert counted(aws, "NotForwarded") == lost

    killed = halves.process("green")
    killed.kill()
    # Until its sockets are closed, the load balancer sends to it as before.
    until(lambda: not killed.is_running() or not halves.addresses("green"))
    assert {version for text in TEXTS for version in ask(api, text)} >= {1}
    halves.await_settled()


def test_a_rollback_ends_the_passing_on(
    api: httpx.Client,
    halves: Heavy,
    release: Command,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    until(lambda: set(ask(api, *TEXTS)) == {1, 2})
    release("rollback", MODEL)
    late = goes_on(api, 2)
    record_testsuite_property("seconds from the order to the last answer of the candidate, sticky", late)

    assert late < EFFECT_SECONDS
    assert halves.weights() == {"blue": 100, "green": 0}
