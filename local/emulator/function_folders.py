"""Folders for the code of functions: in memory where the disk is full.

MiniStack unpacks a function's code for each process, so a full disk would fail every call that needs a new process.
"""

import shutil
import tempfile
from pathlib import Path

from ministack.core import lambda_runtime

from local.environment.settings import memory_folder

# Several times the code of the largest function.
_NEEDED_BYTES = 256 * 1024**2


def install() -> None:
    """Make this process's MiniStack choose a folder with room."""
    lambda_runtime.tempfile = Folders(Path(tempfile.gettempdir()))


class Folders:
    """Stands in for the module `tempfile`, of which MiniStack calls one function."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._memory = memory_folder(disk)

    def mkdtemp(self, *, prefix: str) -> str:
        """Create a folder on the disk, or in memory if the disk has no room for a function and the system has that."""
        return tempfile.mkdtemp(prefix=prefix, dir=self._place())

    def _place(self) -> Path:
        if shutil.disk_usage(self._disk).free >= _NEEDED_BYTES or not self._memory.parent.is_dir():
            return self._disk
        self._memory.mkdir(mode=0o700, exist_ok=True)
        return self._memory
