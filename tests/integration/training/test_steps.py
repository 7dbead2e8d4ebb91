"""Steps that are taken again, or fail, after a part of their work was done."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.registry import MemoryObjectStore, MemoryVersionTable
from fakes.training_runs import RunsInMemory
from support.registries import PASSED
from support.training import MODEL, Workplace, points, workplace

from functions.training.steps import fail_step, register_step
from slipway.config import parse_config
from slipway.errors import UnavailableError
from slipway.models.registry.registry import Registry
from slipway.training.account.checks import Checks
from slipway.training.account.data import BucketDataSets
from slipway.training.account.desk import Desk
from slipway.training.account.drafts import Drafts
from slipway.training.account.fitting import fit
from slipway.training.account.progress import Phase, started
from slipway.training.account.versions import AccountVersions
from slipway.training.account.workspace import Workspace
from slipway.training.ports import Ports
from slipway.training.run import Run
from slipway.training.steps import assemble

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CONFIG = parse_config(f'models: {{{MODEL}: {{versions: [1], stable: 1, training: "recipe_of_steps:train"}}}}')


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    (tmp_path / "project").mkdir()
    return workplace(tmp_path / "project", "recipe_of_steps", points(120))


class Services:
    """What the steps of one run reach: a bucket in moto, and tables in memory."""

    def __init__(self, place: Workplace, workspace: Workspace, folder: Path, run: Run) -> None:
        self.workspace, self.runs, self._folder = workspace, RunsInMemory(), folder
        registry = Registry(MemoryObjectStore(), MemoryVersionTable())
        self.versions = AccountVersions(CONFIG, place.root, registry, workspace, folder / "versions")
        self._ports = Ports(place.examples, BucketDataSets(workspace, folder / "data"), self.versions)
        self.runs.save(started(run, "arn:one", NOW))
        self.told: list[str] = []

    def ports(self) -> Ports:
        return self._ports

    def desk(self, *, tells: bool) -> Desk:
        return Desk(
            CONFIG, self.runs, lambda _: True, lambda _: 1, lambda subject, _: self.told.append(subject), lambda: NOW
        )

    def folder(self, run: Run) -> Path:
        return self._folder / run.id


def given(run: Run, **more: Any) -> Any:
    return {"run": run.model_dump(mode="json"), **more}


def test_training_state_is_stored_also_if_the_version_was_registered_before(
    place: Workplace, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = place.run()
    services: Any = Services(place, workspace, tmp_path, run)
    ports, drafts = services.ports(), Drafts(workspace)
    assemble(ports, run)
    fit(run, ports, drafts, tmp_path / "fit", root=place.root)
    package, _ = drafts.fetch(run, tmp_path / "checked")
    Checks(workspace).keep(run, package, PASSED)

    def refuses(folder: Path, prefix: str) -> None:
        raise UnavailableError("the bucket of training", "slow down")

    with monkeypatch.context() as patch:
        patch.setattr(workspace, "upload", refuses)
        with pytest.raises(UnavailableError):
            register_step(services, given(run))
    assert [each.version for each in services.versions.offered(MODEL)] == [2]
    assert register_step(services, given(run)) == {"version": 2}
    state = services.versions.state(MODEL, 2)
    assert state is not None
    assert (state / "seen.txt").is_file()


@pytest.mark.parametrize(("phase", "after"), [(Phase.RELEASED, Phase.RELEASED), (Phase.RELEASING, Phase.FAILED)])
def test_a_run_that_has_ended_does_not_fail_because_nobody_could_be_told(
    phase: Phase, after: Phase, place: Workplace, workspace: Workspace, tmp_path: Path
) -> None:
    run = place.run()
    services: Any = Services(place, workspace, tmp_path, run)
    services.runs.save(services.runs.get(MODEL, run.id).entering(phase, NOW))
    error = {"Error": "UnavailableError", "Cause": '{"errorMessage": "SNS refuses"}'}
    assert fail_step(services, given(run, error=error)) == {"reason": f"It failed while {phase}: SNS refuses."}
    assert services.runs.get(MODEL, run.id).phase is after


def test_a_failure_that_is_written_down_twice_keeps_its_reason(
    place: Workplace, workspace: Workspace, tmp_path: Path
) -> None:
    run = place.run()
    services: Any = Services(place, workspace, tmp_path, run)
    services.runs.save(services.runs.get(MODEL, run.id).entering(Phase.CHECKING, NOW))
    error = {"Error": "TrainingError", "Cause": '{"errorMessage": "no memory"}'}
    reasons = [fail_step(services, given(run, error=error)) for _ in range(2)]
    assert reasons == [{"reason": "It failed while checking: no memory."}] * 2
    assert services.runs.get(MODEL, run.id).what == "It failed while checking: no memory."
