"""Import a fitted scikit-learn estimator or pipeline from the user's function with skl2onnx."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from slipway.config import FeatureType
from slipway.errors import CheckFailedError, InputError
from slipway.models.extras import need
from slipway.models.importing.graphs import GraphDraft
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Column, Exported, Fields, Traits, Values
from slipway.models.importing.sources.entry import call_entry
from slipway.models.importing.sources.sklearn_answers import (
    labels_of,
    probability_matrix,
    steps_of,
    targets_of,
    with_probability_matrix,
    with_value_matrix,
)
from slipway.models.importing.sources.sklearn_missing import for_export, has_missing, imputes, is_missing
from slipway.models.manifest import Record

_OPTION = "--sklearn"


class SklearnEntry:
    """The result of a function such as ``churn:fitted``: a classifier with probabilities, or a regressor.

    ``fitted`` is the result, where the function has been called already.
    """

    frameworks = ("scikit-learn", "skl2onnx")

    def __init__(self, entry: str, fitted: Any = None) -> None:
        need("sklearn", "import")
        need("skl2onnx", "import")
        self._model = call_entry(entry, _OPTION) if fitted is None else fitted
        self._classifies = _classifies(self._model)
        self._labels = labels_of(self._model, _OPTION) if self._classifies else None
        _require_convertible(self._model)

    @property
    def kind(self) -> str:
        """E.g. ``scikit-learn Pipeline (StandardScaler, LogisticRegression)``."""
        steps = getattr(self._model, "steps", None)
        inside = f" ({', '.join(type(step).__name__ for _, step in steps)})" if steps else ""
        return f"scikit-learn {type(self._model).__name__}{inside}"

    def examples(self, names: Sequence[str]) -> Samples | None:
        """None: an estimator keeps no data."""

    def traits(self, samples: Samples | None) -> Traits:
        """Columns by name if the model was fitted with names, else the samples' columns in their order."""
        names = self._names(samples)
        columns = None if names is None else tuple(_columns(self._model, names))
        if not self._classifies:
            return Traits(columns, "tabular-regression", answers="values", width=targets_of(self._model))
        if self._labels is not None:
            return Traits(columns, "tabular-classification", None, "probabilities", self._labels, multi_label=True)
        classes = tuple(str(label) for label in self._model.classes_)
        return Traits(columns, "tabular-classification", classes, "probabilities", len(classes), multi_label=False)

    def answers(self, records: Sequence[Record], fields: Fields) -> Values:
        """Probabilities ``[records, labels]``, or values ``[records, targets]``."""
        predict = self._model.predict_proba if self._classifies else self._model.predict
        try:
            answer = predict(self._rows(records, fields))
        except (ValueError, TypeError) as error:
            raise CheckFailedError(f"the model fails on the sample records: {_first_line(error)}") from error
        if self._classifies:
            return probability_matrix(answer)
        return np.asarray(answer, dtype=np.float64).reshape(len(records), -1)

    def export(self, fields: Fields) -> Exported:
        """One ``[N, 1]`` input per column if the model distinguishes columns, else one matrix."""
        skl2onnx = need("skl2onnx", "import")
        types = self._initial_types(fields)
        options = {"zipmap": False} if self._classifies else None
        try:
            with _whole_numbers():
                model = skl2onnx.to_onnx(for_export(self._model), initial_types=types, options=options)
        except (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError, LookupError) as error:
            raise InputError.of(_OPTION, f"skl2onnx cannot convert the {self.kind}: {_first_line(error)}") from error
        model.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx takes them from a set
        inputs = tuple(value.name for value in model.graph.input)
        if len(inputs) != len(types):
            unused = ", ".join(sorted({name for name, _ in types} - set(inputs)))
            raise InputError.of(_OPTION, f"the model does not use all of its columns; fit it without {unused}")
        draft = GraphDraft(model, inputs, str(model.graph.output[-1].name))
        if self._labels is not None:
            return Exported(with_probability_matrix(draft, self._labels))
        return Exported(draft if self._classifies else with_value_matrix(draft, targets_of(self._model) or 1))

    def _names(self, samples: Samples | None) -> list[str] | None:
        fitted = getattr(self._model, "feature_names_in_", None)
        if fitted is not None:
            return [str(name) for name in fitted]
        width = getattr(self._model, "n_features_in_", None)
        if samples is None:
            return None
        if width is not None and len(samples.columns) != width:
            message = (
                f"the model takes {width} columns, but {samples.name} has {len(samples.columns)} besides the label"
            )
            raise InputError.of("--records", message)
        return list(samples.columns)

    def _rows(self, records: Sequence[Record], fields: Fields) -> Any:
        """A data frame for a model fitted with names, else a matrix."""
        columns = {
            column: [np.nan if record[name] is None else record[name] for record in records]
            for column, name in zip(fields.columns, fields.names, strict=True)
        }
        if hasattr(self._model, "feature_names_in_"):
            return need("pandas", "import").DataFrame(columns)
        numeric = FeatureType.STRING not in fields.types
        return np.array(list(zip(*columns.values(), strict=True)), np.float64 if numeric else object)

    def _initial_types(self, fields: Fields) -> list[tuple[str, Any]]:
        kinds = need("skl2onnx.common.data_types", "import")
        encoders = _encoders(self._model, self._names(None) or fields.columns)
        tensors = [
            _tensor_type(kinds, kind, is_whole=np.asarray(encoders.get(column, 0.5)).dtype.kind in "iu")
            for column, kind in zip(fields.columns, fields.types, strict=True)
        ]
        if _column_transformer(self._model) is None and len(set(tensors)) == 1:
            return [("features", tensors[0]([None, len(tensors)]))]
        return [(column, tensor([None, 1])) for column, tensor in zip(fields.columns, tensors, strict=True)]


