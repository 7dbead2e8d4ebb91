"""One embedded AWS for all tests here, on ports and in a folder of its own: a running `make run` is not disturbed."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import httpx
import pytest
from support.embedded import ANSWER_SECONDS, Aws, clients, unused_port

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State
from slipway.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = ANSWER_SECONDS + 5
LocalEnvironment.answer_seconds = ANSWER_SECONDS


@pytest.hookimpl(trylast=True)  # after the processes of pytest-xdist have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop what an interrupted run has left up: pytest-xdist ends its processes before they can do that."""
    if not hasattr(session.config, "workerinput"):
        for state in session.config._tmp_path_factory.getbasetemp().glob("popen-*/**/local.json"):
            with suppress(ConfigError):  # what a test of such a file has written
                LocalEnvironment(ROOT, state.parent).down()


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of app.py."""
    return ROOT


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environment of the tests keeps its state."""
    return tmp_path_factory.mktemp("local") / "state"


@pytest.fixture(scope="session")
def running(checkout: Path, state_folder: Path) -> Iterator[State]:
    """The checkout, deployed to an embedded AWS."""
    environment = LocalEnvironment(checkout, state_folder)
    yield environment.up(port=unused_port(), step=lambda _: nullcontext())
    environment.down()


# A folder with an environment of its own gives it as `running`. What follows is made of it for each module: made for
# the session, it would be that of the first folder in all of them.


@pytest.fixture(scope="module")
def api(running: State) -> Iterator[httpx.Client]:
    """A plain HTTP client of the API."""
    with httpx.Client(base_url=running.api, timeout=TIMEOUT_SECONDS) as client:
        yield client


@pytest.fixture(scope="module")
def aws(running: State) -> Iterator[Aws]:
    """Makes boto3 clients of the embedded AWS, as its administrator."""
    with clients(running) as client:
        yield client


@pytest.fixture(scope="module")
def outputs(running: State) -> dict[str, str]:
    """The outputs of all stacks by name."""
    return {name: value for stack in running.outputs.values() for name, value in stack.items()}
