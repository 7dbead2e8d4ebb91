"""The folder of an export: written beside its place, and moved there whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors import InputError

OUTPUT = "--output"


@contextmanager
def whole_folder(folder: Path, *, marker: str) -> Iterator[Path]:
    """A draft of ``folder``, which takes its place if the block succeeds.

    Raises:
        InputError: the folder exists and is not an earlier export, which has the file ``marker``; nothing is replaced.
    """
    # A relative `.` has no name, and a link to a folder cannot be replaced by one.
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise InputError.of(OUTPUT, f"{folder} is a file")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).is_file():
        raise InputError.of(OUTPUT, f"{folder} is neither empty nor an earlier export; name another folder")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path) -> None:
    """Replace ``folder``; the earlier one is deleted only after the new one has its place."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    draft.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
