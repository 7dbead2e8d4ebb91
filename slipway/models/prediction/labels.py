"""Labels: which ones a value of a file means, by one rule, and those that deployed versions predict."""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.config import Config
from slipway.errors import PackageError
from slipway.models.manifest import BUILT_IN_TASKS, Form, Outputs
from slipway.models.package import MANIFEST, read_manifest

_LOG = logging.getLogger(__name__)
_BOOLEANS = ("true", "false")

Truth = str | float | tuple[str, ...] | tuple[float, ...]
"""The observed answer for a record: its label or labels, or its value or values by target."""


def find_label(value: object, labels: Sequence[str], *, by_number: bool = False) -> str | None:
    """The label that a value of a file means, or None.

    A boolean may be written in any case, and a number as any equal number. With ``by_number``, an integer is a position
    among labels that are not numbers themselves, as Hugging Face's data sets have them.
    """
    text = str(value)
    if text in labels:
        return text
    if text.lower() in _BOOLEANS:
        return _only(label for label in labels if label.lower() == text.lower())
    number = _number(text)
    if number is None:
        return None
    if by_number and number.is_integer() and not any(_number(label) is not None for label in labels):
        return labels[int(number)] if 0 <= number < len(labels) else None
    return _only(label for label in labels if _number(label) == number)


def find_labels(
    row: Mapping[str, Any], column: str, labels: Sequence[str], *, by_number: bool = False
) -> tuple[str, ...] | None:
    """The labels of a multi-label record, or None if ``row`` does not say them by either form.

    They are a list in ``column``, or a column for each label that is 1 or 0, or true or false.
    """
    value = row.get(column)
    if value is not None:
        listed = value if isinstance(value, list) else [None]
        found = {find_label(each, labels, by_number=by_number) for each in listed}
        return None if None in found else tuple(label for label in labels if label in found)
    flags = {label: _flag(row.get(label)) for label in labels}
    return None if None in flags.values() else tuple(label for label, is_true in flags.items() if is_true)


def answered_labels(output: Mapping[str, Any]) -> list[str] | None:
    """The labels of a multi-label answer; None for any other output, such as one of a user's own task."""
    labels, scores = output.get(Form.LABELS), output.get("scores")
    if not isinstance(labels, list) or not isinstance(scores, Mapping):
        return None
    return labels if all(isinstance(label, str) and label in scores for label in labels) else None


def confidence_of(output: Mapping[str, Any]) -> float | None:
    """The score of a whole answer: its top score, or the product over all labels of a multi-label answer.

    That product is the probability that the set is right if the labels were independent; calibration corrects the rest.
    None for an answer without scores, such as a regression's.
    """
    labels = answered_labels(output)
    if labels is not None:
        scores: Mapping[str, float] = output["scores"]
        return float(math.prod(score if name in labels else 1 - score for name, score in scores.items()))
    score = output.get("score")
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    return float(score) if is_number and Form.LABEL in output else None  # type: ignore[arg-type]


def _flag(value: object) -> bool | None:
    found = find_label(value, ("false", "true")) or find_label(value, ("0", "1"))
    return None if found is None else found in ("true", "1")


def _only(found: Iterable[str]) -> str | None:
    matches = list(found)
    return matches[0] if len(matches) == 1 else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def bundled_outputs(config: Config, root: Path) -> dict[tuple[str, int], Outputs | None]:
    """Return the outputs that each deployed version states, by name and version; as `stated_outputs`.

    Left out are versions whose manifest is not below ``root``, because they come from the registry. One whose manifest
    cannot be read states nothing.
    """
    found: dict[tuple[str, int], Outputs | None] = {}
    for name, model in config.models.items():
        for version in model.versions:
            file = config.model_folder(root, name) / str(version) / MANIFEST
            if file.is_file():
                found[name, version] = _outputs(file)
    return found


def stated_outputs(task: str, outputs: Outputs | None) -> Outputs | None:
    """The outputs that answers have; None for a user's own task without labels, which may answer anything."""
    return outputs if outputs is not None and (task in BUILT_IN_TASKS or outputs.labels) else None


def _outputs(file: Path) -> Outputs | None:
    try:
        manifest = read_manifest(file)
    except PackageError as error:
        _LOG.warning("feedback is not checked: %s", error)
        return None
    return stated_outputs(manifest.task, manifest.outputs)