def _tensor_type(kinds: Any, kind: FeatureType, *, is_whole: bool) -> Any:
    """The tensor type of a column; ``is_whole`` if an encoder looks its values up as integers."""
    if kind is FeatureType.STRING:
        return kinds.StringTensorType
    return kinds.Int64TensorType if is_whole else kinds.FloatTensorType


def _classifies(model: Any) -> bool:
    base = need("sklearn.base", "import")
    validation = need("sklearn.utils.validation", "import")
    if not isinstance(model, base.BaseEstimator):
        raise InputError.of(_OPTION, f"the function returned a {type(model).__name__}, not a scikit-learn estimator")
    try:
        validation.check_is_fitted(model)
    except need("sklearn.exceptions", "import").NotFittedError as error:
        raise InputError.of(_OPTION, "the function returned a model that is not fitted") from error
    if base.is_regressor(model):
        return False
    if base.is_classifier(model) and hasattr(model, "predict_proba"):
        return True
    raise InputError.of(
        _OPTION,
        f"{type(model).__name__} is neither a regressor nor a classifier with predict_proba; "
        "sklearn.calibration.CalibratedClassifierCV adds probabilities to a classifier",
    )


def _require_convertible(model: Any) -> None:
    for step in steps_of(model):
        if hasattr(step, "build_analyzer"):
            message = (
                f"{type(step).__name__} needs a locale in ONNX Runtime that Lambda does not have; "
                "for text, import a Hugging Face folder"
            )
            raise InputError.of(_OPTION, message)


def _column_transformer(model: Any) -> Any:
    first = steps_of(model)[0]
    return first if hasattr(first, "transformers_") else None


def _columns(model: Any, names: Sequence[str]) -> Iterator[Column]:
    """The columns that the model uses; a column transformer fitted with names may drop some."""
    encoders = _encoders(model, names)
    used = _used(model, names)
    for name in names:
        if name not in used:
            continue
        categories = encoders.get(name)
        if categories is None:
            yield Column(name)
            continue
        array = np.asarray(categories)
        kind = FeatureType.STRING if array.dtype.kind in "OUS" else FeatureType.INTEGER
        encoder, step = _encoded(model, names)[name][::2]
        yield Column(
            name,
            kind if array.dtype.kind in "OUSiu" else None,
            _allowed(encoder, array),
            nullable=None if has_missing(array) or imputes(step) else False,
            takes_unknown=getattr(encoder, "handle_unknown", "") != "error",
        )


def _used(model: Any, names: Sequence[str]) -> set[str]:
    transformer = _column_transformer(model)
    if transformer is None or not hasattr(model, "feature_names_in_"):
        return set(names)
    parts = [part for part in transformer.transformers_ if not (isinstance(part[1], str) and part[1] == "drop")]
    return {column for part in parts for column in _resolved(part[2], names)}


def _encoders(model: Any, names: Sequence[str]) -> dict[str, Any]:
    """The categories of the fitted encoders, by column."""
    return {column: categories for column, (_, categories, _) in _encoded(model, names).items()}


def _encoded(model: Any, names: Sequence[str]) -> dict[str, tuple[Any, Any, Any]]:
    """The encoder, its categories and the transformer that it is part of, by column."""
    transformer = _column_transformer(model)
    parts = transformer.transformers_ if transformer is not None else [("", steps_of(model)[0], list(names))]
    found: dict[str, tuple[Any, Any, Any]] = {}
    for _, step, columns in parts:
        encoder = next((inner for inner in steps_of(step) if hasattr(inner, "categories_")), None)
        if encoder is not None:
            for column, categories in zip(_resolved(columns, names), encoder.categories_, strict=True):
                found[column] = (encoder, categories, step)
    return found


def _allowed(encoder: Any, categories: Any) -> tuple[Any, ...] | None:
    """The categories, if the model itself would fail on any other value."""
    if getattr(encoder, "handle_unknown", "") != "error" or categories.dtype.kind not in "OUSiu":
        return None
    there = tuple(category for category in categories.tolist() if not is_missing(category))
    return there if all(isinstance(category, str | int) for category in there) else None


def _resolved(columns: Any, names: Sequence[str]) -> list[str]:
    """The names of a fitted column transformer's columns, given as names, positions, a slice or a mask."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return list(names[columns])
    if isinstance(columns, int):
        return [names[columns]]
    chosen = list(columns)
    if chosen and isinstance(chosen[0], bool | np.bool_):
        return [name for name, taken in zip(names, chosen, strict=True) if taken]
    return [column if isinstance(column, str) else names[column] for column in chosen]


@contextmanager
def _whole_numbers() -> Iterator[None]:
    """Let skl2onnx 1.20 write tree ensembles: it passes booleans where protobuf 7 accepts only integers."""
    container = need("skl2onnx.common._container", "import")
    make_node = container.make_node

    def with_integers(*arguments: Any, **attributes: Any) -> Any:
        return make_node(*arguments, **{key: _as_integers(value) for key, value in attributes.items()})

    container.make_node = with_integers
    try:
        yield
    finally:
        container.make_node = make_node


def _as_integers(value: Any) -> Any:
    if isinstance(value, list) and any(isinstance(item, bool | np.bool_ | np.integer) for item in value):
        return [int(item) if isinstance(item, bool | np.bool_ | np.integer) else item for item in value]
    return value


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:300]
