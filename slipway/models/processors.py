"""The answers of a package on another processor, from a Python that runs there or is emulated here."""

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import InputError, PackageError
from slipway.models.manifest import Manifest, Record
from slipway.models.measurements.golden import answers
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

_MODULE = "slipway.models.processors"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another Python answers: ``processor`` as its ``platform.machine()`` says, and one answer per record."""

    processor: str
    answers: list[dict[str, Any]]


def answers_of(
    python: Path, package: Package, records: Sequence[Record], batch: int, *, task_modules: Sequence[str] = ()
) -> Elsewhere:
    """Have another Python, which can import slipway, numpy and onnxruntime, predict ``records`` in batches.

    Raises:
        InputError: ``python`` cannot be run.
        PackageError: it fails; the message ends with its last line of output.
    """
    document = {
        "folder": str(package.folder.resolve()),
        "manifest": package.manifest.model_dump(mode="json", exclude_unset=True),
        "records": [dict(record) for record in records],
        "batch": batch,
        "task_modules": list(task_modules),
    }
    command = [str(python), "-m", _MODULE]
    try:
        done = subprocess.run(command, input=json.dumps(document), capture_output=True, text=True, check=False)
    except OSError as error:
        raise InputError.of("--processor", f"{python} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise PackageError(package.folder, f"cannot be predicted by {python}: {last}")
    found = json.loads(done.stdout)
    return Elsewhere(found["processor"], found["answers"])


def _child() -> None:
    document = json.load(sys.stdin)
    package = Package(Path(document["folder"]), Manifest.model_validate_json(json.dumps(document["manifest"])))
    predictor = Predictor(package, task_modules=document["task_modules"])
    found = answers(predictor, document["records"], document["batch"])
    json.dump({"processor": platform.machine(), "answers": found}, sys.stdout)


if __name__ == "__main__":
    _child()
