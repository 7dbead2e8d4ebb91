"""A trained version in the registry: its lineage is kept, shown, and known to the next run."""

from io import StringIO
from pathlib import Path

import pytest
from fakes.registry import MemoryObjectStore, MemoryVersionTable
from rich.console import Console
from support.training import MODEL, points, workplace

from slipway.cli.model.version_report import print_lineage
from slipway.config import GatesConfig
from slipway.errors import PackageError
from slipway.models.package import seal_package
from slipway.models.registry.registry import Registry
from slipway.models.registry.submission import submit_package
from slipway.models.registry.versions import RUN, Origin, VersionRecord
from slipway.training.local import Trained, run_all
from slipway.training.registering import lineage_of, offered_of

GATES = GatesConfig(max_package_bytes=100_000)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, VersionRecord, Registry]:
    """A version that a run made here, stored in a registry by `slipway model register`."""
    place = workplace(tmp_path_factory.mktemp("registering"), "registering_recipe", points(300, boundary=0.4))
    run = place.run(parameters={"C": 2.0}, git_commit="a" * 40)
    done = run_all(place.ports, run, place.settings(run))
    assert isinstance(done, Trained)
    registry = Registry(MemoryObjectStore(), MemoryVersionTable())
    package = place.versions.package(MODEL, done.version or 0)
    record = submit_package(registry, package, GATES, Origin(by="a person"))
    assert record.origin.lineage == lineage_of(run, done.data)
    return done, record, registry


def test_the_record_has_the_run_as_json(trained: tuple[Trained, VersionRecord, Registry]) -> None:
    _, record, _ = trained
    assert VersionRecord.model_validate_json(record.model_dump_json()) == record
    assert record.origin.parent == 1
    assert record.training.git_commit == "a" * 40


def test_records_of_earlier_builds_have_none(trained: tuple[Trained, VersionRecord, Registry]) -> None:
    document = trained[1].model_dump(mode="json")
    del document["origin"]["lineage"]
    assert offered_of([VersionRecord.model_validate(document)]) == []


def test_show_prints_what_made_it(trained: tuple[Trained, VersionRecord, Registry]) -> None:
    done, record, _ = trained
    out = StringIO()
    print_lineage(Console(file=out, width=200), record)
    lines = out.getvalue().splitlines()
    assert "parent 1" in lines
    assert "training run one" in lines
    assert "trigger hand: a test" in lines
    assert "recipe registering_recipe:train, stateless" in lines
    assert 'recipe parameters {"C": 2.0}' in lines
    assert "learned from 300 labels of 2026-03-01 00:00 to 2026-03-01 04:59 UTC" in lines
    assert f"trained at commit {'a' * 40}" in lines
    assert f"data labels until 2026-03-01 04:59 UTC, 300 rows, sha256 {done.data.sha256}" in lines
    assert not [line for line in lines if "fingerprint" in line]


def test_a_version_that_was_rolled_back_is_withdrawn(trained: tuple[Trained, VersionRecord, Registry]) -> None:
    _, record, registry = trained
    assert [(each.version, each.withdrawn) for each in offered_of(registry.versions(MODEL))] == [(1, None)]
    registry.deprecate(MODEL, record.number, reason="rolled back: accuracy", by="the judge")
    assert [each.withdrawn for each in offered_of(registry.versions(MODEL))] == ["rolled back: accuracy"]


def test_a_malformed_run_in_a_manifest_is_named(tmp_path: Path) -> None:
    place = workplace(tmp_path, "malformed_recipe", [])
    package = place.versions.package(MODEL, 1)
    document = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
    document["training"]["parameters"][RUN] = {"run": "one"}
    changed = seal_package(package.folder, document)
    registry = Registry(MemoryObjectStore(), MemoryVersionTable())
    with pytest.raises(PackageError, match=r"training.training_run.trigger: is required"):
        submit_package(registry, changed, GATES, Origin(by="a person"))
