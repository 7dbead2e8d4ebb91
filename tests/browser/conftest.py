"""One embedded AWS with its console, as `make run` starts them, and a browser."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext

import httpx
import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from support.browser import ROOT, Visit, find_chromium, visiting
from support.candidates import failing_graph
from support.embedded import Aws, clients, unused_port
from support.packages import make_tabular_package, make_text_package

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State

SETTINGS = """\
project: browsed
light: {snap_start: false, deployment: all-at-once}
monitoring: {minutes: 1, alarms: {findings: false}}
models:
  tweets: {versions: [1, 2, 3], stable: 1, capture: {sample: 1, by: entity, entity: user}}
  patients: {versions: [1], stable: 1}
features:
  profile: {entity: user, ttl_days: 30, features: {followers: {type: integer, default: 0}}}
"""
REQUESTS = 12
Open = Callable[..., Visit]


# Not for the session: it runs an event loop in this thread, and other tests of the process run loops of their own.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The one Playwright of a process, which allows no second."""
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; the tests are left out where it is not, except in CI."""
    found = find_chromium()
    if found is None:
        if os.environ.get("SLIPWAY_BROWSER") == "required":
            pytest.fail("SLIPWAY_BROWSER=required, and there is no chromium; `apt-get install chromium` brings it")
        pytest.skip("there is no chromium here; `apt-get install chromium` brings it")
    return found


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """Chromium without a window."""
    # Its own sandbox needs rights that containers do not have; all it visits is this console.
    made = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
    yield made
    made.close()


@pytest.fixture(scope="session")
def running(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """A small project in an embedded AWS, with some traffic, and its console."""
    folder = tmp_path_factory.mktemp("browsed")
    for version in (1, 2):
        make_text_package(folder / f"models/tweets/{version}", name="tweets", version=version)
    make_text_package(folder / "models/tweets/3", name="tweets", version=3, graph_proto=failing_graph())
    make_tabular_package(folder / "models/patients/1", name="patients", fields=[{"name": "radius", "type": "float"}])
    (folder / "slipway.yaml").write_text(SETTINGS, encoding="utf-8")
    environment = LocalEnvironment(ROOT, folder / "state", folder / "slipway.yaml")
    state = environment.up(port=unused_port(), console=0, step=lambda _: nullcontext())
    try:
        with httpx.Client(base_url=state.api, timeout=30.0) as api:
            for number in range(REQUESTS):
                record = {"text": f"a good day, number {number}"}
                api.post("/v1/models/tweets/predict", json={"inputs": [record]}).raise_for_status()
        yield state
    finally:
        environment.down()


@pytest.fixture(scope="session")
def console(running: State) -> str:
    """The console's address."""
    assert running.console is not None
    return running.console


@pytest.fixture(scope="module")
def aws(running: State) -> Iterator[Aws]:
    """Makes boto3 clients of the embedded AWS, as its administrator."""
    with clients(running) as client:
        yield client


@pytest.fixture
def window(browser: Browser, console: str) -> Iterator[Open]:
    """Opens windows of the browser, each without errors and requests to other hosts by the end of the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(visiting(browser, console, **options))
