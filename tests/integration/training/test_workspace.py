"""The bucket of training: data sets, drafts, checks, and what a killed attempt leaves."""

from pathlib import Path

import pytest
from support.registries import FAILED, PASSED
from support.training import MODEL, Workplace, points, workplace

from slipway.errors import NotFoundError, PackageError, UnavailableError
from slipway.training.account.checks import Checks
from slipway.training.account.data import BucketDataSets
from slipway.training.account.drafts import Drafts, data_of
from slipway.training.account.fitting import fit
from slipway.training.account.workspace import Workspace
from slipway.training.dataset import DataSet
from slipway.training.ports import Ports
from slipway.training.run import Run
from slipway.training.steps import assemble


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    (tmp_path / "project").mkdir()
    return workplace(tmp_path / "project", "recipe_of_workspace", points(120))


def ports(place: Workplace, workspace: Workspace, folder: Path) -> Ports:
    return Ports(place.examples, BucketDataSets(workspace, folder), place.versions)


def assembled(place: Workplace, workspace: Workspace, folder: Path, run: Run) -> DataSet:
    made = assemble(ports(place, workspace, folder), run)
    assert isinstance(made, DataSet)
    return made


def test_another_machine_reads_the_same_data(place: Workplace, workspace: Workspace, tmp_path: Path) -> None:
    run = place.run()
    made = assembled(place, workspace, tmp_path / "one", run)
    other = BucketDataSets(workspace, tmp_path / "two")
    for found in (other.of_run(run), other.of_digest(MODEL, made.sha256)):
        assert found is not None
        assert (found.sha256, found.rows, found.train_rows) == (made.sha256, made.rows, made.train_rows)
    assert other.of_run(place.run("another")) is None
    assert other.of_digest(MODEL, "0" * 64) is None


def test_data_that_was_altered_is_refused(place: Workplace, workspace: Workspace, tmp_path: Path) -> None:
    run = place.run()
    assembled(place, workspace, tmp_path / "one", run)
    workspace.put(f"data/{MODEL}/{run.id}/sha256", b"0" * 64)
    with pytest.raises(UnavailableError, match="is not what was stored"):
        BucketDataSets(workspace, tmp_path / "two").of_run(run)


def test_training_stores_a_draft_once(place: Workplace, workspace: Workspace, tmp_path: Path) -> None:
    run, drafts = place.run(), Drafts(workspace)
    assembled(place, workspace, tmp_path / "data", run)
    for attempt in ("one", "two"):
        fit(run, ports(place, workspace, tmp_path / "data"), drafts, tmp_path / attempt, root=place.root)
    assert (tmp_path / "one" / "package").is_dir()
    assert not (tmp_path / "two").exists(), "the draft was there already"
    package, state = drafts.fetch(run, tmp_path / "fetched")
    assert package.manifest.name == MODEL
    assert state is not None
    assert (state / "seen.txt").is_file()


def test_an_attempt_goes_on_from_what_was_stored(place: Workplace, workspace: Workspace, tmp_path: Path) -> None:
    run, drafts = place.run(), Drafts(workspace)
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "checkpoint").write_text("epoch 3", encoding="utf-8")
    drafts.keep_attempt(run, tmp_path / "killed")
    assembled(place, workspace, tmp_path / "data", run)
    fit(run, ports(place, workspace, tmp_path / "data"), drafts, tmp_path / "next", root=place.root)
    assert (tmp_path / "next" / "checkpoint").read_text(encoding="utf-8") == "epoch 3"


def test_a_draft_that_was_altered_is_refused(place: Workplace, workspace: Workspace, tmp_path: Path) -> None:
    run, drafts = place.run(), Drafts(workspace)
    assembled(place, workspace, tmp_path / "data", run)
    fit(run, ports(place, workspace, tmp_path / "data"), drafts, tmp_path / "one", root=place.root)
    workspace.put(f"drafts/{MODEL}/{run.id}/done.json", b'{"manifest_sha256": "0"}')
    with pytest.raises(PackageError, match="is not the package that the run trained"):
        drafts.fetch(run, tmp_path / "fetched")


def test_only_the_package_that_was_checked_has_its_check(
    place: Workplace, workspace: Workspace, tmp_path: Path
) -> None:
    run, checks = place.run(), Checks(workspace)
    checked, other = place.versions.package(MODEL, 1), place.root / "models" / MODEL / "1"
    with pytest.raises(NotFoundError, match="check of training run"):
        checks.of(run, checked)
    for given in (PASSED, FAILED):
        checks.keep(run, checked, given)
        assert checks.of(run, checked) == given
    manifest = other / "model.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(PackageError, match="is not the package that the gates have judged"):
        checks.of(run, checked)


def test_what_is_missing_is_named(place: Workplace, workspace: Workspace, tmp_path: Path) -> None:
    run = place.run()
    with pytest.raises(NotFoundError, match="data set of training run"):
        data_of(ports(place, workspace, tmp_path), run)
    with pytest.raises(NotFoundError, match="draft of training run"):
        Drafts(workspace).fetch(run, tmp_path / "fetched")
    assert Drafts(workspace).failure(run) == ""
    Drafts(workspace).say_failure(run, "no memory")
    assert Drafts(workspace).failure(run) == "no memory"
