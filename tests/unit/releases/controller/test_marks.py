"""A version that the judge rolls back is marked in the registry; one that a person rolls back is not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.registry import MemoryObjectStore, MemoryVersionTable
from support.packages import make_tabular_package
from support.registries import ORIGIN, PASSED
from support.releases.records import NOW, make_release

from slipway.models.package import load_package
from slipway.models.registry.registry import Registry
from slipway.releases.controller.marks import MarkingNotifier
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry, Phase

MODEL = "tiny-tabular"


class Told:
    """A `Notifier` that keeps what it was told."""

    def __init__(self) -> None:
        self.entries: list[HistoryEntry] = []

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None:
        self.entries += entries


@pytest.fixture
def table(tmp_path: Path) -> MemoryVersionTable:
    """A registry whose first version was registered above 1, which is in no registry."""
    made = MemoryVersionTable()
    package = load_package(make_tabular_package(tmp_path / "package").folder)
    record = Registry(MemoryObjectStore(), made).register(package, PASSED, ORIGIN, above=1)
    assert record.number == 2
    return made


def entry(phase: Phase, by: str = "controller") -> HistoryEntry:
    return HistoryEntry(at=NOW, by=by, phase=phase, what="rolled back", evidence=("errors: 9 % after 1 %",))


def tell(table: MemoryVersionTable, *entries: HistoryEntry, candidates: tuple[int, ...] = (2,)) -> Told:
    told = Told()
    record = make_release(MODEL, candidates=candidates)
    MarkingNotifier(told, table, lambda: datetime.now(UTC)).tell(record, entries)
    assert told.entries == list(entries)
    return told


def test_the_judges_rollback_marks_the_version_with_its_reason(table: MemoryVersionTable) -> None:
    tell(table, entry(Phase.RUNNING), entry(Phase.ROLLED_BACK))
    mark = table.versions(MODEL, 2)[0].deprecated
    assert mark is not None
    assert mark.reason.endswith("rolled back; errors: 9 % after 1 %")


def test_the_mark_is_set_once(table: MemoryVersionTable) -> None:
    tell(table, entry(Phase.ROLLED_BACK))
    first = table.versions(MODEL, 2)
    tell(table, entry(Phase.ROLLED_BACK))
    assert table.versions(MODEL, 2) == first


@pytest.mark.parametrize("told", [entry(Phase.ROLLED_BACK, by="ann"), entry(Phase.PROMOTED), entry(Phase.FINISHED)])
def test_nothing_else_marks_it(table: MemoryVersionTable, told: HistoryEntry) -> None:
    tell(table, told)
    assert table.versions(MODEL, 2)[0].deprecated is None


def test_a_version_that_is_in_no_registry_is_told_of_all_the_same(table: MemoryVersionTable) -> None:
    tell(table, entry(Phase.ROLLED_BACK), candidates=(9, 2))
    assert table.versions(MODEL, 2)[0].deprecated is not None
