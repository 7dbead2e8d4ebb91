"""An imported package on its way to disk: where it goes, its draft, its manifest."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.config.validation import field_problems
from slipway.errors import ConflictError, InputError
from slipway.models.importing.decisions import Decision, Numbers
from slipway.models.importing.fields import InputDocuments
from slipway.models.importing.request import ImportRequest
from slipway.models.importing.samples import Samples
from slipway.models.manifest import Manifest, Record
from slipway.models.package import BASELINE

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"
CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Checked:
    """What the original answered, and everything that was settled with that."""

    request: ImportRequest
    kind: str
    frameworks: Sequence[str]
    samples: Samples
    decision: Decision
    inputs: InputDocuments
    records: Sequence[Record]
    check: Sequence[Record]
    reference: Numbers
    truth: Sequence[str | float] | None


def place(request: ImportRequest) -> tuple[Path, int]:
    """Where the package goes, and its version."""
    folder = request.output or request.models / str(request.name)
    if request.output is None:
        taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
        number = request.version or max(taken, default=0) + 1
        folder = folder / str(number)
    else:
        number = request.version or (int(folder.name) if folder.name.isdecimal() else 1)
    if folder.exists():
        raise InputError.of("--output" if request.output else "--version", f"{folder} is there; versions never change")
    return folder, number


@contextmanager
def draft_beside(folder: Path) -> Iterator[Path]:
    """A folder on the same file system that becomes the package whole, or is removed with the folders made for it."""
    made = [parent for parent in (folder.parent, *folder.parent.parents) if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    draft.chmod(0o755)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def put_in_place(draft: Path, folder: Path) -> None:
    """The draft becomes the package at once; raises ConflictError where another one has got there meanwhile."""
    try:
        draft.rename(folder)
    except OSError as error:
        raise ConflictError(f"{folder} is there by now; versions never change ({error.strerror})") from error


def read_about(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError.of("--about", f"{path}: {error}") from error


def manifest_document(checked: Checked, inputs: Sequence[str], output: str, number: int) -> dict[str, Any]:
    request, decision = checked.request, checked.decision
    outputs: dict[str, Any] = {"labels": list(decision.labels)} if decision.labels else {}
    if request.unit:
        outputs["unit"] = request.unit
    document: dict[str, Any] = {
        "format": 1,
        "name": request.name,
        "version": number,
        "task": decision.task,
        "description": request.description or f"{checked.kind}, imported from {request.origin}.",
        "inputs": checked.inputs,
        "outputs": outputs,
        "graph": {"file": GRAPH, "inputs": list(inputs), "outputs": [output]},
        "training": {"command": request.command, "parameters": _provenance(checked)},
        "quality": [{"metric": "largest_difference", "value": 0.0, "data": checked.samples.name}],
    }
    return document | ({"tokenizer": TOKENIZER} if decision.task == "text-classification" else {})


def _provenance(checked: Checked) -> dict[str, Any]:
    samples = checked.samples
    records: dict[str, Any] = {"name": samples.name, "rows": len(samples.rows)}
    if samples.sha256:
        records["sha256"] = samples.sha256
    frameworks = {name: number for name in checked.frameworks if (number := _installed(name))}
    return {
        "imported_from": checked.request.origin,
        "kind": checked.kind,
        "checked_on": records,
        "tolerance": checked.request.tolerance,
        "frameworks": frameworks,
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def draft_manifest(document: Mapping[str, Any]) -> Manifest:
    """The manifest before its files are known.

    Raises:
        InputError: a name, a label or something that the user said of an input is not what a manifest may have.
    """
    names = [GRAPH, BASELINE, CARD, *([TOKENIZER] if "tokenizer" in document else [])]
    files = [{"path": name, "bytes": 0, "sha256": "0" * 64} for name in names]
    try:
        return Manifest.model_validate({**document, "files": files})
    except ValidationError as error:
        raise InputError(field_problems(error)) from error
