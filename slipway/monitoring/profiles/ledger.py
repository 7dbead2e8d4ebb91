"""What has been read of an hour's capture files, so that each file is read once however often the monitor runs."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import numpy as np

from slipway.errors import InputError
from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.captures.reading import short_id
from slipway.monitoring.profiles.profile import Profile, dump_profile, load_profile

LEDGERS = "ledgers"
"""The folder of ledgers, which S3 deletes some days after the last capture of their hour may have come."""


@dataclass(slots=True)
class Ledger:
    """The files read of an hour, the ids of the captures in them, and the profiles made of them, by version and period.

    Ids and keys are kept as 64 bits, 8 MB for a million.
    """

    files: set[int] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)
    profiles: dict[tuple[int, datetime], Profile] = field(default_factory=dict)

    def unread(self, keys: Iterable[str]) -> list[str]:
        """The keys of files that have not been read."""
        return [key for key in keys if short_id(key) not in self.files]


class LedgerStore:
    """Ledgers by model and hour. Every method raises UnavailableError if the bucket cannot be reached."""

    def __init__(self, bucket: ObjectBucket) -> None:
        self._bucket = bucket

    def read(self, model: str, hour: datetime) -> Ledger:
        """The ledger of an hour, empty if there is none; raises InputError if it is not one that Slipway wrote."""
        key = ledger_key(model, hour)
        content = self._bucket.get(key)
        return Ledger() if content is None else load_ledger(content, key)

    def write(self, model: str, hour: datetime, ledger: Ledger) -> None:
        """Store a ledger in place of the one of its hour."""
        self._bucket.put(ledger_key(model, hour), dump_ledger(ledger), content_type="application/zip")


def ledger_key(model: str, hour: datetime) -> str:
    """The key of a ledger's object."""
    return f"{LEDGERS}/model={model}/date={hour:%Y-%m-%d}/hour={hour:%H}.npz"


def source_of(keys: Iterable[str]) -> str:
    """A digest of capture files by their keys, whose names are digests of their content."""
    return sha256("\n".join(sorted(keys)).encode()).hexdigest()


def dump_ledger(ledger: Ledger) -> bytes:
    """Serialize to NumPy's own archive."""
    document = [json.loads(dump_profile(profile)) for profile in ledger.profiles.values()]
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(document).encode(), dtype=np.uint8)
    np.savez(buffer, files=_array(ledger.files), ids=_array(ledger.ids), document=text)
    return buffer.getvalue()


def load_ledger(content: bytes, name: str = "ledger") -> Ledger:
    """Parse the output of `dump_ledger`; raises InputError that names ``name`` for anything else."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            profiles = [load_profile(json.dumps(each), name) for each in json.loads(found["document"].tobytes())]
            return Ledger(
                files=set(found["files"].tolist()),
                ids=set(found["ids"].tolist()),
                profiles={(profile.version, profile.start): profile for profile in profiles},
            )
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError.of(name, f"is not a ledger: {error}") from error


def _array(numbers: set[int]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.sort(np.fromiter(numbers, dtype=np.uint64, count=len(numbers)))
