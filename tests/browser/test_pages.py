"""Every page in light and dark: nothing that axe finds, no error, no other host, readable without scripts and small."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from support.browser import SCHEMES, Scheme, Visit

Open = Callable[..., Visit]
PAGES = {
    "overview": "/",
    "model": "/models/tweets",
    "release": "/models/tweets/release",
    "plan": "/models/tweets/release/plan?candidate=2",
    "registry": "/registry",
    "difference": "/registry/tweets?a=1&b=2",
    "cost": "/cost",
}
EVERY = pytest.mark.parametrize(("name", "path"), PAGES.items(), ids=list(PAGES))


@pytest.mark.parametrize("scheme", SCHEMES)
@EVERY
def test_a_page_is_accessible(window: Open, name: str, path: str, scheme: Scheme) -> None:
    visit = window(scheme=scheme)
    page = visit.open(path)
    expect(page.locator("[data-problem]")).to_have_count(0)
    visit.shoot(f"{name}-{scheme}")
    visit.accessible()


@EVERY
def test_a_page_fits_a_phone(window: Open, name: str, path: str) -> None:
    visit = window(phone=True)
    page = visit.open(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")
    visit.shoot(f"{name}-phone")


@EVERY
def test_a_page_can_be_read_without_scripts(window: Open, name: str, path: str) -> None:
    visit = window(scripts=False)
    answer = visit.page.goto(f"{visit.address}{path}")
    assert answer is not None
    assert answer.ok
    expect(visit.page.locator("main h1")).not_to_be_empty()
    # Pictures are tables then.
    assert visit.page.locator("figure.chart").count() == visit.page.locator("figure.chart table").count()


def test_the_keyboard_reaches_the_content_first(window: Open) -> None:
    page = window().open("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_theme_is_kept(window: Open) -> None:
    visit = window()
    visit.open("/").get_by_role("button", name="Dark").click()
    expect(visit.open("/cost").locator("html")).to_have_attribute("data-theme", "dark")


def test_a_model_is_found_from_the_overview(window: Open) -> None:
    page = window().open("/")
    page.get_by_role("link", name="tweets", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("tweets")
    page.get_by_role("navigation", name="Model tweets").get_by_role("link", name="Release").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Release of tweets")


def test_a_model_is_tried(window: Open) -> None:
    page = window().open("/models/tweets")
    page.get_by_label("text", exact=True).fill("good <img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer")).to_contain_text("positive")
    assert page.url.endswith("/models/tweets")  # the answer came into the page


def test_a_model_is_tried_without_scripts(window: Open) -> None:
    visit = window(scripts=False)
    visit.page.goto(f"{visit.address}/models/tweets")
    visit.page.get_by_label("text", exact=True).fill("good <script>alert(1)</script>")
    visit.page.get_by_role("button", name="Predict").click()
    expect(visit.page.locator("main")).to_contain_text("positive")
    expect(visit.page.locator("main")).to_contain_text("<script>alert(1)</script>")


def test_what_the_api_refuses_is_said_in_the_page(window: Open) -> None:
    page = window().open("/models/patients")
    page.get_by_label("radius").fill("wide")
    page.get_by_role("button", name="Predict").click()
    expect(page.locator("#answer .note")).to_contain_text("radius")
