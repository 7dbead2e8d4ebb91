"""The heavy tier as its clients and its releases see it: through the API's address, and by the calls of AWS."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.embedded import Aws
from support.heavy.embedded import MODEL, Heavy, until, write_config

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State
from slipway.config.deployment.keep_warm import KEEP_WARM

SLIPWAY = Path(sys.executable).with_name("slipway")
RECORDS = {"inputs": [{"text": "good sunny"}]}
# 99.9 of 100 runs lie within so many standard deviations of a binomial.
DEVIATIONS = 3.29


@pytest.fixture
def two_versions(heavy: Heavy) -> Iterator[Heavy]:
    """Blue with version 1 and green with version 2, so that an answer tells its slot."""
    heavy.set_version("green", 2)
    yield heavy
    heavy.set_version("green", 1)


def versions(api: httpx.Client, heavy: Heavy, requests: int) -> Counter[int]:
    """How many of so many requests each version answered; all must be answered."""
    answers = [api.post(heavy.path, json=RECORDS) for _ in range(requests)]
    assert {answer.status_code for answer in answers} == {200}
    return Counter(answer.json()["predictions"][0]["version"] for answer in answers)


def test_a_prediction_comes_through_the_apis_address(api: httpx.Client, heavy: Heavy) -> None:
    prediction = api.post(heavy.path, json=RECORDS).json()["predictions"][0]

    assert prediction["label"] == "positive"
    assert prediction["id"].startswith(f"{MODEL}.1.")


def test_it_takes_the_same_signature_as_the_functions(running: State, heavy: Heavy) -> None:
    outputs = {name: value for stack in running.outputs.values() for name, value in stack.items()}
    behind = f"{running.emulator}/_aws/execute-api/{outputs['ApiId']}/$default{heavy.path}"

    assert httpx.post(behind, json=RECORDS).status_code == 403


def test_wrong_records_are_named_as_by_the_light_tier(api: httpx.Client, heavy: Heavy) -> None:
    answer = api.post(heavy.path, json={"inputs": [{"txt": "good"}]})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} == {"inputs[0].text", "inputs[0].txt"}


@pytest.mark.parametrize("path", [f"/v1/models/{MODEL}", f"/v2/models/{MODEL}", f"/v2/models/{MODEL}/ready"])
def test_its_descriptions_come_from_the_slot(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 200


def test_requests_follow_the_weights_of_the_load_balancer(api: httpx.Client, two_versions: Heavy) -> None:
    two_versions.set_weights(blue=80, green=20)

    answered = versions(api, two_versions, 1000)

    assert abs(answered[1] - 800) <= DEVIATIONS * (1000 * 0.8 * 0.2) ** 0.5


def test_a_redeploy_of_a_changed_stack_moves_no_traffic_and_no_version(
    environment: LocalEnvironment, project: Path, two_versions: Heavy
) -> None:
    two_versions.set_weights(blue=70, green=30)
    process = two_versions.process("blue")
    try:
        write_config(project, max_tasks=3)
        environment.deploy(step=lambda _: nullcontext())

        assert two_versions.weights() == {"blue": 70, "green": 30}
        assert [two_versions.version(slot) for slot in ("blue", "green")] == [1, 2]
        assert process.is_running()
    finally:
        write_config(project)


def test_a_version_is_addressed_in_whichever_slot_it_is(api: httpx.Client, two_versions: Heavy) -> None:
    answer = api.post(f"/v1/models/{MODEL}/versions/1/predict", json=RECORDS)

    assert answer.json()["predictions"][0]["version"] == 1


def test_a_killed_slot_is_restarted_while_the_other_serves(api: httpx.Client, two_versions: Heavy) -> None:
    two_versions.set_weights(blue=50, green=50)
    killed = two_versions.process("blue")
    killed.kill()
    until(lambda: not killed.is_running() or not two_versions.addresses("blue"))

    assert versions(api, two_versions, 20)[2] > 0
    two_versions.await_settled()
    assert two_versions.process("blue").pid != killed.pid


def test_a_slot_follows_the_count_of_its_tasks(api: httpx.Client, two_versions: Heavy) -> None:
    two_versions.set_weights(blue=50, green=50)
    process = two_versions.process("green")
    two_versions.set_tasks("green", 0)
    try:
        assert not process.is_running()
        assert versions(api, two_versions, 10) == {1: 10}
    finally:
        two_versions.set_tasks("green", 1)


@pytest.mark.parametrize("model", ["small-sentiment", MODEL])
def test_what_either_tier_logs_becomes_metrics(api: httpx.Client, aws: Aws, model: str) -> None:
    before = counted(aws, model)
    for _ in range(3):
        assert api.post(f"/v1/models/{model}/predict", json=RECORDS).status_code == 200

    until(lambda: counted(aws, model) == before + 3)


def test_a_slot_has_metrics_of_its_own(api: httpx.Client, aws: Aws, heavy: Heavy) -> None:
    api.post(heavy.path, json=RECORDS)

    until(lambda: measured(aws, "Latency", "p99", Model=MODEL, Slot="blue") != [])
    assert measured(aws, "Requests", "Sum", Model=MODEL, Version="1") != []


def test_what_a_task_prints_is_in_its_log_group(aws: Aws, heavy: Heavy) -> None:
    streams = aws("logs").describe_log_streams(logGroupName=heavy.log_group)["logStreams"]

    assert {stream["logStreamName"].split("/")[0] for stream in streams} == {"blue", "green"}


def counted(aws: Aws, model: str) -> float:
    return sum(measured(aws, "Requests", "Sum", Model=model))


def measured(aws: Aws, metric: str, statistic: str, **dimensions: str) -> list[float]:
    found = [{"Name": name, "Value": value} for name, value in {"Project": "heavy-test", **dimensions}.items()]
    stat = {
        "Metric": {"Namespace": "Slipway", "MetricName": metric, "Dimensions": found},
        "Period": 60,
        "Stat": statistic,
    }
    now = datetime.now(UTC)
    answer = aws("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": stat}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


@pytest.fixture
def status(environment: LocalEnvironment, running: State, project: Path, tmp_path: Path) -> dict[str, Any]:
    """What `slipway status --json` says, in a folder with the project's slipway.yaml and the state of what is up."""
    (tmp_path / ".slipway").mkdir()
    (tmp_path / ".slipway/local.json").write_text(running.model_dump_json(), encoding="utf-8")
    command = [SLIPWAY, "status", "--json", "--config", project / "slipway.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_status_shows_both_tiers(status: dict[str, Any]) -> None:
    light, heavy = status["models"]

    assert (status["project"], status["api"]) == ("heavy-test", "ready")
    assert (light["model"], light["tier"]) == ("small-sentiment", "light")
    assert [version["version"] for version in light["versions"]] == [1]
    assert (heavy["model"], heavy["tier"]) == (MODEL, "heavy")
    slots = {slot.pop("slot"): slot for slot in heavy["slots"]}
    assert slots.keys() == {"blue", "green"}
    for slot in slots.values():
        assert (slot["version"], slot["running"], slot["desired"], slot["healthy"]) == (1, 1, 1, 1)
    assert (slots["blue"]["weight"], slots["green"]["weight"]) == (100, 0)


@pytest.mark.parametrize("function", ["ControllerFunction", "PredictFunction"])
def test_a_call_that_keeps_things_warm_arrives(running: State, aws: Aws, function: str) -> None:
    names = {name: value for stack in running.outputs.values() for name, value in stack.items()}

    answer = aws("lambda").invoke(FunctionName=names[function], Qualifier="live", Payload=json.dumps(dict(KEEP_WARM)))

    # The controller fails if the load balancer did not answer.
    assert "FunctionError" not in answer, answer["Payload"].read()
