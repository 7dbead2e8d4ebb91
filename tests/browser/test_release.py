"""A release by the console alone: planned, started, watched as it goes on, rolled back or promoted, and explained."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from support.browser import Visit
from support.embedded import Aws
from support.eventually import settled

from local.environment.state import State

Open = Callable[..., Visit]
Tick = Callable[[], None]


@pytest.fixture
def tick(running: State, aws: Aws) -> Tick:
    """Calls the controller, which otherwise comes once a minute."""
    outputs = {name: value for stack in running.outputs.values() for name, value in stack.items()}
    client = aws("lambda")

    def call() -> None:
        answer = client.invoke(FunctionName=outputs["ControllerFunction"], Qualifier="live", Payload=b"{}")
        answer["Payload"].read()

    return call


def ready(visit: Visit, tick: Tick) -> Page:
    """The page of the release, once the one before has settled."""
    page = visit.open("/models/tweets/release")
    settled(lambda: visit.open("/models/tweets/release").locator("#start").count() == 1, tick)
    return page


def start(page: Page, version: int, strategy: str, options: str = "") -> None:
    """Start a release by its forms."""
    page.get_by_label("Version").select_option(str(version))
    page.get_by_label("Strategy").select_option(strategy)
    page.get_by_label("Reason").fill("to see whether it is better")
    if options:
        page.get_by_text("Options", exact=True).click()
        page.get_by_label("NAME=VALUE").fill(options)
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("heading", name="This will happen")).to_be_visible()
    expect(page.get_by_role("heading", name="Time to a verdict")).to_be_visible()
    page.get_by_role("button", name="Start the release").click()


def until_in(page: Page, phase: str, tick: Tick) -> None:
    """Wait until the page shows a phase, without reloading it."""
    state = page.locator("#state .head .state")
    settled(lambda: state.inner_text() == phase, tick)


def test_a_canary_is_watched_and_rolled_back(window: Open, tick: Tick) -> None:
    visit = window()
    page = ready(visit, tick)
    start(page, 3, "canary", "share=0.2\nbake_minutes=60")
    until_in(page, "running", tick)
    expect(page.get_by_role("row", name="3 candidate")).to_contain_text("20.0 %")
    visit.shoot("release-running")
    visit.accessible()

    page.get_by_role("link", name="Roll back").click()
    expect(page.locator(".confirm")).to_contain_text("All traffic of tweets goes back to version 1 at once.")
    visit.shoot("confirm")
    visit.accessible()
    page.get_by_label("Reason").fill("it fails on <b>words</b>")
    page.get_by_role("button", name="Roll back").click()

    until_in(page, "rolled-back", tick)
    expect(page.locator("#ending")).to_contain_text("Rolled back by order")
    expect(page.locator("#ending")).to_contain_text("it fails on <b>words</b>")
    page.get_by_role("link", name="Overview").first.click()
    expect(page.get_by_role("row", name="tweets canary of 3")).to_contain_text("rolled-back")


def test_a_release_is_watched_to_its_end(window: Open, tick: Tick) -> None:
    visit = window()
    page = ready(visit, tick)
    start(page, 2, "all-at-once")
    until_in(page, "promoted", tick)
    expect(page.locator("#ending")).to_be_visible()
    # The last that the stream sends leads to the form for the next one.
    page.get_by_role("link", name="Reload for the form").click()
    ready(visit, tick)
    visit.shoot("release-ended")


def test_a_canary_is_promoted(window: Open, tick: Tick) -> None:
    visit = window()
    page = ready(visit, tick)
    current = page.get_by_label("Version").locator("option").all_inner_texts()
    start(page, int(current[0]), "canary", "share=0.5\nbake_minutes=60\nwarm_minutes=0")
    until_in(page, "running", tick)
    page.get_by_role("link", name="Promote").click()
    expect(page.locator(".confirm")).to_contain_text("gets all traffic")
    page.get_by_role("button", name="Promote").click()
    settled(lambda: page.locator("#state .head .state").inner_text() in ("baking", "promoted"), tick)


def test_a_plan_that_is_not_possible_says_why(window: Open) -> None:
    visit = window()
    answer = visit.page.goto(f"{visit.address}/models/tweets/release/plan?candidate=2&options=shares%3D2")
    assert answer is not None
    assert answer.status == 422
    expect(visit.page.get_by_role("alert")).to_contain_text("shares")
    visit.faults.clear()  # the browser says of each status over 399 that it could not be loaded
