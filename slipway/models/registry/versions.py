"""The registry's record of one version: who registered it, when, from what, and how it was checked."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from slipway.config import Name, VersionNumber
from slipway.errors import ConflictError
from slipway.models.gates.rules import Check
from slipway.models.manifest import GitCommit, Measurement, Outputs, Sha256, Training

RUN = "training_run"
"""The parameter of a manifest's `training` that has the `Lineage` of a package which a run has made."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Lineage(_Part):
    """The training run that made a package: what started it, its recipe and parameters, and its data.

    ``fingerprint`` is the SHA-256 of what decides the result, by which a run knows what has been offered before.
    ``since`` and ``until`` are the times of the oldest and the newest row of the data.
    """

    run: str
    trigger: str
    recipe: str
    parameters: dict[str, str | int | float | bool] = {}
    mode: Literal["stateless", "stateful"]
    data_sha256: Sha256
    data_rows: int
    since: AwareDatetime
    until: AwareDatetime
    fingerprint: Sha256


class Origin(_Part):
    """Who registers a package, the commit of the checkout, and the version that it was made from.

    ``lineage`` is that of a package made by a training run.
    """

    by: Annotated[str, Field(min_length=1)]
    git_commit: GitCommit | None = None
    parent: VersionNumber | None = None
    lineage: Lineage | None = None


class Deprecation(_Part):
    """Why a version should no longer be used; the version itself stays."""

    reason: Annotated[str, Field(min_length=1)]
    by: str
    at: AwareDatetime


class VersionRecord(_Part):
    """One version. Every field but ``deprecated`` is written once.

    ``manifest_sha256`` is the digest of ``model.yaml``, which has that of every other file. ``forced`` is the reason
    why a package was registered without passing its ``check``. Records of earlier releases of Slipway lack ``outputs``.
    """

    format: Literal[1] = 1
    model: Name
    number: VersionNumber
    task: str
    outputs: Outputs | None = None
    manifest_sha256: Sha256
    size_bytes: int
    quality: tuple[Measurement, ...]
    training: Training
    origin: Origin
    registered_at: AwareDatetime
    check: Check
    forced: str | None = None
    deprecated: Deprecation | None = None

    @property
    def prefix(self) -> str:
        """The prefix of the version's objects."""
        return version_prefix(self.model, self.number)

    @property
    def label(self) -> str:
        """The version's name in messages."""
        return f"{self.model} {self.number}"


def version_prefix(model: str, number: int) -> str:
    """The prefix of the objects of one version."""
    return f"{model_prefix(model)}{number}/"


def model_prefix(model: str) -> str:
    """The prefix of the objects of all versions of one model."""
    return f"models/{model}/"


class StoredObject(_Part):
    """An object's key and its time of modification."""

    key: str
    modified: datetime


def taken(record: VersionRecord) -> ConflictError:
    """The error for a record whose number is taken or abandoned."""
    return ConflictError(f"{record.label} is already in the registry, or its upload was abandoned; register it again")
