"""The bundle that the benchmarks serve: the repository's models, or a small one made on the spot if they are absent."""

import compileall
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.config import load_local, read_project
from slipway.models.package import load_package

REPOSITORY = Path(__file__).parents[1]
TEXT = "Finally Friday, and the sun is out!"


@dataclass(frozen=True)
class Bundle:
    """A folder with slipway.yaml and models/, and the text model to call."""

    root: Path
    model: str
    version: int

    def environment(self) -> dict[str, str]:
        """The environment of both the function and its floor."""
        return {
            "LAMBDA_TASK_ROOT": str(self.root),
            "PYTHONPATH": str(REPOSITORY),
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "FLOOR_GRAPHS": os.pathsep.join(self._graphs()),
        }

    def event(self) -> dict[str, Any]:
        """The event of an HTTP API for predicting one tweet."""
        path = f"/v1/models/{self.model}/predict"
        event: dict[str, Any] = json.loads((REPOSITORY / "tests/events/predict.json").read_text(encoding="utf-8"))
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        return {**event, "body": json.dumps({"inputs": [{"text": TEXT}]})}

    def _graphs(self) -> list[str]:
        config = load_local(self.root / "slipway.yaml")
        versions = [(self.model, self.version)]
        versions += [(n, v) for n, m in config.light_models.items() for v in m.versions if (n, v) != versions[0]]
        folders = [config.model_folder(self.root, name) / str(version) for name, version in versions]
        return [str(folder / load_package(folder).manifest.graph.file) for folder in folders]


def find_bundle(scratch: Path) -> Bundle:
    """The repository's models if all are there; else a small one made in ``scratch``."""
    config = load_local(REPOSITORY / "slipway.yaml")
    folders = [config.model_folder(REPOSITORY, n) / str(v) for n, m in config.light_models.items() for v in m.versions]
    if all(folder.is_dir() for folder in folders):
        return Bundle(REPOSITORY, "tweet-sentiment", config.models["tweet-sentiment"].stable)
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from support.packages import make_text_package

    make_text_package(scratch / "models/tiny-sentiment/1")
    (scratch / "slipway.yaml").write_text("models: {tiny-sentiment: {versions: [1], stable: 1}}", encoding="utf-8")
    return Bundle(scratch, "tiny-sentiment", 1)


def local_root(root: Path, scratch: Path) -> Path:
    """``root``, or a folder in ``scratch`` whose slipway.yaml has only what the embedded AWS would deploy of it."""
    project = read_project(root / "slipway.yaml")
    if project.local is None:
        return root
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for each in root.iterdir():
        if each.name != "slipway.yaml":
            (folder / each.name).symlink_to(each.resolve())
    (folder / "slipway.yaml").write_text(yaml.safe_dump(dict(project.document(project.local))), encoding="utf-8")
    return folder


def compile_all() -> None:
    """Compile the measured code, as in a deployed bundle; installed packages are already compiled."""
    for folder in ("slipway", "functions", "benchmarks"):
        compileall.compile_dir(REPOSITORY / folder, quiet=2)


def machine() -> str:
    """The machine that was measured on, and its load."""
    processor = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    return (
        f"{processor}, {os.cpu_count()} processors, {platform.platform()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.2f}"
    )


def in_words(values: Sequence[float], unit: str = "ms") -> str:
    """Format the median and the interquartile range."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:8.3f} {unit} (half of the rounds {low:.3f} to {high:.3f})"
