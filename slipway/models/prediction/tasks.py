"""Tasks turn records into the tensors of a graph, and its tensors into outputs, the same in every tier."""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from slipway.config import FeatureType
from slipway.errors import PackageError
from slipway.models.manifest import InputField, Record
from slipway.models.package import Package
from slipway.models.prediction.answers import Answer, answers_of, width
from slipway.models.prediction.graph_fit import (
    TOKEN_ATTRIBUTES,
    GraphSpec,
    only_float_output,
    only_text_field,
    refused,
    require_columns,
    require_matrix,
    require_token_inputs,
)

Output = Answer
Tensor = NDArray[Any]

MISSING_TEXT = ""
"""What a graph gets for a missing string, since tensors of strings have no null."""


class Task(Protocol):
    """What a model does. The user's own is a class named ``module:Class``, created as ``Class(package, graph)``."""

    def encode(self, records: Sequence[Record]) -> dict[str, Tensor]:
        """Tensors for the graph's inputs, by name, with one row per record."""

    def decode(self, tensors: Sequence[Tensor]) -> list[Output]:
        """One JSON object per row of the graph's outputs, which are in the manifest's order."""


class ColumnTask(Protocol):
    """A task that also takes columns, as batch scoring reads them: each input's ``[records]`` values, by name.

    Missing numbers are NaN, and missing strings empty.
    """

    def encode_columns(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors that `Task.encode` makes of the same records."""

    def numbers(self, tensors: Sequence[Tensor]) -> Tensor:
        """The graph's only output of floats, of which `Task.decode` makes the answers."""


TaskFactory = Callable[[Package, GraphSpec], Task]


class TextClassification:
    """One text field in, tokenized and padded to the longest text of the batch; probabilities out."""

    def __init__(self, package: Package, graph: GraphSpec) -> None:
        from tokenizers import Tokenizer  # models without text start faster

        self._field = only_text_field(package)
        self._decoder = _Decoder(package, graph)
        require_token_inputs(package, graph)
        self._inputs = tuple((spec.name, TOKEN_ATTRIBUTES[spec.name], spec.dtype) for spec in graph.inputs)
        if package.manifest.tokenizer is None:
            raise refused(package, f"tokenizer: is required for {package.manifest.task}")
        path = package.path(package.manifest.tokenizer)
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises nothing narrower
            raise PackageError(path, f"is not a tokenizer: {error}") from error
        self._pad_to_longest()

    def _pad_to_longest(self) -> None:
        padding = self._tokenizer.padding or {}
        self._pads = {"ids": padding.get("pad_id", 0), "attention_mask": 0, "type_ids": padding.get("pad_type_id", 0)}
        kept = {key: value for key, value in padding.items() if key not in ("length", "pad_to_multiple_of")}
        self._tokenizer.enable_padding(**kept)

    def encode(self, records: Sequence[Record]) -> dict[str, Tensor]:
        """``[records, longest]`` token ids, with the mask and type ids if the graph takes them."""
        return self._encoded([record[self._field] for record in records])

    def encode_columns(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same of a column of texts."""
        return self._encoded(columns[self._field].tolist())

    def _encoded(self, texts: Sequence[Any]) -> dict[str, Tensor]:
        encodings = self._tokenizer.encode_batch_fast(texts)
        if encodings[0].ids:
            return {
                name: np.array([getattr(encoding, attribute) for encoding in encodings], dtype)
                for name, attribute, dtype in self._inputs
            }
        # All texts are empty: a graph may not accept length zero, so each becomes one token of padding.
        return {name: np.full((len(texts), 1), self._pads[attribute], dtype) for name, attribute, dtype in self._inputs}

    def decode(self, tensors: Sequence[Tensor]) -> list[Output]:
        """The label or labels of each row, and all scores."""
        return self._decoder.decode(tensors)

    def numbers(self, tensors: Sequence[Tensor]) -> Tensor:
        """``[records, labels]`` probabilities."""
        return self._decoder.numbers(tensors)


class _Table:
    """A tabular graph, whose inputs are one ``[records, fields]`` matrix, or one ``[records, 1]`` column per field."""

    def __init__(self, package: Package, graph: GraphSpec) -> None:
        fields = package.manifest.inputs
        self._names = tuple(field.name for field in fields)
        self._matrix = graph.inputs[0] if len(graph.inputs) == 1 else None
        self._columns = graph.inputs
        self._fills = tuple(_fill(field) for field in fields)
        self._has_fills = any(fill is not None for fill in self._fills)
        if self._matrix is not None:
            require_matrix(package, self._matrix)
        else:
            require_columns(package, graph.inputs)
        self._decoder = _Decoder(package, graph)

    def encode(self, records: Sequence[Record]) -> dict[str, Tensor]:
        """Tensors in which a missing number is NaN, as NumPy converts None, and a missing string is empty."""
        names = self._names
        if self._has_fills:
            records = [_filled(record, names, self._fills) for record in records]
        if self._matrix is not None:
            rows = [[record[name] for name in names] for record in records]
            return {self._matrix.name: np.array(rows, self._matrix.dtype)}
        return {
            spec.name: np.array([[record[name]] for record in records], spec.dtype)
            for name, spec in zip(names, self._columns, strict=True)
        }

    def encode_columns(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same tensors; an integer becomes a float32 by way of a float64, as Python's do."""
        if self._matrix is not None:
            rows = np.column_stack([columns[name].astype(np.float64) for name in self._names])
            return {self._matrix.name: rows.astype(self._matrix.dtype)}
        return {
            spec.name: _column(columns[name], spec.dtype) for name, spec in zip(self._names, self._columns, strict=True)
        }

    def decode(self, tensors: Sequence[Tensor]) -> list[Output]:
        """The label or labels and all scores of each row, or its value or values."""
        return self._decoder.decode(tensors)

    def numbers(self, tensors: Sequence[Tensor]) -> Tensor:
        """``[records, labels]`` probabilities, or ``[records, targets]`` values."""
        return self._decoder.numbers(tensors)


def _column(values: Tensor, dtype: np.dtype[Any]) -> Tensor:
    values = values.astype(np.float64) if dtype.kind == "f" else values
    return values.astype(dtype).reshape(-1, 1)


def _fill(field: InputField) -> str | None:
    return MISSING_TEXT if field.nullable and field.type is FeatureType.STRING else None


def _filled(record: Record, names: Sequence[str], fills: Sequence[str | None]) -> Record:
    return {name: fill if record[name] is None else record[name] for name, fill in zip(names, fills, strict=True)}


class TabularClassification(_Table):
    """Numbers in, probabilities out."""


class TabularRegression(_Table):
    """Numbers in, one value or several out."""


class _Decoder:
    """Decodes the only output of floats of a graph into answers."""

    def __init__(self, package: Package, graph: GraphSpec) -> None:
        self._outputs = package.manifest.outputs
        self._output = only_float_output(package, graph, width=width(self._outputs))

    def decode(self, tensors: Sequence[Tensor]) -> list[Output]:
        return answers_of(self._outputs, self.numbers(tensors))

    def numbers(self, tensors: Sequence[Tensor]) -> Tensor:
        return tensors[self._output]


_BUILT_IN: dict[str, TaskFactory] = {
    "text-classification": TextClassification,
    "tabular-classification": TabularClassification,
    "tabular-regression": TabularRegression,
}


def make_task(package: Package, graph: GraphSpec, *, modules: Sequence[str] = ()) -> Task:
    """The task that the manifest names.

    ``modules`` are the modules whose classes a manifest may name as ``module:Class``; importing one runs its code.

    Raises:
        PackageError: the task does not fit the graph, is not in an allowed module, or cannot be imported or created.
    """
    name = package.manifest.task
    if factory := _BUILT_IN.get(name):
        return factory(package, graph)
    own = _own_task(package, name, modules)
    try:
        return own(package, graph)
    except PackageError:
        raise
    except Exception as error:  # the user's own code may raise anything
        raise refused(package, f"task: {name} cannot be created: {type(error).__name__}") from error


def _own_task(package: Package, name: str, modules: Sequence[str]) -> TaskFactory:
    module_name, _, class_name = name.partition(":")
    if module_name not in modules:
        allowed = ", ".join(modules) or "none"
        lists = "`light.task_modules` of slipway.yaml, or `task_modules` of slipway.load"
        raise refused(package, f"task: {module_name} is not among {lists}, which allows {allowed}")
    try:
        found: Any = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise refused(package, f"task: {name} cannot be imported: {error}") from error
    except Exception as error:  # the user's own code may raise anything
        raise refused(package, f"task: {name} cannot be imported: {type(error).__name__}") from error
    if not inspect.isclass(found) or not all(callable(getattr(found, m, None)) for m in ("encode", "decode")):
        raise refused(package, f"task: {name} is not a class with the methods `encode` and `decode`")
    return cast("TaskFactory", found)
