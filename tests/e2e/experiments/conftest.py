"""One embedded AWS for the tests of experiments, with a slipway.yaml and small packages of its own."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from embedded import Aws, clients, unused_port
from releasing import Controller, Releases
from shadowed import write_project

from local.environment import LocalEnvironment
from local.state import State

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT_SECONDS = 30.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the slipway.yaml."""
    return write_project(tmp_path_factory.mktemp("shadowed"))


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[State]:
    """What is up; the commands find it from the project's folder."""
    environment = LocalEnvironment(ROOT, project / ".slipway", project / "slipway.yaml")
    yield environment.up(port=unused_port(), step=lambda _: nullcontext())
    environment.down()


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


@pytest.fixture(scope="module")
def controller(aws: Aws, outputs: dict[str, str]) -> Iterator[Controller]:
    """Who takes the releases on."""
    with Controller(aws, outputs["ControllerFunction"]) as made:
        yield made


@pytest.fixture(scope="module")
def releases(running: State, project: Path) -> Releases:
    """The project's releases."""
    assert running.ready
    return Releases(project)
