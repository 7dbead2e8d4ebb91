"""How far an erasure has come, so that one that was stopped goes on, and a second one reads only what is new."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from slipway.aws.table import DynamoTable
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.entities.forgotten import digest

KEPT = timedelta(days=90)
_CLOCKS_DIFFER = timedelta(hours=1)
"""S3 says when a file was stored, and this machine when an erasure began."""


@dataclass(slots=True)
class Scan:
    """The reading of one folder.

    Files stored before ``clean`` have nothing of the entity. A reading that began at ``began`` has come to the key
    ``at``; it is over if ``began`` is None.
    """

    clean: datetime | None = None
    began: datetime | None = None
    at: str = ""

    def needs(self, key: str, modified: datetime) -> bool:
        """Whether a file has to be read."""
        since = self.began if self.began is not None and key <= self.at else self.clean
        return since is None or modified >= since - _CLOCKS_DIFFER

    def begin(self, now: datetime) -> None:
        """Begin to read, or go on."""
        if self.began is None:
            self.began, self.at = now, ""

    def end(self) -> None:
        """Note that the folder was read to its end."""
        self.clean, self.began, self.at = self.began, None, ""


@dataclass(slots=True)
class Progress:
    """The scans by folder, and how much was erased since the erasure began, by what it was."""

    scans: dict[str, Scan] = field(default_factory=dict)
    erased: Counter[str] = field(default_factory=Counter)

    def scan(self, folder: str) -> Scan:
        """The scan of a folder."""
        return self.scans.setdefault(folder, Scan())


class ProgressStore(Protocol):
    """Keeps the progress of erasures. Every method raises UnavailableError."""

    def read(self, subject: Subject) -> Progress:
        """The progress of an entity's erasure; a new one if there is none."""
        ...

    def write(self, subject: Subject, progress: Progress) -> None:
        """Store the progress."""
        ...


class DynamoProgress:
    """A `ProgressStore` in the DynamoDB table `control`, by a digest of the entity."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def read(self, subject: Subject) -> Progress:
        for item in self._table.batch_get([_key(subject)], consistent=True):
            return _parsed(json.loads(item["progress"]["S"]))
        return Progress()

    def write(self, subject: Subject, progress: Progress) -> None:
        expires = datetime.now(UTC) + KEPT
        text = json.dumps(
            {"scans": {name: _text(scan) for name, scan in progress.scans.items()}, "erased": progress.erased}
        )
        item = {**_key(subject), "progress": {"S": text}, "expires_at": {"N": str(int(expires.timestamp()))}}
        self._table.batch_put([item])


def _key(subject: Subject) -> dict[str, Any]:
    return {"pk": {"S": f"erasure#{digest(subject)}"}, "sk": {"S": "progress"}}


def _text(scan: Scan) -> dict[str, str | None]:
    return {
        "clean": scan.clean.isoformat() if scan.clean else None,
        "began": scan.began.isoformat() if scan.began else None,
        "at": scan.at,
    }


def _parsed(document: Mapping[str, Any]) -> Progress:
    scans = {
        name: Scan(_moment(scan["clean"]), _moment(scan["began"]), scan["at"])
        for name, scan in document["scans"].items()
    }
    return Progress(scans, Counter(document["erased"]))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
