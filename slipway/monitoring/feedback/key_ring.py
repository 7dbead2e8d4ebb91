"""A process's copy of the keys of prediction ids, with which it signs or verifies ids."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

from slipway.errors import InputError, UnavailableError
from slipway.monitoring.feedback.keys import SETTLING, Keys, new_key
from slipway.monitoring.feedback.prediction_ids import PredictionId, parse_prediction_id

FRESH_SECONDS = 3600.0
"""The age from which a copy is read again, so that a rotation reaches every process, restored snapshots included."""

_RETRY_SECONDS = 60.0
# Verifiers read the keys again for an id that none of theirs signed, but no more often than this.
_DOUBT_SECONDS = SETTLING.total_seconds() / 2
_LOG = logging.getLogger("slipway")


class KeyStore(Protocol):
    """Keeps the keys."""

    def read(self) -> Keys | None:
        """Return the keys, or None before the first were created; raises UnavailableError."""
        ...

    def create(self, keys: Keys) -> None:
        """Store the first keys; does nothing if there are some. Raises UnavailableError."""
        ...


class OwnKeys:
    """A `KeyStore` of one process, whose ids no other process accepts."""

    def __init__(self) -> None:
        self._keys: Keys | None = None

    def read(self) -> Keys | None:
        return self._keys

    def create(self, keys: Keys) -> None:
        self._keys = self._keys or keys


class IdSigner:
    """Signs ids. The first signer of a deployment creates the keys.

    A prediction does not need the keys: while they have never been read, ids are signed with a key of this process,
    and feedback refuses them. The age of the copy is measured by the wall clock, because a snapshot may be restored
    months later.
    """

    def __init__(self, store: KeyStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._due = 0.0
        self._keys: Keys | None = None
        self._spare = Keys((new_key(self._now()),))
        self._reading = Lock()

    def sign(self, id_: str) -> str:
        """Return an id with its digest. An id that another slot signed stays as it is."""
        prediction = parse_prediction_id(id_)
        return id_ if prediction.digest else str((self._keys or self._spare).sign(prediction, self._now()))

    def derived(self, purpose: str) -> bytes | None:
        """Return a secret key for another purpose, shared by all signers; None while the keys have never been read."""
        return self._keys.derived(purpose, self._now()) if self._keys else None

    def claim_refresh(self) -> bool:
        """Return True once when the copy becomes stale; the caller must then `refresh` it."""
        now = self._clock()
        due = not self._due - FRESH_SECONDS <= now < self._due  # the clock may have been set back
        if due:
            self._due = now + _RETRY_SECONDS
        return due

    def refresh(self) -> None:
        """Read the keys, blocking on their store. If that fails, the last copy stays for another minute."""
        try:
            self.load()
        except UnavailableError as error:
            _LOG.error("prediction ids are signed with the last known key: %s", error)

    def load(self) -> None:
        """Read the keys, and create them if there are none; raises UnavailableError."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            self._keys = self._store.read() or self._created()
            self._due = self._clock() + FRESH_SECONDS
        finally:
            self._reading.release()

    def _created(self) -> Keys:
        """Create the keys; another signer may do so at the same time, so return what is stored."""
        self._store.create(Keys((new_key(self._now()),)))
        keys = self._store.read()
        if keys is None:
            raise UnavailableError("store of the keys of prediction ids", "it does not return what was stored")
        return keys

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


class IdVerifier:
    """Verifies ids; it never creates keys."""

    def __init__(self, store: KeyStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._read_at: float | None = None
        self._keys: Keys | None = None

    def check(self, prediction: PredictionId) -> None:
        """Refuse an id that this API has not issued.

        Raises:
            InputError: none of the valid keys signed the id.
            UnavailableError: that cannot be told, because the keys cannot be read.
        """
        if self._is_older_than(FRESH_SECONDS):
            self.refresh()
        if self._accepts(prediction):
            return
        if self._is_older_than(_DOUBT_SECONDS):
            self.load()
        if self._keys is None:
            raise UnavailableError("store of the keys of prediction ids", "there are none yet")
        if not self._accepts(prediction):
            message = "is not an id that this API issued: it was altered, or its key has been rotated out since"
            raise InputError.of("prediction_id", message)

    def load(self) -> None:
        """Read the keys; raises UnavailableError."""
        keys = self._store.read()
        self._keys, self._read_at = keys, self._clock() if keys else None

    def refresh(self) -> None:
        """Read the keys; if that fails, the last copy stays."""
        try:
            self.load()
        except UnavailableError as error:
            _LOG.error("prediction ids are verified with the last known keys: %s", error)

    def _accepts(self, prediction: PredictionId) -> bool:
        return self._keys is not None and self._keys.accepts(prediction)

    def _is_older_than(self, seconds: float) -> bool:
        return self._read_at is None or not 0 <= self._clock() - self._read_at < seconds
