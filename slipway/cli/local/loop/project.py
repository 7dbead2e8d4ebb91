"""The project of the loop: flight-delay alone with its recipe, in a folder of its own."""

import shutil
from pathlib import Path

from slipway.errors import NotFoundError

MODEL = "flight-delay"
FIRST = 1
"""The version that serves first, and that is never retrained in the comparison."""

RECORDING = Path("examples/flights")
PACKAGE = Path("models") / MODEL / str(FIRST)
CONFIG = "slipway.yaml"
_TEMPLATE = RECORDING / "loop.yaml"
_RECIPES = Path("recipes")


def make_project(root: Path, folder: Path) -> None:
    """Write the project into a folder; raises NotFoundError if ``root`` is no checkout."""
    for needed in (_TEMPLATE, PACKAGE, _RECIPES):
        if not (root / needed).exists():
            raise NotFoundError("file", str(root / needed), way_out="run this in a checkout of Slipway")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / _TEMPLATE, folder / CONFIG)
    for part in (PACKAGE, _RECIPES):
        shutil.copytree(root / part, folder / part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
