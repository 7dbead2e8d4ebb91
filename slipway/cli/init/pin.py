"""The line of a project's requirements.txt that pins Slipway: to the same place from which it was installed here.

A bare `slipway==VERSION` would be looked up on PyPI, where another project has this name.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from slipway.application import EXTRA
from slipway.errors import UnavailableError
from slipway.installation import application_folder, is_installed

WHEELS = "wheels"
"""The folder of a project with Slipway's wheel."""

_ORIGIN = "direct_url.json"


@dataclass(frozen=True, slots=True)
class Pin:
    """A requirement, and the wheel to keep in the project if that is what it names."""

    requirement: str
    wheel: Path | None = None


@contextmanager
def find_pin() -> Iterator[Pin]:
    """The pin of this very Slipway; if it comes from a checkout, of a wheel that is built of that.

    Raises:
        UnavailableError: the wheel cannot be built.
    """
    installed = distribution("slipway")
    origin = json.loads(installed.read_text(_ORIGIN) or "null")
    checkout = _folder_of(origin) if is_installed() else application_folder()
    if checkout is None:
        yield pin_of(origin, installed.version)
        return
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        yield _of_wheel(_built(checkout, Path(folder)))


def pin_of(origin: Mapping[str, Any] | None, version: str) -> Pin:
    """The pin of an installed version by its origin (PEP 610), which is None if an index gave it."""
    if origin is None:
        return Pin(f"slipway[{EXTRA}]=={version}")
    url = str(origin["url"])
    if (repository := origin.get("vcs_info")) is not None:
        return Pin(f"slipway[{EXTRA}] @ {repository['vcs']}+{url}@{repository['commit_id']}")
    file = _file_of(url)
    if file is not None and file.suffix == ".whl" and file.is_file():
        return _of_wheel(file)
    return Pin(f"slipway[{EXTRA}] @ {url}{_fragment(origin)}")


def _folder_of(origin: Mapping[str, Any] | None) -> Path | None:
    """The folder that Slipway was installed from, as `pip install .` does."""
    return None if origin is None or "dir_info" not in origin else _file_of(str(origin["url"]))


def _file_of(url: str) -> Path | None:
    return Path(url2pathname(urlsplit(url).path)) if urlsplit(url).scheme == "file" else None


def _fragment(origin: Mapping[str, Any]) -> str:
    """The digest of a downloaded archive."""
    digest = origin.get("archive_info", {}).get("hashes", {}).get("sha256")
    return f"#sha256={digest}" if digest else ""


def _of_wheel(wheel: Path) -> Pin:
    return Pin(f"./{WHEELS}/{wheel.name}[{EXTRA}]", wheel)


def _built(checkout: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError("a wheel of this checkout", done.stderr.strip() or done.stdout.strip())
    return next(folder.glob("*.whl"))
