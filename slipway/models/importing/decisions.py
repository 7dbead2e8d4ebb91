"""Decide the task, the labels and the missing last step of a graph, in pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import CheckFailedError, InputError
from slipway.models.importing.request import ImportRequest
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Question, Traits
from slipway.models.labels import find_label
from slipway.records.cells import almost_number, finite_number
from slipway.records.rows import shown

REGRESSION = "tabular-regression"
CLASSIFICATION = "tabular-classification"
_SUM_TOLERANCE = 1e-3
_SHOWN = 5

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """A task, its labels (None for a regression), and the ``activation`` that `finish` appends."""

    task: str
    labels: tuple[str, ...] | None
    activation: str


def first_questions(request: ImportRequest, traits: Traits, samples: Samples | None, suggestion: str) -> list[Question]:
    """The questions to ask before the original is run, as far as its traits tell."""
    asked = []
    if request.name is None:
        asked.append(Question("--name", "the model's name: lower case, digits and hyphens", suggestion))
    if samples is None:
        text = "a file of sample records (CSV, TSV, JSONL, Parquet) to measure on; true labels in a column `label`"
        asked.append(Question("--records", text))
    if traits.width is not None:
        asked += output_questions(request, traits, traits.width, samples)
    return asked


def output_questions(request: ImportRequest, traits: Traits, width: int, samples: Samples | None) -> list[Question]:
    """The questions to ask about the outputs, of which there are ``width`` per record."""
    task = task_of(request, traits, width, samples)
    if task is None:
        return [Question("--task", f"{REGRESSION} or {CLASSIFICATION}: the model returns one number", REGRESSION)]
    if task == REGRESSION or request.labels or traits.classes:
        return []
    count = max(width, 2)
    names = ",".join(f"label_{number}" for number in range(count))
    return [Question("--labels", f"the {count} labels in the order of the model's outputs, separated by commas", names)]


def task_of(request: ImportRequest, traits: Traits, width: int, samples: Samples | None) -> str | None:
    """The task, or None if a single number could be a value or a probability."""
    if request.task or traits.task:
        return request.task or traits.task
    if width > 1 or request.labels:
        return CLASSIFICATION
    truth = samples.labels if samples is not None else None
    if truth and not all(_is_number(label) for label in truth):
        return CLASSIFICATION
    return None


def _is_number(label: str | float) -> bool:
    """Whether a label is a number, or meant as one."""
    return finite_number(label) is not None or almost_number(str(label)) is not None


def answer_questions(decided: str, request: ImportRequest, traits: Traits, raw: Numbers) -> list[Question]:
    """Ask whether a single number in [0, 1] is a probability or a logit, which its values cannot show."""
    if decided == REGRESSION or request.answers or traits.answers or raw.shape[1] > 1 or not _within_one(raw):
        return []
    return [Question("--answers", "probabilities or logits: the model returns one number, here from 0 to 1", "logits")]


def decide(request: ImportRequest, traits: Traits, samples: Samples, raw: Numbers) -> Decision:
    """Decide task, labels and activation.

    Raises:
        InputError: the labels do not fit the outputs, or the task cannot be imported.
        CheckFailedError: the original returned a value that is not a finite number.
    """
    if not np.isfinite(raw).all():
        raise CheckFailedError("the original returns values that are not finite numbers on the sample records")
    width = raw.shape[1]
    task = task_of(request, traits, width, samples)
    if task == REGRESSION:
        if width != 1:
            raise InputError.of("--task", f"a {REGRESSION} returns one value per record, but the model returns {width}")
        return Decision(REGRESSION, None, "none")
    if task not in (CLASSIFICATION, "text-classification"):
        raise InputError.of("--task", f"{task!r} cannot be imported; use {CLASSIFICATION} or {REGRESSION}")
    labels = request.labels or traits.classes or ()
    if len(labels) != max(width, 2) or len(set(labels)) != len(labels):
        raise InputError.of(
            "--labels", f"{max(width, 2)} different labels are needed, got {', '.join(labels) or 'none'}"
        )
    return Decision(task, labels, _activation(request.answers or traits.answers, raw))


def _activation(stated: str | None, raw: Numbers) -> str:
    if stated not in (None, "probabilities", "logits"):
        raise InputError.of("--answers", f"{stated!r} is neither probabilities nor logits")
    are_probabilities = stated == "probabilities" or (stated is None and _are_probabilities(raw))
    if raw.shape[1] == 1:
        return "pair" if are_probabilities else "sigmoid"
    return "none" if are_probabilities else "softmax"


def _are_probabilities(raw: Numbers) -> bool:
    sums = raw.sum(axis=1) if raw.shape[1] > 1 else np.ones(len(raw))
    return _within_one(raw) and bool(np.all(np.abs(sums - 1) < _SUM_TOLERANCE))


def _within_one(raw: Numbers) -> bool:
    return bool(np.all(raw >= 0) and np.all(raw <= 1 + _SUM_TOLERANCE))


def activate(raw: Numbers, activation: str) -> Numbers:
    """The expected outputs of the finished graph, computed from the original's raw outputs."""
    if activation == "softmax":
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if activation == "none":
        return raw
    second = raw if activation == "pair" else 1 / (1 + np.exp(-raw))
    return np.hstack([1 - second, second])


def true_labels(decision: Decision, traits: Traits, samples: Samples) -> list[str | float] | None:
    """The samples' labels under the package's names, since ``labels`` may have renamed the original's."""
    found = samples.labels
    if found is None:
        return None
    if decision.labels is None:
        return [_true_value(samples, at, label) for at, label in enumerate(found)]
    renamed: dict[str, str] = dict(zip(traits.classes or (), decision.labels, strict=False))
    by_number = decision.task == "text-classification"
    named = [_named(label, decision.labels, renamed, by_number=by_number) for label in found]
    unknown = sorted(set(named) - set(decision.labels))
    if unknown:
        shown, known = ", ".join(unknown[:_SHOWN]), ", ".join(decision.labels)
        raise InputError.of("--label-column", f"{samples.label_column} has {shown}, but the model's labels are {known}")
    return list(named)


def _true_value(samples: Samples, at: int, label: str | float) -> float:
    number = finite_number(label)
    if number is None:
        hint = almost_number(str(label)) or "write a number"
        place = f"{samples.place(at)}, {samples.label_column}"
        raise InputError.of(place, f"a regression needs a finite number, not {shown(label)}; {hint}")
    return number


def _named(label: str | float, labels: Sequence[str], renamed: Mapping[str, str], *, by_number: bool) -> str:
    """The package's name of a label, which the samples have under that name or under the original's."""
    own = find_label(label, labels, by_number=by_number)
    if own is not None:
        return own
    original = find_label(label, tuple(renamed), by_number=by_number)
    return str(label) if original is None else renamed[original]


def largest_difference(decision: Decision, reference: Numbers, outputs: Sequence[dict[str, Any]]) -> float:
    """The largest difference between original and package, of probabilities, or of values relative to the largest."""
    if decision.labels is None:
        answers = np.array([[output["value"]] for output in outputs])
        scale = float(np.abs(reference).max()) or 1.0
        return float(np.abs(answers - reference).max()) / scale
    answers = np.array([[output["scores"][label] for label in decision.labels] for output in outputs])
    return float(np.abs(answers - reference).max())
