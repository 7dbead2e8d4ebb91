"""One embedded AWS for the tests of experiments, with a slipway.yaml and small packages of its own."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from support.embedded import Aws, unused_port
from support.releases.embedded import Controller, Releases
from support.releases.shadow_project import write_project

from local.environment.local_environment import LocalEnvironment
from local.environment.state import State

ROOT = Path(__file__).resolve().parents[3]


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
def controller(aws: Aws, outputs: dict[str, str]) -> Iterator[Controller]:
    """Who takes the releases on."""
    with Controller(aws, outputs["ControllerFunction"]) as made:
        yield made


@pytest.fixture(scope="module")
def releases(running: State, project: Path) -> Releases:
    """The project's releases."""
    assert running.ready
    return Releases(project)
