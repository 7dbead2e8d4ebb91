"""Training by the console alone: a run is started, followed as it goes on, approved, and seen to its end."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.browser import ROOT, WAIT_MS, Visit
from support.embedded import Aws, unused_port
from support.eventually import settled
from support.training import MODEL, points, settings, workplace

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State

# No gate decides here: what is tested is what a person says.
TRAINING = """{
  recipe: "recipe_of_the_console:train", min_new_labels: 80, approval: required, release: { strategy: all-at-once },
  gates: { max_drop: null, max_label_shift: null, min_agreement: null } }"""
LABELS = 100
SECONDS = 300_000
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def running(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """A project that trains a model again, in place of the one that the other modules share."""
    folder = tmp_path_factory.mktemp("trained")
    workplace(folder, "recipe_of_the_console", ())
    (folder / "slipway.yaml").write_text(settings("trained", TRAINING), encoding="utf-8")
    environment = LocalEnvironment(ROOT, folder / "state", folder / "slipway.yaml")
    yield environment.up(port=unused_port(), console=0, step=lambda _: nullcontext())
    environment.down()


@pytest.fixture(scope="module")
def console(running: State) -> str:
    """The console's address."""
    assert running.console is not None
    return running.console


@pytest.fixture(scope="module", autouse=True)
def labelled(running: State, aws: Aws) -> None:
    """Predictions with their labels, which have become captures."""
    expect.set_options(timeout=WAIT_MS)
    with httpx.Client(base_url=running.api, timeout=30.0) as api:
        for at in range(0, LABELS, 50):
            part = points(LABELS, seed=3)[at : at + 50]
            inputs = {"inputs": [each.record for each in part]}
            answer = api.post(f"/v1/models/{MODEL}/predict", json=inputs).raise_for_status()
            for each, made in zip(part, answer.json()["predictions"], strict=True):
                feedback = {"prediction_id": made["id"], "label": each.true}
                api.post("/v1/feedback", json=feedback).raise_for_status()
        outputs = {name: value for stack in running.outputs.values() for name, value in stack.items()}
        # Lines of a call that MiniStack has not read by its end come with the function's next call.
        settled(lambda: _captured(aws, outputs["CaptureBucket"]) >= LABELS, lambda: api.get(f"/v1/models/{MODEL}"))


def _captured(aws: Aws, bucket: str) -> int:
    s3 = aws("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"captures/model={MODEL}/").get("Contents", ())
    bodies = (s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed)
    return sum(gzip.decompress(body).count(b"\n") for body in bodies)


def start(page: Page) -> None:
    """Start a run by its page, which first says what will happen."""
    page.get_by_role("link", name="Start a run").click()
    expect(page.locator(".confirm")).to_contain_text("With fewer than 80 new labels, the run ends there.")
    page.get_by_label("Reason").fill("the world <b>moves</b>")
    page.get_by_role("button", name="Start a run").click()


def test_a_run_is_started_approved_and_seen_to_its_end(window: Open) -> None:
    visit = window()
    page = visit.open("/training")
    start(page)
    expect(page.locator(f"#runs-{MODEL}")).to_contain_text("the world <b>moves</b>")
    # The page follows the run by itself until a person is asked.
    page.get_by_role("link", name="Approve version 2").click(timeout=SECONDS)
    expect(page.locator(".confirm")).to_contain_text("is released as slipway.yaml says (all-at-once)")
    visit.shoot("training-approve")
    visit.accessible()
    page.get_by_label("Reason").fill("it follows the world")
    page.get_by_role("button", name="Approve version 2").click()

    state = page.locator(f"#runs-{MODEL} summary .state").first
    expect(state).to_have_text("released", timeout=SECONDS)
    expect(page.locator(f"#runs-{MODEL}")).to_contain_text("it follows the world")
    expect(page.get_by_role("link", name="Start a run")).to_be_visible()
    visit.shoot("training-ended")
    visit.accessible()
    page.locator(f"#runs-{MODEL} dd a[href='/models/{MODEL}/release']").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Release of {MODEL}")
