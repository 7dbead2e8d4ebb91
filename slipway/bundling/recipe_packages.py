"""Installs the packages of a recipe's own, beside those that the image of training has already.

Imports only the standard library, because the image's build runs ``python recipe_packages.py REQUIREMENTS LOCK FOLDER``
before it copies the rest of Slipway.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[^\]]*\])?==[^\s\\]+( *;[^\\]*)?", re.MULTILINE)
_OPTION = r"(-[rcef]|--(requirement|constraint|editable|find-links))[ =]+(?!\S*://)"
_OF_OTHER_FILES = re.compile(rf"^\s*({_OPTION}|\.{{0,2}}/|[^#\n]*\bfile:).*$", re.MULTILINE)


def constraints_of(lock: str) -> str:
    """The versions that a lock file pins, without their hashes, which would ask for hashes of everything else."""
    return "".join(f"{found[0].rstrip()}\n" for found in _PINNED.finditer(lock))


def other_file(requirements: str) -> str | None:
    """The first line that names another file, which the build does not have; None if there is none."""
    found = _OF_OTHER_FILES.search(requirements)
    return found[0].strip() if found else None


def pip_arguments(requirements: Path, constraints: Path, folder: Path) -> list[str]:
    """The arguments of pip that install ``requirements`` into ``folder``, in versions that ``constraints`` allow.

    If they name a hash, pip takes nothing that lacks one.
    """
    arguments = ["install", "--progress-bar", "off", "--no-cache-dir", "--disable-pip-version-check"]
    arguments += ["--root-user-action", "ignore"]
    places = ["--target", str(folder), "--constraint", str(constraints), "--requirement", str(requirements)]
    return [*arguments, "--no-compile", *places]


def main(arguments: Sequence[str]) -> int:
    """Install the requirements in the file ``arguments[0]``, and return pip's exit code."""
    requirements, lock, folder = map(Path, arguments)
    constraints = folder.with_name(f"{folder.name}-constraints.txt")
    constraints.write_text(constraints_of(lock.read_text(encoding="utf-8")), encoding="utf-8")
    command = [sys.executable, "-m", "pip", *pip_arguments(requirements, constraints, folder)]
    code = subprocess.run(command, check=False).returncode
    constraints.unlink()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
