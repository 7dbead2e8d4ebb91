"""The user's import request, and asking for what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipway.errors import FieldProblem, InputError
from slipway.models.importing.source import Question, Source
from slipway.models.importing.sources.hugging_face import HuggingFaceFolder
from slipway.models.importing.sources.onnx_file import OnnxFile
from slipway.models.importing.sources.sklearn_entry import SklearnEntry
from slipway.models.importing.sources.torch_entry import TorchEntry
from slipway.models.manifest import Training
from slipway.records.cells import finite_number

TOLERANCE = 1e-4

Ask = Callable[[Sequence[Question]], Mapping[str, str]]
"""Returns answers by option; raises InputError that names every option if nobody can be asked."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """One import. Exactly one of ``onnx``, ``sklearn``, ``torch`` and ``hugging_face`` is set.

    ``tolerance`` is the largest accepted difference from the original: of a probability, or of a value relative to the
    largest value. ``answers`` is ``probabilities`` or ``logits``, whichever a classifier's graph returns. ``models``
    is the folder of all models; ``output`` overrides the package's folder. ``rename`` has inputs' names by column.
    With ``multi_label``, each label has a probability of its own, and ``thresholds`` by label; ``targets`` names the
    values of a regression that returns several. ``golden`` are records that the package may hold word for word, by
    default those of ``records``. ``training`` is a file of the texts that the model was trained on.

    Where a recipe trains the model in this process, ``fitted`` is the estimator that ``sklearn`` names the function of,
    and ``trained`` is how it was made.
    """

    onnx: Path | None = None
    sklearn: str | None = None
    torch: str | None = None
    hugging_face: Path | None = None
    name: str | None = None
    version: int | None = None
    task: str | None = None
    records: Path | None = None
    golden: Path | None = None
    label_column: str | None = None
    training: Path | None = None
    labels: tuple[str, ...] | None = None
    multi_label: bool = False
    thresholds: Mapping[str, float] = field(default_factory=dict)
    targets: tuple[str, ...] | None = None
    answers: str | None = None
    inputs: Path | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    graph_output: str | None = None
    tokenizer: Path | None = None
    max_tokens: int | None = None
    tolerance: float = TOLERANCE
    description: str | None = None
    about: Path | None = None
    unit: str | None = None
    models: Path = Path("models")
    output: Path | None = None
    command: str = "slipway model import"
    fitted: object | None = None
    trained: Training | None = None

    @property
    def origin(self) -> str:
        """The model to import, as the user named it."""
        return str(self.onnx or self.sklearn or self.torch or self.hugging_face)


def open_source(request: ImportRequest) -> Source:
    """Open the model to import.

    Raises:
        InputError: not exactly one kind is given, or it cannot be used.
        PackageError: a file or folder is invalid.
        MissingExtraError: the framework is not installed.
    """
    given = [kind for kind in (request.onnx, request.sklearn, request.torch, request.hugging_face) if kind is not None]
    if len(given) != 1:
        options = "--onnx, --sklearn, --torch, --hugging-face"
        raise InputError.of("model", f"give exactly one of {options}")
    if request.onnx is not None:
        return OnnxFile(
            request.onnx, output=request.graph_output, tokenizer=request.tokenizer, max_tokens=request.max_tokens
        )
    if request.hugging_face is not None:
        return HuggingFaceFolder(request.hugging_face, max_tokens=request.max_tokens)
    if request.sklearn is not None:
        return SklearnEntry(request.sklearn, request.fitted)
    return TorchEntry(str(request.torch))


def read_thresholds(pairs: Sequence[str]) -> dict[str, float]:
    """``LABEL=NUMBER`` pairs as a mapping; raises InputError for one that is not such a pair."""
    found = {label: finite_number(text) for label, _, text in (pair.rpartition("=") for pair in pairs)}
    if wrong := [label for label, number in found.items() if not label or number is None]:
        raise InputError.of("--threshold", f"{wrong[0] or pairs[0]!r} must be LABEL=NUMBER, e.g. urgent=0.3")
    return {label: number for label, number in found.items() if number is not None}


def ask_for(request: ImportRequest, questions: Sequence[Question], ask: Ask) -> ImportRequest:
    """Ask the questions and return the request with the answers."""
    if not questions:
        return request
    answers = ask(questions)
    changes = {_ATTRIBUTES[option]: _READ.get(option, str)(answer) for option, answer in answers.items()}
    return replace(request, **changes)


def refuse_to_ask(questions: Sequence[Question]) -> Mapping[str, str]:
    """Raise InputError that names every missing option, for when nobody can be asked."""
    raise InputError([FieldProblem(question.option, f"is required: {question.text}") for question in questions])


def split_names(text: str) -> tuple[str, ...]:
    """``negative, neutral, positive`` as names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


_ATTRIBUTES = {
    "--name": "name",
    "--records": "records",
    "--task": "task",
    "--labels": "labels",
    "--targets": "targets",
    "--answers": "answers",
}
_READ: dict[str, Callable[[str], Any]] = {"--records": Path, "--labels": split_names, "--targets": split_names}
