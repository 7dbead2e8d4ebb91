"""Releases under load, one after another, and a deploy that fails after them: no request is lost on the way.

The last module of this environment, because it leaves the model with another version.
"""

import json
import random
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from support.crowd import Crowd, Question, Reply, summary
from support.embedded import Aws
from support.heavy.embedded import MODEL, Heavy, until
from typer.testing import CliRunner

from local.environment.state import State
from slipway.cli.commands import app

CLIENTS = 20
THINK_SECONDS = 0.2
SECONDS = 240.0
UNDONE_SECONDS = 120.0  # a minute to the next pass, and the pass, on a busy machine
STACK = "heavy-test-heavy"

Command = Callable[..., str]


@pytest.fixture(scope="module")
def release(running: State, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `slipway release …` against what is up, in this process: starting one for each command takes longer."""
    folder = tmp_path_factory.mktemp("undone")
    (folder / ".slipway").mkdir()
    (folder / ".slipway/local.json").write_text(running.model_dump_json(), encoding="utf-8")

    def command(*arguments: str) -> str:
        with chdir(folder):
            done = CliRunner().invoke(app, ["release", *arguments, "--config", str(project / "slipway.yaml")])
        assert done.exit_code == 0, done.output
        return done.stdout

    return command


@pytest.fixture(scope="module")
def slots(running: State, aws: Aws) -> Heavy:
    """The slots, whatever earlier modules have left in them."""
    found = Heavy(running, aws)
    found.await_settled()
    return found


@pytest.fixture(scope="module")
def replies(running: State, release: Command, slots: Heavy) -> list[Reply]:
    """What clients got during a canary that is rolled back, and a blue/green release that is promoted."""
    crowd = Crowd(running.api, CLIENTS, THINK_SECONDS, ask)
    crowd.start()
    try:
        release("start", MODEL, "2", "--strategy", "canary", "-o", "share=0.5")
        reach(release, lambda: record(release)["phase"] == "running")
        release("rollback", MODEL)
        reach(release, lambda: record(release)["settled"])
        release("start", MODEL, "2", "--strategy", "blue-green")
        reach(release, lambda: record(release)["phase"] == "baking")
        until(lambda: crowd.versions(MODEL)[2] > CLIENTS, SECONDS)
        release("promote", MODEL)
        reach(release, lambda: record(release)["settled"])
        slots.await_settled()
    finally:
        crowd.stop()
    return crowd.about(MODEL)


def ask(chance: random.Random) -> Question:
    return Question(MODEL, ({"text": f"good sunny {chance.randrange(1000)}"},))


def reach(release: Command, condition: Callable[[], bool]) -> None:
    """Let the controller pass until something holds."""
    until(lambda: bool(release("tick")) and condition(), SECONDS)


def record(release: Command) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(release("status", MODEL, "--json"))[0]
    return found


def test_no_request_is_lost_from_a_canary_by_its_rollback_to_another_release(
    replies: list[Reply], record_testsuite_property: Callable[[str, object], None]
) -> None:
    record_testsuite_property("requests during the releases", summary(replies))
    assert {reply.version for reply in replies if reply.version} == {1, 2}
    assert [reply for reply in replies if reply.status != 200] == []


@pytest.mark.usefixtures("replies")
def test_a_failed_deploy_leaves_the_traffic_where_the_release_put_it(
    running: State,
    aws: Aws,
    slots: Heavy,
    release: Command,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    released = slots.weights()
    assert 0 in released.values()
    entries = len(record(release)["history"])
    crowd = Crowd(running.api, 2, THINK_SECONDS, ask)
    crowd.start()
    begun = time.monotonic()
    try:
        fail_to_deploy(running, aws)
        assert aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == (
            "UPDATE_ROLLBACK_COMPLETE"
        )
        until(lambda: len(record(release)["history"]) > entries and slots.weights() == released, UNDONE_SECONDS)
    finally:
        crowd.stop()
    lost = [reply for reply in crowd.about(MODEL) if reply.status != 200]
    record_testsuite_property("seconds until a failed deploy was undone", time.monotonic() - begun)
    record_testsuite_property("requests lost by it", len(lost))
    assert record(release)["history"][-1]["what"].startswith("traffic put back to 100 % at 2")
    assert crowd.about(MODEL)[-1].status == 200
    # The retired slot stays without tasks, and its alarm knows that it should.
    until(lambda: wanted(aws)[min(released, key=lambda slot: released[slot])] == 0)


def fail_to_deploy(running: State, aws: Aws) -> None:
    """Update the stack with a parameter that exists already, after the rule with the weights."""
    template = aws("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    template = json.loads(template) if isinstance(template, str) else template
    (rule,) = [name for name in template["Resources"] if "RulesWeighted" in name]
    taken = {"Type": "String", "Value": "1", "Name": f"/heavy-test/{MODEL}/blue/weight"}
    template["Resources"]["Fails"] = {"Type": "AWS::SSM::Parameter", "DependsOn": rule, "Properties": taken}
    (bucket,) = [each["Name"] for each in aws("s3").list_buckets()["Buckets"] if "cdk-" in each["Name"]]
    aws("s3").put_object(Bucket=bucket, Key="fails.json", Body=json.dumps(template))
    url = f"{running.emulator}/{bucket}/fails.json"
    aws("cloudformation").update_stack(StackName=STACK, TemplateURL=url, Capabilities=["CAPABILITY_IAM"])
    until(
        lambda: (
            not aws("cloudformation")
            .describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
            .endswith("IN_PROGRESS")
        )
    )


def wanted(aws: Aws) -> dict[str, float]:
    """How many tasks the controller has last said that each slot should have."""
    found = {}
    for slot in ("blue", "green"):
        named = {"Project": "heavy-test", "Model": MODEL, "Slot": slot}
        points = aws("cloudwatch").get_metric_statistics(
            Namespace="Slipway",
            MetricName="WantedTasks",
            Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Minimum"],
        )["Datapoints"]
        last = max(points, key=lambda each: each["Timestamp"], default={"Minimum": -1.0})
        found[slot] = last["Minimum"]
    return found
