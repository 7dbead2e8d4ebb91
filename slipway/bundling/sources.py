"""The source files of Slipway that run in production: the one list for every function's bundle and for the image."""

from collections.abc import Iterable
from pathlib import Path

LEFT_OUT = (
    "container/bundle.py",
    "slipway/bundling",
    "slipway/cli",
    "slipway/models/advice",
    "slipway/models/compression",
    "slipway/models/importing",
    "slipway/releases/simulation",
)
"""What only a laptop or a build needs."""


def source_files(root: Path, tops: Iterable[str]) -> dict[str, Path]:
    """The Python files below the folders ``tops`` that a bundle gets, by their paths below ``root``, in order."""
    files = {file.relative_to(root).as_posix(): file for top in tops for file in (root / top).rglob("*.py")}
    return {path: files[path] for path in sorted(files) if not is_left_out(path)}


def is_left_out(path: str) -> bool:
    """Whether a file of Slipway, by its path in the repository, is in no bundle and no image."""
    return any(path == left_out or path.startswith(f"{left_out}/") for left_out in LEFT_OUT)
