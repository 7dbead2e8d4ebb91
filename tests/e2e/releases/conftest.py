"""One embedded AWS for the tests of releases, with a slipway.yaml and small packages of its own.

It is stopped after them, since its many tasks would take memory and time from the tests that follow.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from support.embedded import unused_port
from support.releases.embedded import Releases
from support.releases.project import write_project

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a slipway.yaml with many models of both tiers."""
    return write_project(tmp_path_factory.mktemp("released"))


@pytest.fixture(scope="module")
def environment(project: Path) -> Iterator[LocalEnvironment]:
    """What is up; the commands find it from the project's folder."""
    made = LocalEnvironment(ROOT, project / ".slipway", project / "slipway.yaml")
    made.up(port=unused_port(), step=lambda _: nullcontext())
    yield made
    made.down()


@pytest.fixture(scope="module")
def running(environment: LocalEnvironment) -> State:
    """What is up."""
    found = environment.status()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def releases(running: State, project: Path) -> Releases:
    """The project's releases."""
    assert running.ready
    return Releases(project)
