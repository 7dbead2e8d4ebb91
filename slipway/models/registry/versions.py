"""What the registry keeps of one version, beside its package: who registered what, when, and how it was judged."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from slipway.config import Name, VersionNumber
from slipway.errors import ConflictError
from slipway.models.gates.rules import Check
from slipway.models.manifest import GitCommit, Measurement, Sha256, Training


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Origin(_Part):
    """Who registers a package, from what: the commit of the checkout, and the version that it was made from."""

    by: Annotated[str, Field(min_length=1)]
    git_commit: GitCommit | None = None
    parent: VersionNumber | None = None


class Deprecation(_Part):
    """That a version should not be used any more, and why; it stays where it is."""

    reason: Annotated[str, Field(min_length=1)]
    by: str
    at: AwareDatetime


class VersionRecord(_Part):
    """One version. All of it but ``deprecated`` is written once.

    ``manifest_sha256`` is the digest of ``model.yaml``, which in turn has that of every other file. ``forced`` is the
    reason for which a package was taken that had not passed its ``check``.
    """

    format: Literal[1] = 1
    model: Name
    number: VersionNumber
    task: str
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
        """Where the version's objects lie."""
        return version_prefix(self.model, self.number)

    @property
    def label(self) -> str:
        """What messages call the version."""
        return f"{self.model} {self.number}"


def version_prefix(model: str, number: int) -> str:
    """The prefix of the objects of one version."""
    return f"{model_prefix(model)}{number}/"


def model_prefix(model: str) -> str:
    """The prefix of the objects of all versions of one model."""
    return f"models/{model}/"


class StoredObject(_Part):
    """An object's key, and when it was written."""

    key: str
    modified: datetime


def taken(record: VersionRecord) -> ConflictError:
    """The error for a record whose number is taken or was given up."""
    return ConflictError(f"{record.label} is in the registry already, or its upload was given up; register it again")
