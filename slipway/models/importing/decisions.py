"""Decide the task, the labels and the missing last step of a graph, in pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from slipway.config.validation import field_problems
from slipway.errors import CheckFailedError, InputError
from slipway.models.importing.request import ImportRequest, split_names
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Question, Traits
from slipway.models.manifest import Form, Outputs
from slipway.records.cells import almost_number, finite_number

REGRESSION = "tabular-regression"
CLASSIFICATION = "tabular-classification"
_SUM_TOLERANCE = 1e-3

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """A task, its outputs, and the ``activation`` that `finish` appends."""

    task: str
    outputs: Outputs
    activation: str

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels of a classifier; None for a regression."""
        return self.outputs.labels


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
    if task == REGRESSION:
        return [] if width == 1 or request.targets else [_targets_question(width)]
    if request.labels or traits.classes:
        return []
    count = max(width, 2)
    names = ",".join(f"label_{number}" for number in range(count))
    what = f"{count} labels, of which any number may apply," if is_multi_label(request, traits) else f"{count} labels"
    return [Question("--labels", f"the {what} in the order of the model's outputs, separated by commas", names)]


def _targets_question(width: int) -> Question:
    names = ",".join(f"target_{number}" for number in range(width))
    return Question("--targets", f"the names of the model's {width} values in their order, separated by commas", names)


def is_multi_label(request: ImportRequest, traits: Traits) -> bool:
    """Whether each label has a probability of its own; raises InputError if the model gives one label."""
    if request.multi_label and traits.multi_label is False:
        raise InputError.of("--multi-label", "the model gives a record one label; its probabilities add up to 1")
    return request.multi_label or bool(traits.multi_label)


def answer_names(request: ImportRequest, traits: Traits) -> tuple[str, ...]:
    """The labels or targets of a model with several answers, after which columns of the samples may be named."""
    if request.targets:
        return request.targets
    return (request.labels or traits.classes or ()) if is_multi_label(request, traits) else ()


def with_names_of(request: ImportRequest, traits: Traits, samples: Samples | None) -> ImportRequest:
    """The request with labels or targets named as the samples' columns of true answers, unless it names them."""
    columns = samples.answer_columns if samples is not None else ()
    if not columns:
        return request
    if is_multi_label(request, traits):
        return request if request.labels or traits.classes else replace(request, labels=columns)
    if task_of(request, traits, len(columns), samples) == REGRESSION:
        return request if request.targets else replace(request, targets=columns)
    message = "names several columns, which are for --multi-label or for a regression with several targets"
    raise InputError.of("--label-column", message)


def task_of(request: ImportRequest, traits: Traits, width: int, samples: Samples | None) -> str | None:
    """The task, or None if a single number could be a value or a probability."""
    if request.task or traits.task:
        return request.task or traits.task
    if request.targets:
        return REGRESSION
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
    """Ask whether numbers in [0, 1] are probabilities or logits, where their sum cannot show it."""
    if decided == REGRESSION or request.answers or traits.answers or not _within_one(raw):
        return []
    if is_multi_label(request, traits):
        text = "probabilities or logits: the model returns a number for each label, here from 0 to 1"
        return [Question("--answers", text, "probabilities")]
    if raw.shape[1] > 1:
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
        return Decision(REGRESSION, _regression_outputs(request, width), "none")
    if task not in (CLASSIFICATION, "text-classification"):
        raise InputError.of("--task", f"{task!r} cannot be imported; use {CLASSIFICATION} or {REGRESSION}")
    multi_label = is_multi_label(request, traits)
    labels = _settled_labels(request, traits, width)
    stated = request.answers or traits.answers
    return Decision(
        task,
        _outputs(labels=labels, multi_label=multi_label, thresholds=dict(request.thresholds), unit=request.unit),
        _activation_of_each(stated, raw) if multi_label else _activation(stated, raw),
    )


def _regression_outputs(request: ImportRequest, width: int) -> Outputs:
    names, units = request.targets or (), split_names(request.unit or "")
    if request.multi_label or request.thresholds:
        raise InputError.of("--multi-label", f"is for classifications, but the task is {REGRESSION}")
    if width == 1 and not names:
        return _outputs(unit=request.unit)
    if len(names) != width or width == 1:
        raise InputError.of("--targets", f"the model returns {width} values per record, but {len(names)} are named")
    if len(units) not in (0, 1, width):
        raise InputError.of("--unit", f"give one unit, or one for each of the {width} targets (got {len(units)})")
    units = units * width if len(units) == 1 else units or ("",) * width
    pairs = zip(names, units, strict=True)
    return _outputs(targets=[{"name": name, **({"unit": unit} if unit else {})} for name, unit in pairs])


def _settled_labels(request: ImportRequest, traits: Traits, width: int) -> tuple[str, ...]:
    labels = request.labels or traits.classes or ()
    if request.targets:
        raise InputError.of("--targets", "are for regressions; name the labels of a classification with --labels")
    if len(labels) != max(width, 2) or len(set(labels)) != len(labels):
        raise InputError.of(
            "--labels", f"{max(width, 2)} different labels are needed, got {', '.join(labels) or 'none'}"
        )
    if width == 1 and is_multi_label(request, traits):
        raise InputError.of("--multi-label", "the model returns one number, but each label needs its own")
    return labels


def _outputs(**stated: Any) -> Outputs:
    """The outputs, with only what is stated; raises InputError for values that a manifest refuses."""
    try:
        return Outputs(**{name: value for name, value in stated.items() if value})
    except ValidationError as error:
        raise InputError(field_problems(error, prefix="outputs")) from error


def _activation_of_each(stated: str | None, raw: Numbers) -> str:
    """The last step of a multi-label model, whose probabilities are independent."""
    _require_kind(stated)
    return "none" if stated == "probabilities" or (stated is None and _within_one(raw)) else "sigmoids"


def _activation(stated: str | None, raw: Numbers) -> str:
    _require_kind(stated)
    are_probabilities = stated == "probabilities" or (stated is None and _are_probabilities(raw))
    if raw.shape[1] == 1:
        return "pair" if are_probabilities else "sigmoid"
    return "none" if are_probabilities else "softmax"


def _require_kind(stated: str | None) -> None:
    if stated not in (None, "probabilities", "logits"):
        raise InputError.of("--answers", f"{stated!r} is neither probabilities nor logits")


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
    if activation == "sigmoids":
        return np.asarray(1 / (1 + np.exp(-raw)))
    second = raw if activation == "pair" else 1 / (1 + np.exp(-raw))
    return np.hstack([1 - second, second])


def largest_difference(decision: Decision, reference: Numbers, outputs: Sequence[dict[str, Any]]) -> float:
    """The largest difference from the original: of probabilities, or of values relative to their target's largest."""
    answers = np.array([_row(decision.outputs, output) for output in outputs])
    differences = np.abs(answers - reference)
    if decision.labels is not None:
        return float(differences.max())
    largest = np.abs(reference).max(axis=0)
    return float((differences / np.where(largest > 0, largest, 1.0)).max())


def _row(outputs: Outputs, output: dict[str, Any]) -> list[float]:
    match outputs.form:
        case Form.LABEL | Form.LABELS:
            return [output["scores"][label] for label in outputs.labels or ()]
        case Form.VALUE:
            return [output["value"]]
        case Form.VALUES:
            return [output["values"][name] for name in outputs.target_names]
