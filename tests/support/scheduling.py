"""The order of the tests, and which of them run in one process of pytest-xdist, one after the other."""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browser", "tests/e2e", "tests/infra")
"""Folders whose fixtures are dear: an embedded AWS for each folder of e2e, templates that take long to synthesize."""

ALONE = ("tests/e2e/test_init.py", "tests/e2e/test_loop.py")
"""Files of those folders that have an embedded AWS of their own, so that any process may run them."""

FIRST = (
    # These mostly wait for releases, while the other processes work.
    "tests/e2e/releases/",
    "tests/e2e/experiments/",
    "tests/browser/",
    "tests/e2e/test_",
    "tests/infra/",
    "tests/e2e/heavy/",
    "tests/unit/releases/controller/",
    "tests/unit/models/compression/test_prune.py",
    "tests/unit/releases/simulation/",
)
"""What takes longest comes first, so that no process is left alone with it at the end."""


class ByFolder(LoadScopeScheduling):
    """Gives a process the whole of a folder of TOGETHER but for ALONE, and a file of any other."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file.rpartition("/")[0] if file.startswith(TOGETHER) and file not in ALONE else file


def sort(items: list[pytest.Item]) -> None:
    """Put the tests in order; those of a file stay as they are."""
    items.sort(key=lambda item: _place(item.nodeid, FIRST))


def _place(nodeid: str, order: Sequence[str]) -> int:
    return next((place for place, start in enumerate(order) if nodeid.startswith(start)), len(order))
