"""Pages of monitoring in a real browser: a column named, a capture found, labels given, an entity forgotten."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.browser import SCHEMES, WAIT_MS, Scheme, Visit
from support.calibrated import answers, captures_of
from support.embedded import Aws
from support.packages import make_text_package

from local.environment.state import State
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles

Open = Callable[..., Visit]
HOSTILE = "good <img src=x onerror=alert(1)>"
USERS = ("b7", "b8")
SECONDS = 240.0
PAGES = {
    "monitoring": "/models/tweets/monitoring",
    "skew": "/models/tweets/monitoring/skew",
    "captures": "/models/tweets/captures",
    "label": "/models/tweets/captures/label",
    "shadow": "/models/tweets/captures/label?shadow=1",
    "entity": "/entities?entity=user&id=b7",
    "forget": "/entities/forget?entity=user&id=b7",
    "features": "/features?entity=user&id=b7",
    "training": "/training",
    "batch": "/batch",
}
EVERY = pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=list(PAGES))


@pytest.fixture(scope="module", autouse=True)
def captured(running: State, aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Predictions about two users that have become captures, and an hour whose answers are not the baseline's."""
    expect.set_options(timeout=WAIT_MS)
    outputs = {name: value for stack in running.outputs.values() for name, value in stack.items()}
    bucket = CaptureBucket(outputs["CaptureBucket"], client=lambda: aws("s3"))
    package = make_text_package(tmp_path_factory.mktemp("baseline") / "1", name="tweets")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    drifted = [_of_tweets(each) for each in captures_of(answers(200, seed=5), hour)]
    BucketProfiles(bucket).write(profile_of(package, drifted, start=hour, minutes=60))
    ids = []
    with httpx.Client(base_url=running.api, timeout=30.0) as api:
        for user in USERS:
            moment = datetime.now(UTC).isoformat()
            group = {"event_time": moment, "values": {"followers": 12}}
            api.put(f"/v1/features/user/{user}", json={"groups": {"profile": group}}).raise_for_status()
            for text in (HOSTILE, "a bad day", "an awful night"):
                record = {"text": text, "user": user}
                answer = api.post("/v1/models/tweets/predict", json={"inputs": [record]}).raise_for_status()
                ids.append(str(answer.json()["predictions"][0]["id"]))
    deadline = time.monotonic() + SECONDS
    while not _are_indexed(aws, outputs["ControlTable"], 3):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return ids


def _of_tweets(capture: Capture) -> Capture:
    identifier = capture.id.replace(capture.model, "tweets", 1)
    return capture.model_copy(update={"id": identifier, "model": "tweets"})


def _are_indexed(aws: Aws, table: str, number: int) -> bool:
    """Whether the captures of each user have come through the log."""
    for user in USERS:
        values: dict[str, Any] = {":pk": {"S": f"entity#user#{user}"}}
        found = aws("dynamodb").query(
            TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values
        )
        if found["Count"] < number:
            return False
    return True


@pytest.mark.parametrize("scheme", SCHEMES)
@EVERY
def test_a_page_is_accessible(window: Open, name: str, path: str, scheme: Scheme) -> None:
    visit = window(scheme=scheme)
    visit.open(path)
    visit.shoot(f"{name}-{scheme}")
    visit.accessible()


@EVERY
def test_a_page_fits_a_phone(window: Open, name: str, path: str) -> None:
    page = window(phone=True).open(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")


@EVERY
def test_a_page_can_be_read_without_scripts(window: Open, name: str, path: str) -> None:
    visit = window(scripts=False)
    answer = visit.page.goto(f"{visit.address}{path}")
    assert answer is not None
    assert answer.ok
    expect(visit.page.locator("main h1")).not_to_be_empty()
    assert visit.page.locator("figure.chart").count() == visit.page.locator("figure.chart table").count()


def test_the_column_that_drifted_most_is_named(window: Open) -> None:
    page = window().open(PAGES["monitoring"])
    page.locator("#all-columns summary").click()
    rows = page.locator("#all-columns tbody tr")
    effects = [float(rows.nth(place).locator("td").nth(1).inner_text()) for place in range(rows.count())]
    assert effects == sorted(effects, reverse=True)
    assert effects[0] > 0.1
    expect(page.locator("#most")).to_have_text(rows.first.locator("td").first.inner_text())
    columns = rows.locator("td:first-child").all_inner_texts()
    # All of the answers are the same, and of the baseline's a third.
    assert effects[columns.index("outputs.label")] > 0.1
    expect(page.locator("#drift .picture svg").first).to_be_visible()


def test_a_capture_is_found_and_opened_and_its_text_is_no_html(window: Open, captured: list[str]) -> None:
    page = window().open(PAGES["captures"])
    page.get_by_label("Entity id").fill("b7")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#found tbody tr")).to_have_count(3)
    expect(page.locator("#found")).to_contain_text("<img src=x")
    page.locator("#found tbody tr", has_text="awful").get_by_role("link", name="Open the capture").click()
    expect(page.locator("main")).to_contain_text("an awful night")
    expect(page.locator("main")).to_contain_text(captured[2])
    assert page.locator("main img").count() == 0


def _answer(page: Page, name: str) -> str:
    """Give an answer, and return the text of the record that it was for."""
    text = page.locator("#record dd").first.inner_text()
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#last dd").first).to_have_text(text)
    return text


def test_ten_captures_are_labelled(window: Open) -> None:
    page = window().open(PAGES["label"])
    before = int(page.locator("#queue .age").inner_text().split(", ")[1].split(" ")[0])
    for _ in range(10):
        expect(page.locator("#model-answer")).to_be_visible()
        _answer(page, "negative")
    expect(page.locator("#queue .age")).to_contain_text(f"{before + 10} of")


def test_in_the_shadow_the_models_answer_comes_after_the_persons(window: Open) -> None:
    page = window().open(PAGES["shadow"])
    expect(page.locator("#model-answer")).to_have_count(0)
    _answer(page, "positive")
    expect(page.locator("#last")).to_contain_text("the model")
    expect(page.locator("#comparison")).to_contain_text("you agree with the model, of 1")


def test_an_entity_is_forgotten_after_the_page_has_said_what_that_erases(window: Open) -> None:
    page = window().open("/entities?entity=user&id=b8")
    expect(page.locator("#life tbody tr")).not_to_have_count(0)
    page.get_by_role("link", name="Forget", exact=True).click()
    expect(page.locator("main")).to_contain_text("This cannot be undone")
    expect(page.locator("main")).to_contain_text("3 predictions")
    page.get_by_role("button", name="Forget user b8").click()
    expect(page.locator("#forgotten")).to_contain_text("Erased")
    page.goto(page.url.partition("/entities")[0] + "/entities?entity=user&id=b8")
    expect(page.locator("main")).to_contain_text("No captured prediction of user b8")
