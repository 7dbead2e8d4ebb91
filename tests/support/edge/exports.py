"""Exports of packages for the web, answered in Node."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from slipway.edge.web import export_web
from slipway.models.measurements.golden import Golden, distances
from slipway.models.package import Package

ROOT = Path(__file__).parents[3]
NODE_MODULES = ROOT / "node_modules"
SHIPPED = sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("models/*/*/model.yaml"))

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "onnxruntime-web").is_dir(),
    reason="needs Node and the packages that `npm ci` installs",
)


def export(package: Package, folder: Path) -> Path:
    """The folder of a package's export."""
    return export_web(package, folder, node_modules=NODE_MODULES).folder


def answers_in_node(folder: Path, batches: Sequence[object]) -> list[dict[str, Any]]:
    """For each batch, `answers`, or `error`, `message` and `problems`."""
    found: list[dict[str, Any]] = _in_node("predict.mjs", folder, batches)
    return found


def entered_in_node(folder: Path, texts: Sequence[str]) -> list[dict[str, Any]]:
    """The same for each text, entered into the form as the package's first input."""
    found: list[dict[str, Any]] = _in_node("entered.mjs", folder, texts)
    return found


def token_ids_in_node(folder: Path, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text alone."""
    found: list[list[int]] = _in_node("tokens.mjs", folder, texts)
    return found


def _in_node(script: str, folder: Path, given: object) -> Any:
    file = folder.with_suffix(".given.json")
    file.write_text(json.dumps(given), encoding="utf-8")
    command = ["node", str(Path(__file__).with_name(script)), str(folder), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_equal(golden: Golden, expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> None:
    """Labels are equal, and numbers within the golden tolerance."""
    assert len(found) == len(expected)
    for name in ("label", "labels"):
        assert [each.get(name) for each in found] == [each.get(name) for each in expected]
    assert max(distances(expected, found)) <= golden.tolerance
