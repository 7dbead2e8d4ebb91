"""What the tests that need PyTorch share."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.models.importing.importer import Imported, import_model
from slipway.models.importing.request import ImportRequest


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The module of entries, by the name that ``--torch`` takes."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield "networks"
    sys.modules.pop("networks", None)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Imported]:
    """Import into ``<tmp_path>/models``."""

    def go(**options: Any) -> Imported:
        return import_model(ImportRequest(**{"name": "example", "models": tmp_path / "models", **options}))

    return go
