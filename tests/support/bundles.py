"""Imports every module of a bundle, without the repository that it was made from."""

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import importlib, sys
folder, *names = sys.argv[1:]
sys.path.insert(0, folder)
for name in names:
    module = importlib.import_module(name)
    assert module.__file__.startswith(folder), module.__file__
"""


def modules_below(folder: Path, package: str) -> list[str]:
    """The modules of a package in ``folder``, by their dotted names."""
    files = sorted((folder / package).rglob("*.py"))
    return [".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__") for file in files]


def import_all(folder: Path, names: list[str]) -> None:
    """Import modules from ``folder``, beside this environment's packages but without its editable install."""
    packages = os.pathsep.join(path for path in sys.path if Path(path).name == "site-packages")
    command = [sys.executable, "-P", "-S", "-c", _PROGRAM, str(folder), *names]
    environment = {"PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
