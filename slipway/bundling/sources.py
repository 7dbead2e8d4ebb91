"""Lists the source files that run in production, for every function's bundle and for the image."""

from collections.abc import Iterable
from pathlib import Path

LEFT_OUT = (
    "container/bundle.py",
    "slipway/bundling",
    "slipway/cli",
    "slipway/cost",
    "slipway/models/advice",
    "slipway/models/compression",
    "slipway/models/measurements/golden_choice.py",
    "slipway/models/importing",
    "slipway/models/measurements/renewal.py",
    "slipway/preflight",
    "slipway/releases/simulation",
)
"""The files and folders that only a laptop or a build needs."""


def source_files(root: Path, tops: Iterable[str]) -> dict[str, Path]:
    """Return the bundle's Python files from the folders ``tops``, sorted by their paths relative to ``root``."""
    files = {file.relative_to(root).as_posix(): file for top in tops for file in (root / top).rglob("*.py")}
    return {path: files[path] for path in sorted(files) if not is_left_out(path)}


def is_left_out(path: str) -> bool:
    """Whether bundles and images leave out the file at this path in the repository."""
    return any(path == left_out or path.startswith(f"{left_out}/") for left_out in LEFT_OUT)
