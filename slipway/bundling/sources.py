"""Lists the source files that run in production, for every function's bundle and for the image."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

LEFT_OUT = (
    "container/bundle.py",
    "slipway/_app",
    "slipway/application.py",
    "slipway/batch/local.py",
    "slipway/bundling",
    "slipway/cli",
    "slipway/console",
    "slipway/cost",
    "slipway/edge",
    "slipway/installation.py",
    "slipway/scale",
    "slipway/models/advice",
    "slipway/monitoring/erasure",
    "slipway/preflight",
    "slipway/releases/simulation",
)
"""The files and folders that only a laptop or a build needs."""

FOR_RECIPES = (
    "container/train.py",
    "slipway/models/compression",
    "slipway/models/importing",
    "slipway/models/measurements/golden_choice.py",
    "slipway/models/measurements/renewal.py",
    "slipway/training",
)
"""The files and folders that make packages, which only a laptop and training need."""
PICTURES = (
    "slipway/console/__init__.py",
    "slipway/console/charts.py",
    "slipway/console/pictures/",
    "slipway/console/widget/",
)
"""The parts of the console that the function `widget` draws with. Only the bundle of what imports them has them."""

_OURS = ("container", "functions", "slipway")


def source_files(root: Path, tops: Iterable[str], *, trains: bool = False) -> dict[str, Path]:
    """Return the bundle's Python files from the folders ``tops``, sorted by their paths relative to ``root``.

    With ``trains``, those that recipes need are among them.
    """
    files = {file.relative_to(root).as_posix(): file for top in tops for file in (root / top).rglob("*.py")}
    return {path: files[path] for path in sorted(files) if not is_left_out(path, trains=trains)}


def imported_files(
    root: Path, top: str, *, package: Path | None = None, trains: bool = False, also: str | None = None
) -> dict[str, Path]:
    """Return the files of the folder ``top`` and all that they import, anywhere in their code, as `source_files` does.

    A bundle of them has no module that its function cannot reach: most know nothing of monitoring or of releases. Files
    of the folder ``also`` are not left out. ``package`` is the folder of slipway/ if that is not in ``root``.
    """
    roots = dict.fromkeys(_OURS, root) | {"slipway": package or root}
    kept = PICTURES if also is None else (*PICTURES, f"{also}/")
    waiting, found = [file.relative_to(root).as_posix() for file in (root / top).rglob("*.py")], dict[str, Path]()
    while waiting:
        path = waiting.pop()
        if path not in found and (path.startswith(kept) or not is_left_out(path, trains=trains)):
            found[path] = roots[path.partition("/")[0]] / path
            waiting += [name for module in _imports(found[path]) for name in _files_of(roots, module)]
    return dict(sorted(found.items()))


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """The modules that a file may import, and what it may import from them, which may be modules, too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _files_of(roots: Mapping[str, Path], module: str) -> Iterator[str]:
    """The files that an import of a module runs: its own, and those of the packages around it; none of others'.

    An installed Slipway has others' packages beside it.
    """
    parts = module.split(".")
    root = roots.get(parts[0])
    if root is None:
        return
    for depth in range(1, len(parts) + 1):
        place = "/".join(parts[:depth])
        for path in (f"{place}/__init__.py", f"{place}.py"):
            if (root / path).is_file():
                yield path


def is_left_out(path: str, *, trains: bool = False) -> bool:
    """Whether bundles and images leave out the file at this path in the repository, or those that do not train."""
    names = LEFT_OUT if trains else (*LEFT_OUT, *FOR_RECIPES)
    return any(path == left_out or path.startswith(f"{left_out}/") for left_out in names)
