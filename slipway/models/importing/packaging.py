"""Write an imported package to disk: its folder, its draft, its manifest."""

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
from slipway.models.importing.missing import Probe
from slipway.models.importing.request import ImportRequest
from slipway.models.importing.samples import Samples
from slipway.models.manifest import Manifest, Record
from slipway.models.package import BASELINE
from slipway.models.prediction.labels import Truth

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"
CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Checked:
    """The original's answers, and everything decided from them."""

    request: ImportRequest
    kind: str
    frameworks: Sequence[str]
    samples: Samples
    decision: Decision
    inputs: InputDocuments
    records: Sequence[Record]
    check: Sequence[Record]
    reference: Numbers
    probes: Sequence[Probe]
    truth: Sequence[Truth] | None


def place(request: ImportRequest) -> tuple[Path, int]:
    """The package's folder and its version."""
    folder = request.output or request.models / str(request.name)
    if request.output is None:
        taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
        number = request.version or max(taken, default=0) + 1
        folder = folder / str(number)
    else:
        number = request.version or (int(folder.name) if folder.name.isdecimal() else 1)
    if folder.exists():
        raise InputError.of(
            "--output" if request.output else "--version", f"{folder} already exists; versions never change"
        )
    return folder, number


@contextmanager
def draft_beside(folder: Path) -> Iterator[Path]:
    """A draft beside ``folder`` to rename into place; otherwise it and the parents created for it are removed."""
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
    """Rename the draft into place; raises ConflictError if another package appeared there in the meantime."""
    try:
        draft.rename(folder)
    except OSError as error:
        raise ConflictError(
            f"{folder} was created in the meantime; versions never change ({error.strerror})"
        ) from error


def read_about(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError.of("--about", f"{path}: {error}") from error


def manifest_document(checked: Checked, inputs: Sequence[str], output: str, number: int) -> dict[str, Any]:
    request, decision = checked.request, checked.decision
    document: dict[str, Any] = {
        "format": 1,
        "name": request.name,
        "version": number,
        "task": decision.task,
        "description": request.description or f"{checked.kind}, imported from {request.origin}.",
        "inputs": checked.inputs,
        "outputs": decision.outputs.model_dump(mode="json", exclude_unset=True),
        "graph": {"file": GRAPH, "inputs": list(inputs), "outputs": [output]},
        "training": _training(checked),
        "quality": [{"metric": "largest_difference", "value": 0.0, "data": checked.samples.name}],
    }
    return document | ({"tokenizer": TOKENIZER} if decision.task == "text-classification" else {})


def _training(checked: Checked) -> dict[str, Any]:
    """How the model was made, as far as it is known, and how it was imported."""
    trained, imported = checked.request.trained, _provenance(checked)
    if trained is None:
        return {"command": checked.request.command, "parameters": imported}
    document = trained.model_dump(mode="json", exclude_none=True)
    return {**document, "parameters": {**trained.parameters, **imported}}


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
    """The manifest with placeholders for the files' sizes and digests.

    Raises:
        InputError: a name, a label or the user's statement on an input is invalid in a manifest.
    """
    names = [GRAPH, BASELINE, CARD, *([TOKENIZER] if "tokenizer" in document else [])]
    files = [{"path": name, "bytes": 0, "sha256": "0" * 64} for name in names]
    try:
        return Manifest.model_validate({**document, "files": files})
    except ValidationError as error:
        raise InputError(field_problems(error)) from error
