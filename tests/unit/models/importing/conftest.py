"""Fixtures of tests of imports: entry modules, sample files, and a short way to import."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.models.importing.importer import Imported, import_model
from slipway.models.importing.request import ImportRequest

Import = Callable[..., Imported]


@pytest.fixture
def estimators(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The module of entry functions, importable by the name that ``--sklearn`` gets."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield "estimators"
    sys.modules.pop("estimators", None)


@pytest.fixture
def customers(tmp_path: Path, estimators: str) -> Path:
    """A CSV of the table's columns, with labels."""
    path = tmp_path / "customers.csv"
    _module().table().to_csv(path, index=False)
    return path


@pytest.fixture
def numbers(tmp_path: Path, estimators: str) -> Path:
    """A JSONL of the numeric columns, with the target as ``value``."""
    path = tmp_path / "numbers.jsonl"
    module = _module()
    frame = module.table()[["Age (years)", "spend"]].assign(value=module.value())
    frame.to_json(path, orient="records", lines=True)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Import:
    """Import into ``<tmp_path>/models``."""

    def go(**options: Any) -> Imported:
        return import_model(ImportRequest(**{"name": "example", "models": tmp_path / "models", **options}))

    return go


def _module() -> Any:
    import estimators as module  # the fixture has put it on the path

    return module
