"""How many answers a scikit-learn estimator gives for a record."""

from typing import Any

import numpy as np

from slipway.errors import InputError


def steps_of(model: Any) -> list[Any]:
    """The steps of a pipeline, or the estimator alone."""
    return [step for _, step in getattr(model, "steps", [("", model)])]


def require_one_answer(model: Any, option: str, *, classifies: bool) -> None:
    """Refuse, by its name, a model that answers several questions about a record."""
    several = None
    if classifies and _is_multilabel(model):
        several = "is for multi-label classification: it gives a record any number of labels"
    elif classifies and (_holds_lists(model.classes_) or getattr(model, "n_outputs_", 1) > 1):
        several = "is for multi-output classification: it gives a record one label for each of several targets"
    elif not classifies and (targets := _targets(model)) > 1:
        several = f"is for multi-output regression: it predicts {targets} values for a record"
    if several is not None:
        kind = type(steps_of(model)[-1]).__name__
        raise InputError.of(option, f"{kind} {several}, which is not supported; import one model for each of them")


def _is_multilabel(model: Any) -> bool:
    last = steps_of(model)[-1]
    binarizer = getattr(last, "_label_binarizer", None) or getattr(last, "label_binarizer_", None)
    return str(getattr(binarizer, "y_type_", "")).startswith("multilabel")


def _holds_lists(classes: Any) -> bool:
    return isinstance(classes, list) and any(isinstance(each, list | np.ndarray) for each in classes)


def _targets(model: Any) -> int:
    """The number of a fitted regressor's targets, as far as it says."""
    last = steps_of(model)[-1]
    coefficients = np.asarray(getattr(last, "coef_", []))
    stated = getattr(last, "n_outputs_", None) or len(getattr(last, "estimators_", ())) * _is_multioutput(last)
    return int(stated or (coefficients.shape[0] if coefficients.ndim == 2 else 1))


def _is_multioutput(model: Any) -> bool:
    return type(model).__name__ in ("MultiOutputRegressor", "RegressorChain")
