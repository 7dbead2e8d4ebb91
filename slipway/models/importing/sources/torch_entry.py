"""Import a PyTorch module for tabular data from the user's function."""

import inspect
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import CheckFailedError, InputError
from slipway.models.extras import need
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Column, Exported, Fields, Traits, Values
from slipway.models.importing.sources.entry import call_entry
from slipway.models.importing.sources.torch_export import export_module
from slipway.models.manifest import Record, Scalar

_OPTION = "--torch"


class TorchEntry:
    """The result of a function such as ``churn:network``: a module, or a module and example inputs.

    ``forward`` takes one matrix ``[records, fields]``, or one column ``[records, 1]`` per field, named by a parameter.
    Examples are a mapping from field name to tensor, or one matrix.
    """

    frameworks = ("torch", "onnx")

    def __init__(self, entry: str) -> None:
        torch = need("torch", "torch")
        returned = call_entry(entry, _OPTION)
        self._module, self._examples = returned if isinstance(returned, tuple) else (returned, None)
        if not isinstance(self._module, torch.nn.Module):
            raise InputError.of(_OPTION, f"the function returned a {type(self._module).__name__}, not a module")
        self._module.eval()
        self._parameters = _parameters(self._module)

    @property
    def kind(self) -> str:
        """E.g. ``PyTorch Network``."""
        return f"PyTorch {type(self._module).__name__}"

    def examples(self, names: Sequence[str]) -> Samples | None:
        """The example inputs as records; the columns of a matrix need ``names``."""
        if self._examples is None or not (isinstance(self._examples, Mapping) or names):
            return None
        columns = self._example_columns(names)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return Samples("the module's examples", tuple(columns), rows)

    def traits(self, samples: Samples | None) -> Traits:
        """Columns named by the parameters of ``forward``; for a matrix, the samples' columns in their order."""
        if len(self._parameters) > 1:
            return Traits(tuple(Column(name) for name in self._parameters))
        return Traits(None if samples is None else tuple(Column(name) for name in samples.columns))

    def answers(self, records: Sequence[Record], fields: Fields) -> Values:
        """The module's outputs, ``[records, width]``."""
        torch = need("torch", "torch")
        try:
            with torch.inference_mode():
                answer = self._module(*self._tensors(records, fields))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise CheckFailedError(f"the module fails on the sample records: {error}") from error
        if not isinstance(answer, torch.Tensor) or answer.dim() > 2 or len(answer) != len(records):
            raise InputError.of(_OPTION, "the module must return one tensor, [records, width] or [records]")
        return np.asarray(answer.reshape(len(records), -1).double().numpy())

    def export(self, fields: Fields) -> Exported:
        """The graph, with one input for a matrix, or one per field."""
        torch = need("torch", "torch")
        two = [dict.fromkeys(fields.names, 1)] * 2
        names = self._parameters if len(self._parameters) > 1 else ["features"]
        with tempfile.TemporaryDirectory() as folder:
            examples = tuple(torch.ones_like(tensor) for tensor in self._tensors(two, fields))
            return Exported(export_module(self._module, examples, names, {0: "batch"}, Path(folder)))

    def _tensors(self, records: Sequence[Record], fields: Fields) -> tuple[Any, ...]:
        torch = need("torch", "torch")
        if len(self._parameters) == 1:
            rows = [[_number(record[name]) for name in fields.names] for record in records]
            return (torch.tensor(rows, dtype=self._dtype(None)),)
        return tuple(
            torch.tensor([[_number(record[name])] for record in records], dtype=self._dtype(column))
            for column, name in zip(fields.columns, fields.names, strict=True)
        )

    def _dtype(self, column: str | None) -> Any:
        """The examples' dtype, which a module may need for look-ups; else float32."""
        torch = need("torch", "torch")
        found = self._examples.get(column) if isinstance(self._examples, Mapping) and column else self._examples
        return found.dtype if isinstance(found, torch.Tensor) else torch.float32

    def _example_columns(self, names: Sequence[str]) -> dict[str, list[Scalar]]:
        if isinstance(self._examples, Mapping):
            return {str(name): tensor.reshape(-1).tolist() for name, tensor in self._examples.items()}
        matrix = self._examples
        if matrix is None or matrix.dim() != 2 or matrix.shape[1] != len(names):
            raise InputError.of(
                _OPTION, f"the example inputs must be a matrix of {len(names)} columns, as --inputs states"
            )
        return {name: matrix[:, column].tolist() for column, name in enumerate(names)}


def _number(value: Scalar | None) -> Scalar:
    """NaN for a missing value."""
    return math.nan if value is None else value


def _parameters(module: Any) -> list[str]:
    taken = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(module.forward).parameters.values()
    names = [p.name for p in parameters if p.kind in taken and p.default is inspect.Parameter.empty]
    if not names:
        raise InputError.of(_OPTION, "`forward` must take a matrix, or one column per field, as named parameters")
    return names
