"""Synthesize the CDK app, unless none of its inputs has changed."""

import hashlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.environment.processes import finish, start, stop
from slipway.config import load_local, read_project
from slipway.installation import PACKAGE, is_installed

ASSEMBLY = "cdk.out"
TARGET = "slipway:target=host"
_FINGERPRINT = "cdk.out.fingerprint"
# What a synthesis does not read. All else counts, so that a file in an unexpected place is not overlooked.
_IGNORED = {"node_modules", "build", "cdk.out", "dist", "tests", "docs", "benchmarks", "__pycache__"}


@contextmanager
def synthesizing(
    config: Path, folder: Path, *, root: Path, environment: Mapping[str, str], log: Path
) -> Iterator[Callable[[], None] | None]:
    """Start synthesizing to ``folder`` for the host; yields a function that waits for it, or None if it is up to date.

    It runs in another process, because it takes longest and does not need the emulator. ``config`` is the slipway.yaml
    to deploy, ``root`` the folder of app.py.
    """
    fingerprint = fingerprint_of(root, config)
    kept, assembly = folder / _FINGERPRINT, folder / ASSEMBLY
    if assembly.is_dir() and kept.exists() and kept.read_text(encoding="ascii") == fingerprint:
        yield None
        return
    kept.unlink(missing_ok=True)
    context = ["--context", TARGET, "--context", f"slipway:config={config}"]
    if name := read_project(config).local:
        context += ["--context", f"slipway:environment={name}"]
    app = f"{shlex.quote(sys.executable)} app.py"
    command = [*cdk(root), "synth", "--quiet", "--app", app, *context, "--output", str(assembly)]
    child = start("cdk synth", command, folder=root, environment=environment, log=log)

    def wait() -> None:
        finish(child)
        kept.write_text(fingerprint, encoding="ascii")

    try:
        yield wait
    finally:
        stop([child])


def cdk(root: Path) -> list[str]:
    """The command of the pinned CDK CLI, without its network requests."""
    return [str(root / "node_modules" / ".bin" / "cdk"), "--no-notices", "--no-color"]


def fingerprint_of(root: Path, config: Path) -> str:
    """A digest of every file that the CDK app may read: ``root``, Slipway, slipway.yaml, and models in any folder."""
    digest = hashlib.sha256()
    for path in _inputs(root, config):
        digest.update(f"{os.path.relpath(path, root)}\0{path.stat().st_size}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _inputs(root: Path, config: Path) -> Iterator[Path]:
    loaded = load_local(config)
    yield from _files(root)
    if is_installed():
        yield from _files(PACKAGE)
    yield config
    for name in loaded.models:
        yield from _files(loaded.model_folder(config.parent, name))


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name not in _IGNORED and not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))
