"""The results of training in the bucket of training: packages, their training state, and what killed attempts left."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import NotFoundError, PackageError
from slipway.models.package import MANIFEST, Package, load_package
from slipway.training.account.workspace import DRAFTS, Workspace, run_folder
from slipway.training.dataset import DataSet
from slipway.training.ports import Ports
from slipway.training.run import Run

_PACKAGE, _STATE, _ATTEMPT = "package/", "state/", "attempt/"
_DONE, _FAILURE, _STARTED = "done.json", "failure.txt", "started.txt"


@dataclass(frozen=True, slots=True)
class Drafts:
    """The results of runs in the bucket of training; a draft exists once its digest does, which is written last."""

    workspace: Workspace

    def keep(self, run: Run, package: Package, state: Path) -> None:
        """Store a run's package and training state."""
        prefix = _of(run)
        self.workspace.upload(package.folder, prefix + _PACKAGE)
        self.workspace.upload(state, prefix + _STATE)
        self.workspace.put(prefix + _DONE, json.dumps({"manifest_sha256": digest_of(package)}).encode())

    def is_done(self, run: Run) -> bool:
        """Whether a run has its package."""
        return self.workspace.get(_of(run) + _DONE) is not None

    def fetch(self, run: Run, folder: Path) -> tuple[Package, Path | None]:
        """Write a run's package and training state to a folder.

        Raises:
            NotFoundError: the run has none.
            PackageError: it is not what was trained.
        """
        done = self.workspace.get(_of(run) + _DONE)
        if done is None:
            raise NotFoundError("draft of training run", run.id)
        self.workspace.download(_of(run) + _PACKAGE, folder / "package")
        package = load_package(folder / "package")
        if digest_of(package) != json.loads(done)["manifest_sha256"]:
            raise PackageError(_of(run) + _PACKAGE, "is not the package that the run trained")
        has_state = self.workspace.download(_of(run) + _STATE, folder / "state")
        return package, folder / "state" if has_state else None

    def keep_attempt(self, run: Run, folder: Path) -> None:
        """Store what an interrupted training has written, for the next attempt."""
        self.workspace.upload(folder, _of(run) + _ATTEMPT)

    def fetch_attempt(self, run: Run, folder: Path) -> bool:
        """Write an interrupted attempt to a folder; returns whether there was one."""
        return self.workspace.download(_of(run) + _ATTEMPT, folder)

    def say_started(self, run: Run) -> None:
        """Store that a task has begun to train."""
        self.workspace.put(_of(run) + _STARTED, b"")

    def has_started(self, run: Run) -> bool:
        """Whether a task of the run has ever begun to train."""
        return self.workspace.get(_of(run) + _STARTED) is not None

    def say_failure(self, run: Run, sentence: str) -> None:
        """Store why training failed, which Step Functions does not learn from a task."""
        self.workspace.put(_of(run) + _FAILURE, sentence.encode())

    def failure(self, run: Run) -> str:
        """Why the last training failed, or nothing."""
        return (self.workspace.get(_of(run) + _FAILURE) or b"").decode()


def data_of(ports: Ports, run: Run) -> DataSet:
    """The data set of a run; raises NotFoundError."""
    data = ports.data.of_run(run)
    if data is None:
        raise NotFoundError("data set of training run", run.id)
    return data


def digest_of(package: Package) -> str:
    """The SHA-256 of a package's manifest, which has that of every other file."""
    return hashlib.sha256(package.path(MANIFEST).read_bytes()).hexdigest()


def _of(run: Run) -> str:
    return run_folder(DRAFTS, run.model, run.id)
