"""Python environments of their own, for what must work where only some packages are installed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What would let an environment see the packages of the tests, or act for another one.
_INHERITED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
_SECONDS = 600


def create_environment(folder: Path) -> Path:
    """Make an empty environment of this Python in ``folder``, and return its Python."""
    uv("venv", "--quiet", "--python", sys.executable, str(folder))
    return folder / "bin" / "python"


def uv(*arguments: str) -> None:
    """Run the tests' uv in the checkout."""
    run([sys.executable, "-m", "uv", *arguments])


def run(
    command: list[str], *, folder: Path = ROOT, exit_code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in ``folder`` with none of this environment's packages in sight."""
    environment = {name: value for name, value in os.environ.items() if name not in _INHERITED} | variables
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert done.returncode == exit_code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done
