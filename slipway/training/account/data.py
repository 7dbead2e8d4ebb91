"""The data sets of runs in the bucket of training: one Parquet file each, with its rows and digest beside it."""

import hashlib
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from slipway.errors import UnavailableError
from slipway.training.account.workspace import DATA, Workspace, run_folder
from slipway.training.dataset import DataSet
from slipway.training.run import Run

_ROWS, _DESCRIBED = "data.parquet", "data.json"


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True)

    rows: int
    sha256: str
    train_rows: int
    since: AwareDatetime
    until: AwareDatetime
    split_at: AwareDatetime


class BucketDataSets:
    """`DataSets` of the bucket; ``folder`` is where files lie on this machine.

    A data set exists once its description does, which is written last. ``digest#{sha256}`` names its run.
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
        prefix = run_folder(DATA, run.model, run.id)
        self._workspace.upload_file(data.path, prefix + _ROWS)
        described = _Described(**{name: getattr(data, name) for name in _Described.model_fields})
        self._workspace.put(_by_digest(run.model, data.sha256), run.id.encode())
        self._workspace.put(prefix + _DESCRIBED, described.model_dump_json().encode())
        return data

    def _read(self, model: str, run: str) -> DataSet | None:
        prefix = run_folder(DATA, model, run)
        text = self._workspace.get(prefix + _DESCRIBED)
        if text is None:
            return None
        described, path = _Described.model_validate_json(text), self._folder / model / run / _ROWS
        if not path.exists() or _digest(path) != described.sha256:
            self._workspace.download_file(prefix + _ROWS, path)
        if (found := _digest(path)) != described.sha256:
            raise UnavailableError("the bucket of training", f"{prefix}{_ROWS} was altered: its SHA-256 is {found}")
        moments: dict[str, datetime] = {name: getattr(described, name) for name in ("since", "until", "split_at")}
        return DataSet(path, described.rows, described.sha256, described.train_rows, **moments)


def _by_digest(model: str, sha256: str) -> str:
    return f"{DATA}/{model}/by-digest/{sha256}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
