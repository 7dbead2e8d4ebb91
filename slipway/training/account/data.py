"""The data sets of runs in the bucket of training: each is a file in its run's folder, with its digest beside it."""

import shutil
from dataclasses import replace
from pathlib import Path

from slipway.errors import UnavailableError
from slipway.training.account.workspace import DATA, Workspace, run_folder
from slipway.training.dataset import DataSet, open_data_set
from slipway.training.run import Run

_ROWS, _DIGEST = "data.parquet", "sha256"


class BucketDataSets:
    """`DataSets` of the bucket; ``folder`` is where files lie on this machine.

    A data set exists once its digest does, which is written last.
    """

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._workspace = workspace
        self._folder = folder

    def of_run(self, run: Run) -> DataSet | None:
        return self._read(run.model, run.id)

    def of_digest(self, model: str, sha256: str) -> DataSet | None:
        run = self._workspace.get(_by_digest(model, sha256))
        return None if run is None else self._read(model, run.decode())

    def store(self, run: Run, data: DataSet) -> DataSet:
        if (earlier := self.of_run(run)) is not None:
            return earlier
        path, prefix = self._path(run.model, run.id), run_folder(DATA, run.model, run.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data.path, path)
        self._workspace.upload_file(path, prefix + _ROWS)
        self._workspace.put(_by_digest(run.model, data.sha256), run.id.encode())
        self._workspace.put(prefix + _DIGEST, data.sha256.encode())
        return replace(data, path=path)

    def _read(self, model: str, run: str) -> DataSet | None:
        prefix, path = run_folder(DATA, model, run), self._path(model, run)
        digest = self._workspace.get(prefix + _DIGEST)
        if digest is None or not (path.exists() or self._workspace.download_file(prefix + _ROWS, path)):
            return None
        found = open_data_set(path)
        if found.sha256 != digest.decode():
            path.unlink()
            raise UnavailableError("the bucket of training", f"{prefix}{_ROWS} is not what was stored")
        return found

    def _path(self, model: str, run: str) -> Path:
        return self._folder / model / run / _ROWS


def _by_digest(model: str, sha256: str) -> str:
    return f"{DATA}/{model}/by-digest/{sha256}"
