"""A lock on a state folder: one `up` or `deploy` at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from slipway.errors import ConflictError, InputError

FILE = "local.lock"
# `is_locked` itself holds the lock for a moment.
_TRIES = 10
_POLL_SECONDS = 0.02


@contextmanager
def locked(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of a folder, which is made if need be; the system releases it if this process dies.

    Raises:
        ConflictError: another process has it; the message says which, and what for.
        InputError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError.of("--state", f"{folder} cannot hold the state: {error.strerror}") from error
    with os.fdopen(file, "r+", encoding="utf-8") as lock:
        if not _acquired(lock):
            raise ConflictError(f"{lock.read() or 'another process'} is at work in {folder}; wait for it, or stop it")
        lock.truncate()
        lock.write(f"`slipway local {purpose}` (process {os.getpid()})")
        lock.flush()
        yield


def _acquired(lock: TextIO) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        else:
            return True
    return False


def is_locked(folder: Path) -> bool:
    """Whether an `up` or a `deploy` is at work in a folder."""
    try:
        with (folder / FILE).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
