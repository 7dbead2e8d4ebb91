"""The form of a version's answers: as its manifest states it, or as an answer of another slot's version shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.models.manifest import BUILT_IN_TASKS, Form, Manifest

_FIELDS = {
    frozenset({"label", "score", "scores"}): Form.LABEL,
    frozenset({"labels", "scores"}): Form.LABELS,
    frozenset({"value"}): Form.VALUE,
    frozenset({"values"}): Form.VALUES,
}


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The form of an answer, None for a user's own task, and the labels or targets that it has a number for."""

    form: Form | None
    columns: tuple[str, ...] = ()


OWN_TASK = AnswerForm(None)


def stated_form(manifest: Manifest) -> AnswerForm:
    """Return the form that a manifest states."""
    if manifest.task not in BUILT_IN_TASKS:
        return OWN_TASK
    return AnswerForm(manifest.outputs.form, manifest.outputs.labels or manifest.outputs.target_names)


def shown_form(output: Mapping[str, Any]) -> AnswerForm:
    """Return the form that an answer of a built-in task shows; any other answer counts as one of a user's own task."""
    form = _FIELDS.get(frozenset(output))
    if form is None:
        return OWN_TASK
    numbers = output.get("scores", output.get("values", {}))
    return AnswerForm(form, tuple(numbers)) if isinstance(numbers, Mapping) else OWN_TASK
