"""The files of a project: some are Slipway's own, and all others are in `files`."""

import json
import shutil
import tempfile
from pathlib import Path
from string import Template
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slipway.cli.init.pin import WHEELS, Pin
from slipway.config.names import ProjectName
from slipway.errors import InputError
from slipway.installation import application_folder

# Their names here are others, so that no tool takes them for the checkout's own.
_WRITTEN = {
    "Makefile": "Makefile",
    "README.md": "README.md",
    "flight_delay.txt": "recipes/flight_delay.py",
    "gitignore": ".gitignore",
    "requirements.txt": "requirements.txt",
    "slipway.yaml": "slipway.yaml",
}
# What a project has as the checkout has it.
_COPIED = (
    ".github/workflows",
    ".npmrc",
    "app.py",
    "cdk.json",
    "examples/flights.csv",
    "examples/weather.csv",
    "models/flight-delay/1",
)
_PACKAGES = ("package.json", "package-lock.json")
_TEMPLATES = Path(__file__).parent / "files"
_NAMES = "it begins with a letter and has lower-case letters, digits and hyphens, at most 48 in all"
_MAY_BE_THERE = {".git"}


def checked_name(folder: Path, name: str | None) -> str:
    """The name of the project, by default that of its folder; raises InputError if it cannot be one."""
    given = folder.resolve().name if name is None else name
    try:
        return TypeAdapter(ProjectName).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        problem = _NAMES if first["type"] == "string_pattern_mismatch" else first["msg"].removeprefix("Value error, ")
        raise InputError.of("--name", f"{given!r} cannot be a project's name: {problem}") from error


def write_project(folder: Path, name: str, pin: Pin) -> None:
    """Write a project into a new or empty folder, which may be a git repository.

    Raises:
        InputError: the folder is a file, or has files.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError.of("DIR", f"{folder} is a file")
    if folder.is_dir() and {file.name for file in folder.iterdir()} - _MAY_BE_THERE:
        raise InputError.of("DIR", f"{folder} is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".slipway-init-") as temporary:
        draft = Path(temporary)
        _copy_own(draft)
        _write_packages(draft, name)
        _fill_templates(draft, name, pin)
        if pin.wheel is not None:
            (draft / WHEELS).mkdir()
            shutil.copyfile(pin.wheel, draft / WHEELS / pin.wheel.name)
        for each in list(draft.iterdir()):
            each.rename(folder / each.name)


def _copy_own(folder: Path) -> None:
    for path in _COPIED:
        source, target = application_folder() / path, folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, target)


def _write_packages(folder: Path, name: str) -> None:
    """The pinned CDK CLI and the scripts of the console and of exports, under the project's name."""
    for file in _PACKAGES:
        document: dict[str, Any] = json.loads((application_folder() / file).read_text(encoding="utf-8"))
        for package in (document, document.get("packages", {}).get("", {})):
            if package:
                package["name"] = name
                package.pop("license", None)
        (folder / file).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _fill_templates(folder: Path, name: str, pin: Pin) -> None:
    for source, path in _WRITTEN.items():
        text = (_TEMPLATES / source).read_text(encoding="utf-8")
        if path != "Makefile" and not path.endswith(".py"):
            text = Template(text).substitute(name=name, requirement=pin.requirement)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "recipes" / "__init__.py").touch()
