"""A whole run in one process on this machine: versions in the models folder, data sets in another, no AWS."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slipway.config import GatesConfig
from slipway.config.training import TrainingGates
from slipway.models.gates.rules import Check
from slipway.models.importing.packaging import draft_beside, put_in_place
from slipway.models.package import MANIFEST, Package, load_package, read_manifest, seal_package
from slipway.models.registry.versions import RUN, Lineage
from slipway.training.dataset import DataSet, open_data_set
from slipway.training.decision import Declined
from slipway.training.fitting import train
from slipway.training.ports import Offered, Ports
from slipway.training.run import Run
from slipway.training.steps import assemble, check, register

_DATA, _RUNS, _STATES = "data", "runs", "states"


class LocalDataSets:
    """The `DataSets` of a folder: each is a file named by its digest, and a file of each run has the digest.

    Args:
        folder: the folder of one model.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of_run(self, run: Run) -> DataSet | None:
        """The data set of a run, or None."""
        note = self._note(run)
        return self.of_digest(run.model, note.read_text(encoding="utf-8")) if note.is_file() else None

    def of_digest(self, model: str, sha256: str) -> DataSet | None:  # noqa: ARG002 - the folder is of one model
        """The data set with a digest, or None."""
        path = self._path(sha256)
        return open_data_set(path) if path.is_file() else None

    def store(self, run: Run, data: DataSet) -> DataSet:
        """Copy a data set to the folder; an earlier one of the run is returned instead."""
        if (earlier := self.of_run(run)) is not None:
            return earlier
        path, note = self._path(data.sha256), self._note(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        shutil.copyfile(data.path, draft)
        draft.replace(path)
        note.write_text(data.sha256, encoding="utf-8")
        return replace(data, path=path)

    def _path(self, sha256: str) -> Path:
        return self._folder / _DATA / f"{sha256}.parquet"

    def _note(self, run: Run) -> Path:
        return self._folder / _RUNS / run.id / "data.sha256"


class LocalVersions:
    """The `Versions` of the models folder: a run writes the next one, with its lineage in the manifest.

    Args:
        models: the folder of one model's versions.
        folder: the folder in which training state is kept.
    """

    def __init__(self, models: Path, folder: Path) -> None:
        self._models = models
        self._folder = folder

    def package(self, model: str, number: int) -> Package:  # noqa: ARG002 - the folder is of one model
        """A version; raises PackageError if it is damaged or not there."""
        return load_package(self._models / str(number))

    def state(self, model: str, number: int) -> Path | None:  # noqa: ARG002
        """The training state of a version, or None."""
        path = self._state(number)
        return path if path.is_dir() and any(path.iterdir()) else None

    def offered(self, model: str) -> Sequence[Offered]:  # noqa: ARG002
        """The versions that runs made, by number."""
        found = []
        for number in self._numbers():
            parameters = read_manifest(self._models / str(number) / MANIFEST).training.parameters
            if RUN in parameters:
                found.append(Offered(number, Lineage.model_validate(parameters[RUN])))
        return found

    def register(self, package: Package, check: Check, run: Run, lineage: Lineage) -> int:  # noqa: ARG002 - `Versions` has it
        """Write a package as the next version.

        Raises:
            ConflictError: another package took the number in the meantime.
        """
        number = max(self._numbers(), default=0) + 1
        shutil.rmtree(self._state(number), ignore_errors=True)  # of a version that was removed
        folder = self._models / str(number)
        with draft_beside(folder) as draft:
            shutil.copytree(package.folder, draft, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
            document = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files", "seal"})
            seal_package(draft, {**document, "version": number})
            put_in_place(draft, folder)
        return number

    def keep_state(self, model: str, number: int, state: Path) -> None:  # noqa: ARG002 - one model's folder
        kept = self._state(number)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(state, kept)

    def _state(self, number: int) -> Path:
        return self._folder / _STATES / str(number)

    def _numbers(self) -> list[int]:
        return sorted(
            int(path.parent.name) for path in self._models.glob(f"*/{MANIFEST}") if path.parent.name.isdecimal()
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """The outcome of a run that trained: its data, its check, and its version if it passed."""

    data: DataSet
    check: Check
    package: Package
    version: int | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs besides itself.

    ``folder`` is where its draft lies, ``root`` that of slipway.yaml, ``own`` are the model's `gates`.
    """

    folder: Path
    root: Path
    gates: TrainingGates
    own: GatesConfig
    task_modules: tuple[str, ...] = ()


Report = Callable[[str], None]
"""Gets a sentence on each step, as it begins or ends."""


def run_all(ports: Ports, run: Run, settings: Settings, report: Report = lambda _: None) -> Trained | Declined:
    """Take all steps of a run; the same run again goes on from where it was interrupted.

    Raises:
        InputError, TrainingError: as `train` does.
        PackageError, PredictionError, UnavailableError: as `check` and the ports do.
    """
    data = assemble(ports, run)
    if isinstance(data, Declined):
        return data
    newest = f"{data.validation_rows:,} since {data.split_at:%Y-%m-%d %H:%M} UTC are kept for the gates"
    report(f"{data.rows:,} labels since {data.since:%Y-%m-%d %H:%M} UTC, of which the newest {newest}")
    parent = run.parent
    like = ports.versions.package(run.model, parent) if parent is not None else None
    state = ports.versions.state(run.model, parent) if parent is not None and run.mode == "stateful" else None
    report(f"training with {run.recipe}, {run.mode}")
    package = train(run, data, settings.folder, like=like, state=state, project=settings.root)
    found = check(
        run,
        data,
        package,
        serving=like,
        gates=settings.gates,
        own=settings.own,
        root=settings.root,
        task_modules=settings.task_modules,
    )
    if not found.passed:
        return Trained(data, found, package, None)
    return Trained(data, found, package, register(ports, run, data, package, found, state=settings.folder / "state"))
