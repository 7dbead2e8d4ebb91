"""An exported package in Chromium: its page proves it and says so, with no network but the folder's host."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Playwright
from support.edge.exports import NODE_MODULES, ROOT, SHIPPED, assert_equal, export
from support.edge.hosting import static_host
from support.edge.records import RECORDS, edge_records
from support.golden import with_golden
from support.several import make_labels_package, make_values_package

from slipway.models.measurements.golden import GOLDEN, read_golden
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor

pytestmark = pytest.mark.skipif(
    not (NODE_MODULES / "onnxruntime-web").is_dir(), reason="needs the packages that `npm ci` installs"
)
WAIT_MS = 120_000
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"

PREDICT = """async (records) => {
  const { load } = await import("./slipway.js");
  const model = await load();
  const answers = [];
  for (const record of records) answers.push(...(await model.predict([record])));
  return answers;
}"""


@pytest.fixture(scope="module")
def offline(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Chromium, which can reach nothing but loopback."""
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    made = playwright.chromium.launch(executable_path=chromium, args=arguments)
    yield made
    made.close()


class Visit:
    """A page, the hosts that it asked, and what it complained about."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context()
        self.page = self.context.new_page()
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: line.type in ("error", "warning") and self.complaints.append(line.text))

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.proof("proved")

    def proof(self, state: str) -> str:
        """What the page says of itself, once it is in a state."""
        place = self.page.locator(f"#proof[data-state={state}]")
        place.wait_for(timeout=WAIT_MS)
        return str(place.text_content())


@pytest.fixture
def visit(offline: Browser) -> Iterator[Visit]:
    made = Visit(offline)
    yield made
    made.context.close()


@pytest.mark.parametrize("path", SHIPPED)
def test_the_page_proves_a_shipped_model_and_answers_three_hundred_records(
    path: str, tmp_path: Path, visit: Visit
) -> None:
    package = load_package(ROOT / path)
    golden, records = read_golden(package.path(GOLDEN)), edge_records(package)
    with static_host(export(package, tmp_path / "web")) as address:
        visit.open(address)
        said = visit.proof("proved")
        found = visit.page.evaluate(PREDICT, records)
    predictor = Predictor(package)
    assert f"all {len(golden.records)} golden records" in said
    assert len(found) == RECORDS
    assert_equal(golden, [predictor.predict([record])[0] for record in records], found)
    assert (visit.hosts, visit.complaints) == ({"127.0.0.1"}, [])


def test_the_page_works_without_its_host_once_it_was_seen(tmp_path: Path, visit: Visit) -> None:
    package = load_package(ROOT / "models/tweet-sentiment/1")
    with static_host(export(package, tmp_path / "web")) as address:
        visit.open(address)
        visit.page.locator("#offline[data-state=ready]").wait_for(timeout=WAIT_MS)
    visit.page.reload()
    visit.proof("proved")
    visit.page.fill("textarea", "I love this")
    visit.page.click("text=Predict")
    visit.page.locator("#answer #label").wait_for(timeout=WAIT_MS)
    assert visit.page.text_content("#label") == Predictor(package).predict([{"text": "I love this"}])[0]["label"]


def test_a_new_export_replaces_the_kept_one(tmp_path: Path, visit: Visit) -> None:
    first, second = (load_package(ROOT / f"models/breast-cancer/{version}") for version in (1, 2))
    folder = export(first, tmp_path / "web")
    with static_host(folder) as address:
        visit.open(address)
        visit.page.locator("#offline[data-state=ready]").wait_for(timeout=WAIT_MS)
        export(second, folder)
        visit.page.reload()
        visit.proof("proved")
        assert visit.page.text_content("#name") == "breast-cancer 2"
        visit.page.locator("#offline[data-state=ready]").wait_for(timeout=WAIT_MS)
    visit.page.reload()
    visit.proof("proved")
    assert visit.page.text_content("#name") == "breast-cancer 2"


def test_the_page_says_that_another_graph_is_not_proved(tmp_path: Path, visit: Visit) -> None:
    folder = export(load_package(ROOT / "models/breast-cancer/1"), tmp_path / "web")
    golden = folder / GOLDEN
    golden.write_bytes(golden.read_bytes().replace(b'"label": "malignant"', b'"label": "benign"'))
    with static_host(folder) as address:
        visit.page.goto(address)
        assert "golden.json is not the file that model.json lists" in visit.proof("failed")


def test_the_form_names_the_wrong_field(tmp_path: Path, visit: Visit) -> None:
    with static_host(export(load_package(ROOT / "models/flight-delay/2"), tmp_path / "web")) as address:
        visit.open(address)
        visit.page.click("text=Fill in an example")
        visit.page.get_by_label("weekday").fill("9")
        visit.page.click("text=Predict")
        problem = visit.page.locator("[aria-invalid=true]")
        problem.wait_for(timeout=WAIT_MS)
        assert visit.page.text_content(f"#{problem.get_attribute('id')}-problem") == "must be at most 7 (got 9)"
        visit.page.get_by_label("weekday").fill("5")
        visit.page.click("text=Predict")
        visit.page.locator("#answer #label").wait_for(timeout=WAIT_MS)
        assert visit.page.text_content("#label") in ("late", "on time")
    assert visit.complaints == []


def test_labels_with_thresholds_and_several_values_are_shown(tmp_path: Path, visit: Visit) -> None:
    labels = with_golden(make_labels_package(tmp_path / "labels", description=MARKUP))
    values = with_golden(make_values_package(tmp_path / "values"))
    for package, expected in ((labels, "billing, urgent"), (values, "width2 mm")):
        with static_host(export(package, tmp_path / package.manifest.name)) as address:
            visit.open(address)
            assert visit.page.text_content("#description") == package.manifest.description
            visit.page.get_by_label("a").fill("1")
            visit.page.get_by_label("b").fill("1")
            visit.page.click("text=Predict")
            visit.page.locator("#answer table").wait_for(timeout=WAIT_MS)
            assert expected in str(visit.page.text_content("#answer"))
    assert visit.complaints == []
