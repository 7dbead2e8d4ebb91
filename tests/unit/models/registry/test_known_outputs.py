"""Which outputs a version states, wherever its manifest is."""

from pathlib import Path

import pytest
from fakes.registry import MemoryObjectStore, MemoryVersionTable
from support.packages import make_text_package
from support.registries import ORIGIN, PASSED

from slipway.errors import UnavailableError
from slipway.models.manifest import Outputs
from slipway.models.prediction.labels import stated_outputs
from slipway.models.registry.known_outputs import KnownOutputs
from slipway.models.registry.registry import Registry
from slipway.models.registry.versions import VersionRecord

MODEL = "tiny-sentiment"


class Table(MemoryVersionTable):
    """A table that counts what is read, and may be down."""

    reads = 0
    is_down = False

    def versions(self, model: str, number: int | None = None) -> list[VersionRecord]:
        if self.is_down:
            raise UnavailableError("model registry", "it is down")
        self.reads += 1
        return super().versions(model, number)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    made = Table()
    Registry(MemoryObjectStore(), made).register(make_text_package(tmp_path), PASSED, ORIGIN)
    made.reads = 0
    return made


def test_a_record_says_the_outputs_and_is_read_once(table: Table) -> None:
    known = KnownOutputs({}, table)
    for _ in range(2):
        found = known.get((MODEL, 1))
        assert found is not None
        assert found.labels == ("negative", "neutral", "positive")
    assert (known.get((MODEL, 9)), known.get((MODEL, 9)), table.reads) == (None, None, 2)


def test_a_version_of_the_bundle_is_not_looked_up(table: Table) -> None:
    own = Outputs(labels=("no", "yes"))
    known = KnownOutputs({(MODEL, 1): own, (MODEL, 2): None}, table)
    assert (known.get((MODEL, 1)), known.get((MODEL, 2)), table.reads) == (own, None, 0)


def test_while_the_registry_is_down_nothing_is_known_and_then_it_is(table: Table) -> None:
    known = KnownOutputs({}, table)
    table.is_down = True
    assert known.get((MODEL, 1)) is None
    table.is_down = False
    assert known.get((MODEL, 1)) is not None


def test_a_record_of_before_says_nothing(table: Table) -> None:
    (record,) = table.versions(MODEL)
    old = VersionRecord.model_validate_json(record.model_dump_json(exclude={"outputs"}))
    assert old.outputs is None
    assert stated_outputs(old.task, old.outputs) is None


def test_a_users_own_task_may_answer_anything() -> None:
    assert stated_outputs("rules:Rules", Outputs()) is None
    assert stated_outputs("rules:Rules", Outputs(labels=("a", "b"))) is not None
