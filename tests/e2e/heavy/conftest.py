"""One embedded AWS for the tests of the heavy tier, with a slipway.yaml and small packages of its own."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from support.embedded import Aws, unused_port
from support.heavy.embedded import Heavy, write_project

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a slipway.yaml with a light and a heavy model."""
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def environment(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    """What is up, to deploy to it again."""
    made = LocalEnvironment(ROOT, tmp_path_factory.mktemp("heavy") / "state", project / "slipway.yaml")
    made.up(port=unused_port(), step=lambda _: nullcontext())
    yield made
    made.down()


@pytest.fixture(scope="session")
def running(environment: LocalEnvironment) -> State:
    """What is up."""
    found = environment.status()
    assert found is not None
    return found


@pytest.fixture
def heavy(running: State, aws: Aws) -> Iterator[Heavy]:
    """The heavy model, and its weights as they were when the test ends."""
    found = Heavy(running, aws)
    before = found.weights()
    yield found
    found.set_weights(**before)
    found.await_settled()
