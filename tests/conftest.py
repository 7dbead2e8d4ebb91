"""Fixtures that every folder of tests may use."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support.open_sockets import remember_where_sockets_open
from support.packages import make_regression_package, make_tabular_package, make_text_package
from support.scheduling import ByFolder, sort

from slipway.config.deployment.loopback import keep_direct
from slipway.models.package import Package

PackageFactory = Callable[..., Package]

# A busy machine must not fail a property. Everything else is inherited, so `--hypothesis-profile=ci` or the variable CI
# still derandomizes.
settings.register_profile("slipway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("slipway")

keep_direct(os.environ)


@pytest.hookimpl(trylast=True)  # after pytest has set its own hook for such warnings
def pytest_sessionstart() -> None:
    """Find who leaves sockets open."""
    remember_where_sockets_open()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """Where several processes run the tests."""
    config.option.loadscopereorder = False
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests in order."""
    sort(items)


@pytest.fixture
def text_package(tmp_path: Path) -> Package:
    """A small text classifier, version 1, at ``<tmp_path>/models/tiny-sentiment/1``."""
    return make_text_package(tmp_path / "models" / "tiny-sentiment" / "1")


@pytest.fixture
def tabular_package(tmp_path: Path) -> Package:
    """A small tabular classifier with inputs from the feature group `tumour`, at ``models/tiny-tabular/1``."""
    return make_tabular_package(tmp_path / "models" / "tiny-tabular" / "1")


@pytest.fixture
def regression_package(tmp_path: Path) -> Package:
    """A small regression, at ``models/tiny-price/1``."""
    return make_regression_package(tmp_path / "models" / "tiny-price" / "1")
