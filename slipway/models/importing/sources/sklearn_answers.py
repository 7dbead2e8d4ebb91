"""The answers that a scikit-learn estimator gives for a record: one label or any number, one value or several."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slipway.errors import InputError
from slipway.models.extras import need
from slipway.models.importing.graphs import GraphDraft
from slipway.models.importing.source import Values

_Steps = Sequence[tuple[str, int | list[int] | None, dict[str, Any]]]
"""Nodes to append: the operator, its constant and its attributes."""

_BINARY = ([0, 1], [False, True])


def steps_of(model: Any) -> list[Any]:
    """The steps of a pipeline, or the estimator alone."""
    return [step for _, step in getattr(model, "steps", [("", model)])]


def estimator_of(model: Any) -> Any:
    """The estimator that answers: the last step of a pipeline, and the best one of a search."""
    last = steps_of(model)[-1]
    best = getattr(last, "best_estimator_", None)
    return last if best is None else estimator_of(best)


def labels_of(model: Any, option: str) -> int | None:
    """The number of labels of a fitted multi-label classifier; None if it gives a record one label.

    Raises:
        InputError: it answers several questions, of which one has other answers than yes and no.
    """
    last = estimator_of(model)
    if _is_multilabel(last):
        return len(last.classes_)
    targets = _targets_of(model.classes_)
    if targets is None:
        return None
    if wrong := [classes for classes in targets if list(classes) not in _BINARY]:
        kind, classes = type(last).__name__, ", ".join(map(str, wrong[0]))
        message = (
            f"{kind} is for multi-output classification, which is supported only if each target is 0 or 1, as in "
            f"multi-label classification; a target has the classes {classes}: import one model for each target"
        )
        raise InputError.of(option, message)
    return len(targets)


def _is_multilabel(model: Any) -> bool:
    binarizer = getattr(model, "_label_binarizer", None) or getattr(model, "label_binarizer_", None)
    return str(getattr(binarizer, "y_type_", "")).startswith("multilabel")


def _targets_of(classes: Any) -> list[list[Any]] | None:
    """The classes of each target, if a model has several targets."""
    if isinstance(classes, list) and any(isinstance(each, list | np.ndarray) for each in classes):
        return [np.asarray(each).tolist() for each in classes]
    return None


def targets_of(model: Any) -> int | None:
    """The number of a fitted regressor's targets, as far as it says."""
    last = estimator_of(model)
    coefficients = np.asarray(getattr(last, "coef_", []))
    stated = getattr(last, "n_outputs_", None) or len(getattr(last, "estimators_", ())) * _is_multioutput(last)
    return int(stated or (coefficients.shape[0] if coefficients.ndim == 2 else 0)) or None


def _is_multioutput(model: Any) -> bool:
    return type(model).__name__ in ("MultiOutputRegressor", "RegressorChain")


def probability_matrix(answer: Any) -> Values:
    """Probabilities as ``[records, labels]``; a model with several targets returns ``[records, 2]`` for each."""
    if isinstance(answer, list):
        return np.stack([np.asarray(each, dtype=np.float64)[:, 1] for each in answer], axis=1)
    return np.asarray(answer, dtype=np.float64)


def with_probability_matrix(draft: GraphDraft, labels: int) -> GraphDraft:
    """The graph with a last step that makes ``[records, labels]`` of the probabilities of no and yes of each label.

    skl2onnx returns them as a sequence of ``[records, 2]``, or as ``[labels, records, 2]``.
    """
    output = next(value for value in draft.model.graph.output if value.name == draft.output)
    is_sequence = output.type.HasField("sequence_type")
    if not is_sequence and len(output.type.tensor_type.shape.dim) != 3:
        return draft
    return _with_steps(draft, _of_sequence(labels) if is_sequence else _of_stack(), labels)


def with_value_matrix(draft: GraphDraft, targets: int) -> GraphDraft:
    """The graph with ``[records, targets]`` as its output; skl2onnx returns a network's values below one another."""
    output = next(value for value in draft.model.graph.output if value.name == draft.output)
    stated = [size.dim_value for size in output.type.tensor_type.shape.dim]
    return draft if targets == 1 or stated[1:] == [targets] else _with_steps(draft, _as_rows(targets), targets)


def _with_steps(draft: GraphDraft, steps: _Steps, width: int) -> GraphDraft:
    """The graph with more nodes at its end, each with at most one constant."""
    onnx = need("onnx", "import")
    graph, name = draft.model.graph, draft.output
    for number, (kind, constant, attributes) in enumerate(steps):
        inputs, result = [name], f"slipway_matrix_{number}"
        if constant is not None:
            inputs.append(f"slipway_chosen_{number}")
            graph.initializer.append(onnx.numpy_helper.from_array(np.array(constant, np.int64), inputs[-1]))
        graph.node.append(onnx.helper.make_node(kind, inputs, [result], **attributes))
        name = result
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", width]))
    return replace(draft, output=name)


def _of_sequence(labels: int) -> _Steps:
    """No and yes of each label side by side, then every second column."""
    return [
        ("ConcatFromSequence", None, {"axis": 1}),
        ("Gather", [2 * label + 1 for label in range(labels)], {"axis": 1}),
    ]


def _of_stack() -> _Steps:
    """The last axis at yes, then records before labels."""
    return [("Gather", 1, {"axis": 2}), ("Transpose", None, {"perm": [1, 0]})]


def _as_rows(targets: int) -> _Steps:
    return [("Reshape", [-1, targets], {})]
