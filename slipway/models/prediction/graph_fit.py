"""What a graph declares, and whether a task can work with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.config import FeatureType
from slipway.errors import PackageError
from slipway.models.manifest import InputField
from slipway.models.package import MANIFEST, Package

TOKEN_ATTRIBUTES = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
"""The tensors that a text's graph may take, each with the attribute of an encoding that it holds."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of the graph. A free dimension is None."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class GraphSpec:
    """The inputs and outputs that the graph declares, in the manifest's order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def only_text_field(package: Package) -> str:
    fields = package.manifest.inputs
    if len(fields) != 1 or fields[0].type is not FeatureType.STRING:
        raise refused(package, f"inputs: {package.manifest.task} takes exactly one input, of type string")
    if fields[0].nullable:
        raise refused(package, f"inputs.{fields[0].name}: a text cannot be nullable; give it a default, e.g. ''")
    return fields[0].name


def require_token_inputs(package: Package, graph: GraphSpec) -> None:
    names = {spec.name for spec in graph.inputs}
    if "input_ids" not in names or not names <= TOKEN_ATTRIBUTES.keys():
        known = ", ".join(TOKEN_ATTRIBUTES)
        raise refused(package, f"graph.inputs: {package.manifest.task} needs input_ids and supports only {known}")


def require_matrix(package: Package, spec: TensorSpec) -> None:
    fields = package.manifest.inputs
    if len(spec.shape) != 2 or spec.shape[1] not in (None, len(fields)):
        raise refused(package, f"graph.inputs: {spec.name} has shape {spec.shape}; it must be (any, {len(fields)})")
    for field in fields:
        _require_fit(package, field, spec)


def require_columns(package: Package, specs: Sequence[TensorSpec]) -> None:
    fields = package.manifest.inputs
    if len(specs) != len(fields):
        raise refused(package, f"graph.inputs: {len(specs)} for {len(fields)} fields; give one, or one per field")
    for field, spec in zip(fields, specs, strict=True):
        if len(spec.shape) != 2 or spec.shape[1] not in (None, 1):
            raise refused(package, f"graph.inputs: {spec.name} has shape {spec.shape}; it must be (any, 1)")
        _require_fit(package, field, spec)


# By the kind of NumPy dtype, the field types that a tensor holds without changing the value's meaning.
_HOLDS = {
    "f": (FeatureType.FLOAT, FeatureType.INTEGER, FeatureType.BOOLEAN),
    "i": (FeatureType.INTEGER, FeatureType.BOOLEAN),
    "b": (FeatureType.BOOLEAN,),
    "O": (FeatureType.STRING,),
}


def _require_fit(package: Package, field: InputField, spec: TensorSpec) -> None:
    if field.type not in _HOLDS.get(spec.dtype.kind, ()):
        raise refused(package, f"inputs.{field.name}: is {field.type}, but the graph's {spec.name} is {spec.dtype}")
    if field.nullable and spec.dtype.kind not in "fO":
        message = f"is nullable, but the graph's {spec.name} is {spec.dtype}, which has no missing value"
        raise refused(package, f"inputs.{field.name}: {message}")


def only_float_output(package: Package, graph: GraphSpec, *, width: int) -> int:
    found = [index for index, spec in enumerate(graph.outputs) if spec.dtype.kind == "f"]
    if len(found) != 1:
        raise refused(package, f"graph.outputs: {package.manifest.task} needs exactly one of floats, got {len(found)}")
    shape = graph.outputs[found[0]].shape
    if len(shape) == 2 and shape[1] not in (None, width):
        name = graph.outputs[found[0]].name
        raise refused(package, f"graph.outputs: {name} has {shape[1]} columns; it must have {width}")
    return found[0]


def refused(package: Package, message: str) -> PackageError:
    return PackageError(package.path(MANIFEST), message)
