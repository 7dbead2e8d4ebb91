"""A console of a project that is deployed nowhere: its pages say so, and its guard is as everywhere."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from slipway.console.app import create_app
from slipway.console.settings import ConsoleSettings
from slipway.console.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]
Browser = Callable[..., TestClient]


@pytest.fixture
def settings() -> ConsoleSettings:
    """The settings of a console that may change things."""
    return ConsoleSettings(port=8081, node_modules=ROOT / "node_modules")


@pytest.fixture
def browser(settings: ConsoleSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Makes browsers of consoles; one sends `Host` and follows no redirect, and runs no script."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "slipway.yaml"
    config.write_text("project: tried\nmodels: {tiny-sentiment: {versions: [1, 2], stable: 1}}\n", encoding="utf-8")
    with ExitStack() as stack:

        def make(given: ConsoleSettings = settings, workspace: Workspace | None = None) -> TestClient:
            app = create_app(given, workspace or Workspace(config))
            return stack.enter_context(TestClient(app, base_url=given.address, follow_redirects=False))

        yield make
