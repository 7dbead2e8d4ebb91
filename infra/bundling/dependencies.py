"""Install the packages of a function's lock file for the platform that runs it, without Docker."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from enum import StrEnum
from functools import cache
from pathlib import Path

from slipway.bundling import stripping
from slipway.bundling.stripping import strip_packages
from slipway.errors import SlipwayError

PYTHON_VERSION = "3.13"

AWS_SERVICES = {
    "controller": ("cloudwatch", "dynamodb", "ecs", "elbv2", "logs", "s3", "sns", "ssm"),
    "feedback": ("dynamodb", "ssm"),
    "monitor": ("dynamodb", "events", "s3"),
    "predict": ("dynamodb", "s3", "ssm"),
    "training": ("dynamodb", "s3", "sns", "stepfunctions"),
}
"""The botocore services to keep in a function's bundle, of some 400: those that the function calls."""

WITH_PAGE = "predict"
"""The function that serves the page of the API."""

_USUAL_SERVICES = ("dynamodb", "s3")

RECIPE = (Path(__file__), Path(stripping.__file__))
"""The files whose code determines the result, besides the lock file."""


class BundleError(SlipwayError):
    """The packages of a function cannot be installed or compiled."""


class Platform(StrEnum):
    """The platform to install packages for, by uv's name for it."""

    ARM64 = "aarch64-manylinux_2_28"
    NATIVE = "this machine"


def install_dependencies(lock: Path, platform: Platform, folder: Path, *, store: Path) -> None:
    """Create ``folder`` with the installed, stripped and compiled packages of ``lock``, as hard links if possible.

    The packages are installed once per lock file into ``store``.

    Raises:
        BundleError: uv finds no Python 3.13, or no wheel of a package for the platform.
    """
    services = AWS_SERVICES.get(lock.parent.name, _USUAL_SERVICES)
    with_page = lock.parent.name == WITH_PAGE
    parts = (
        lock.read_bytes(),
        *(file.read_bytes() for file in RECIPE),
        platform.encode(),
        repr((services, with_page)).encode(),
    )
    recipe = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    installed = store / recipe
    if not installed.is_dir():
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store, prefix=".new-") as temporary:
            draft = Path(temporary) / "packages"
            _install(lock, platform, draft)
            strip_packages(draft, aws_services=services, with_page=with_page)
            compile_bytecode(draft)
            _rename_unless_there(draft, installed)
    shutil.copytree(installed, folder, copy_function=_link_or_copy)


def compile_bytecode(folder: Path) -> None:
    """Compile every module with the target's Python; unchecked, because the sources in Lambda never change."""
    # Tracebacks show the path in the function.
    options = ["--invalidation-mode", "unchecked-hash", "-q", "-s", str(folder), "-p", "/var/task"]
    _run([find_python(), "-I", "-m", "compileall", *options, str(folder)], f"{folder} cannot be compiled")


@cache
def find_python() -> str:
    """The path of a Python 3.13 that uv finds or downloads."""
    command = ["python", "find", PYTHON_VERSION]
    explanation = f"bundles need Python {PYTHON_VERSION} to compile for Lambda, but uv finds none"
    try:
        return _uv(command, explanation)
    except BundleError:
        _uv(["python", "install", PYTHON_VERSION], f"{explanation} and cannot download one; install it, then try again")
    return _uv(command, explanation)


def _install(lock: Path, platform: Platform, folder: Path) -> None:
    options = [
        "--target",
        str(folder),
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--link-mode",
        "copy",
    ]
    if platform is Platform.NATIVE:
        options += ["--python", find_python()]
    else:
        options += ["--python-platform", platform, "--python-version", PYTHON_VERSION]
    what = f"the packages of {lock.parent.name}/{lock.name} cannot be installed for {platform}"
    _uv(["pip", "install", "--quiet", *options, "--requirements", str(lock)], what)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _rename_unless_there(draft: Path, installed: Path) -> None:
    try:
        draft.rename(installed)
    except OSError:
        if not installed.is_dir():  # another synth was faster, with the same result
            raise


def _uv(arguments: list[str], explanation: str) -> str:
    # pyenv's shims do not start a version that is not selected, so uv would not find it.
    environment = {**os.environ, "PYENV_VERSION": PYTHON_VERSION}
    return _run([sys.executable, "-m", "uv", "--no-progress", *arguments], explanation, environment)


def _run(command: list[str], explanation: str, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    except subprocess.CalledProcessError as error:
        raise BundleError(f"{explanation}:\n{error.stderr.strip() or error.stdout.strip()}") from error
    return done.stdout.strip()
