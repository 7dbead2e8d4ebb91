"""Training in the embedded AWS: the world moves, a run trains on its labels, a person approves, and the API follows."""

import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.embedded import Aws, unused_port
from support.releases.embedded import Releases
from support.training import MODEL, flipped, points, settings, workplace
from typer.testing import CliRunner, Result

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State
from slipway.cli import app
from slipway.cli.train.target import TrainingTarget, find_training
from slipway.releases.record.phases import Phase as ReleasePhase
from slipway.training.account.progress import Phase, Progress
from slipway.training.ports import Example

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 480.0
MOVED = 0.5
"""Where the boundary between the labels lies now; version 1 learned that it is at 0."""

TRAINING = """{
  recipe: "recipe_of_points:train", min_new_labels: 150, timeout_minutes: 10, triggers: [accuracy], approval: required,
  gates: { max_label_shift: 0.4, min_agreement: 0.6 }, release: { strategy: all-at-once } }"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("moved")
    workplace(root, "recipe_of_points", ())
    (root / "slipway.yaml").write_text(settings("moved", TRAINING), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[State]:
    environment = LocalEnvironment(ROOT, project / ".slipway", project / "slipway.yaml")
    yield environment.up(port=unused_port(), step=lambda _: nullcontext())
    environment.down()


@dataclass(frozen=True)
class World:
    """The project that is up: its runs and releases, its API, and its AWS."""

    target: TrainingTarget
    releases: Releases
    api: httpx.Client
    aws: Aws
    captures: str
    folder: Path

    def command(self, *arguments: str) -> Result:
        """What `slipway train …` does in the project's folder."""
        with chdir(self.folder):
            return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["train", *arguments])

    def until(self, reached: Callable[[Progress], object]) -> Progress:
        """Wait until the newest run is so far."""
        deadline = time.monotonic() + SECONDS
        while True:
            found = self.target.runs.past(MODEL)
            if found and reached(found[0]):
                return found[0]
            assert time.monotonic() < deadline, found and found[0]
            time.sleep(0.5)

    def send(self, examples: Sequence[Example]) -> int:
        """Predict records and send their labels; returns how many predictions were right."""
        right = 0
        for at in range(0, len(examples), 50):
            part = examples[at : at + 50]
            answer = self.api.post(f"/v1/models/{MODEL}/predict", json={"inputs": [each.record for each in part]})
            for each, made in zip(part, answer.raise_for_status().json()["predictions"], strict=True):
                right += made["label"] == each.true
                feedback = {"prediction_id": made["id"], "label": each.true}
                self.api.post("/v1/feedback", json=feedback).raise_for_status()
        return right

    def await_captures(self, count: int) -> None:
        """Wait until so many captures are in the bucket, as a run reads them."""
        deadline, s3 = time.monotonic() + SECONDS, self.aws("s3")
        while True:
            listed = s3.list_objects_v2(Bucket=self.captures, Prefix=f"captures/model={MODEL}/").get("Contents", ())
            bodies = (s3.get_object(Bucket=self.captures, Key=each["Key"])["Body"].read() for each in listed)
            if sum(gzip.decompress(body).count(b"\n") for body in bodies) >= count:
                return
            assert time.monotonic() < deadline
            # Lines of a call that MiniStack has not read by its end come with the function's next call.
            self.api.get(f"/v1/models/{MODEL}")
            time.sleep(0.5)

    def await_version(self, version: int) -> None:
        """Wait until the API answers with a version."""
        deadline = time.monotonic() + SECONDS
        record: dict[str, Any] = {"inputs": [{"x": 0.0, "y": 0.0}]}
        path = f"/v1/models/{MODEL}/predict"
        while self.api.post(path, json=record).json()["predictions"][0]["version"] != version:
            assert time.monotonic() < deadline
            time.sleep(0.5)


@pytest.fixture(scope="module")
def world(running: State, api: httpx.Client, aws: Aws, outputs: dict[str, str], project: Path) -> World:
    assert running.ready
    with chdir(project):
        target = find_training(Path("slipway.yaml"), MODEL)
    return World(target, Releases(project), api, aws, outputs["CaptureBucket"], project)


def test_without_labels_a_run_is_declined_with_the_reason(world: World) -> None:
    assert world.command("start", MODEL, "--reason", "early").exit_code == 0
    watched = world.command("watch", MODEL, "--every", "0.5")
    assert watched.exit_code == 0
    progress = world.until(lambda each: each.phase.ended)
    assert progress.phase is Phase.DECLINED
    assert "0 new labels, and `training.min_new_labels` asks for 150" in progress.what


def test_a_run_trains_waits_for_a_person_and_is_released(world: World) -> None:
    before = world.send(points(200, boundary=MOVED, seed=3))
    world.await_captures(200)
    assert world.command("start", MODEL).exit_code == 0
    waiting = world.until(lambda each: each.phase is Phase.WAITING or each.phase.ended)
    assert waiting.phase is Phase.WAITING, waiting
    assert waiting.version == 2
    again = world.command("start", MODEL)
    assert again.exit_code == 1
    assert world.command("approve", MODEL, "--by", "ann", "-m", "good").exit_code == 0
    released = world.until(lambda each: each.phase.ended)
    assert released.phase is Phase.RELEASED, released
    assert "ann approved version 2: good" in [each.what for each in released.history]
    assert released.data is not None
    assert released.data.rows == 200
    ended = world.releases.until_over(MODEL)
    assert (ended.id, ended.phase) == (released.release, ReleasePhase.PROMOTED)
    (shown,) = json.loads(world.command("status", MODEL, "--json").stdout)
    assert (shown["phase"], shown["version"]) == ("released", 2)
    world.await_version(2)
    assert world.send(points(200, boundary=MOVED, seed=4)) > before


def test_a_finding_starts_a_run_and_poisoned_labels_do_not_get_through(world: World) -> None:
    world.send(flipped(points(200, boundary=MOVED, seed=5)))
    world.await_captures(600)
    detail = json.dumps({"project": "moved", "model": MODEL, "version": 2})
    entry = {"Source": "slipway", "DetailType": "Slipway Accuracy", "Detail": detail}
    world.aws("events").put_events(Entries=[entry])
    refused = world.until(lambda each: each.run.trigger.kind == "accuracy" and each.phase.ended)
    assert refused.phase is Phase.REFUSED, refused
    assert refused.version is None
    assert world.command("approve", MODEL).exit_code == 1
    assert world.command("watch", MODEL).exit_code == 1


def test_a_stopped_run_says_so_and_goes_on(world: World) -> None:
    assert world.command("start", MODEL).exit_code == 0
    begun = world.until(lambda each: each.run.trigger.kind == "hand" and not each.phase.ended)
    world.aws("stepfunctions").stop_execution(executionArn=begun.execution)
    stopped = world.until(lambda each: each.phase.ended)
    assert stopped.phase is Phase.FAILED, stopped
    assert stopped.what.startswith("It was stopped while ")
    resumed = world.command("start", MODEL, "--resume")
    assert resumed.exit_code == 0, resumed.output
    ended = world.until(lambda each: each.phase.ended and each.execution != begun.execution)
    assert ended.run == begun.run
    assert ended.phase is not Phase.FAILED, ended
    logged = world.command("logs", MODEL)
    assert logged.exit_code == 0
