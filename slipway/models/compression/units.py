"""Find the hidden units of dense layers, weigh them, and remove some from the graph.

A unit is a column of one layer's weights and a row of the next layer's. It can be removed if there are only
element-wise operations between the two, so that no other value of the graph depends on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.models.extras import need

# fmt: off
_UNARY = frozenset((
    "Abs", "Cast", "Celu", "Dropout", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "Identity",
    "LeakyRelu", "Log", "Mish", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid", "Sign", "Softplus",
    "Softsign", "Sqrt", "Swish", "Tanh",
))
# fmt: on
_BINARY = frozenset(("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub"))
# ONNX Runtime's own fusions: element-wise in the first input, with an optional bias of the layer's width.
_FUSED = frozenset(("BiasGelu", "FastGelu", "QuickGelu"))

Weights = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Slot:
    """A weight whose hidden units are along ``axis``."""

    name: str
    axis: int


@dataclass(frozen=True, slots=True)
class HiddenLayer:
    """A layer of hidden units: the weights that produce them, vectors beside them, and the weights that read them."""

    name: str
    width: int
    makes: Slot
    beside: tuple[Slot, ...]
    reads: tuple[Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every weight that loses a slice with a unit."""
        return (self.makes, *self.beside, *self.reads)


def hidden_layers(model: Any) -> list[HiddenLayer]:
    """The layers of ``model`` whose units can be removed."""
    graph = _Graph(model)
    found = (_Walk(graph, node).layer() for node in model.graph.node)
    layers = [layer for layer in found if layer is not None]
    # A weight shared by two layers, or used twice in one, would have to fit both.
    uses: dict[str, int] = {}
    for slot in (slot for layer in layers for slot in layer.slots):
        uses[slot.name] = uses.get(slot.name, 0) + 1
    return [layer for layer in layers if all(_alone(graph, slot, uses) for slot in layer.slots)]


def _alone(graph: "_Graph", slot: Slot, uses: dict[str, int]) -> bool:
    """Whether the weight has one reader; two layers of a chain may share it along different axes."""
    return len(graph.readers.get(slot.name, ())) == 1 and uses[slot.name] <= len(graph.weights[slot.name].shape)


def unit_weights(model: Any, layer: HiddenLayer) -> NDArray[np.float64]:
    """The magnitude of each unit, [units]: the norm of its input weights times the norm of its output weights."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    out = sum((_squares(tensors, slot) for slot in layer.reads), start=np.zeros(layer.width))
    return np.asarray(np.sqrt(_squares(tensors, layer.makes) * out))


def _squares(tensors: Mapping[str, Any], slot: Slot) -> NDArray[np.float64]:
    """The sum of squares of each unit's slice of the weight."""
    weight = need("onnx.numpy_helper", "import").to_array(tensors[slot.name]).astype(np.float64)
    return np.asarray((weight**2).sum(axis=1 - slot.axis))


def without_units(model: Any, layers: Sequence[HiddenLayer], share: float) -> tuple[Any, int]:
    """A copy of ``model`` without the lightest ``share`` of each layer's units (one stays), and the number removed."""
    onnx = need("onnx", "import")
    pruned = type(model).FromString(model.SerializeToString())
    tensors = {tensor.name: tensor for tensor in pruned.graph.initializer}
    removed = 0
    for layer in layers:
        weights = unit_weights(model, layer)
        kept = np.sort(np.argsort(-weights, kind="stable")[: max(1, layer.width - round(share * layer.width))])
        removed += layer.width - len(kept)
        for slot in layer.slots:
            array = onnx.numpy_helper.to_array(tensors[slot.name])
            smaller = np.ascontiguousarray(array.take(kept, axis=slot.axis))
            tensors[slot.name].CopyFrom(onnx.numpy_helper.from_array(smaller, slot.name))
    del pruned.graph.value_info[:]
    return pruned, removed


class _Graph:
    """Look-ups in a graph. ``readers`` are the nodes that read a value; subgraphs are not searched."""

    def __init__(self, model: Any) -> None:
        to_array = need("onnx.numpy_helper", "import").to_array
        self.weights: Weights = {tensor.name: to_array(tensor) for tensor in model.graph.initializer}
        self.outputs = {value.name for value in model.graph.output}
        self.readers: dict[str, list[Any]] = {}
        for node in model.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.nested = any(attribute.HasField("g") for node in model.graph.node for attribute in node.attribute)

    def dense(self, node: Any) -> Slot | None:
        """The weight of a MatMul or Gemm, with the axis of its outputs; None for other nodes."""
        if node.op_type not in ("Gemm", "MatMul") or self.nested:
            return None
        weight = self.weights.get(node.input[1])
        if weight is None or weight.ndim != 2 or weight.dtype not in (np.float16, np.float32, np.float64):
            return None
        attributes = {attribute.name: attribute.i for attribute in node.attribute}
        if attributes.get("transA"):
            return None
        return Slot(node.input[1], 0 if attributes.get("transB") else 1)


class _Walk:
    """Follows the units of one dense node through element-wise operations to the dense nodes that read them."""

    def __init__(self, graph: _Graph, node: Any) -> None:
        self._graph = graph
        self._node = node
        self._values: set[str] = set()
        self._beside: list[Slot] = []
        self._reads: list[Slot] = []

    def layer(self) -> HiddenLayer | None:
        """The layer, or None if its units cannot be removed."""
        makes = self._graph.dense(self._node)
        if makes is None:
            return None
        self._width = self._graph.weights[makes.name].shape[makes.axis]
        bias = list(self._node.input[2:3])
        if not all(self._vector(name) for name in bias) or not self._follow(self._node.output[0]):
            return None
        if not self._reads or self._width < 2:
            return None
        beside = tuple(dict.fromkeys(self._beside))
        return HiddenLayer(self._node.name or self._node.output[0], self._width, makes, beside, tuple(self._reads))

    def _follow(self, first: str) -> bool:
        """Follow the units; False if a reader is unknown. Binary operations may join values of the same units."""
        waiting, readers = [first], {}
        while waiting:
            value = waiting.pop()
            if value in self._graph.outputs:
                return False
            self._values.add(value)
            for node in self._graph.readers.get(value, ()):
                if node.output[0] in readers or self._read(node, value):
                    continue
                readers[node.output[0]] = node
                waiting.append(node.output[0])
        return all(self._keeps_units(node) for node in readers.values())

    def _read(self, node: Any, value: str) -> bool:
        """Record a dense node that reads the units as its left operand; False if it is not one."""
        slot = self._graph.dense(node)
        if slot is None or node.input[0] != value or value in node.input[1:]:
            return False
        self._reads.append(Slot(slot.name, 1 - slot.axis))
        return True

    def _keeps_units(self, node: Any) -> bool:
        """Whether the node is element-wise in the units."""
        if node.op_type in _UNARY:
            return len(node.output) == 1 or not any(node.output[1:])
        if node.op_type in _FUSED:
            return node.input[0] in self._values and all(self._vector(name) for name in node.input[1:] if name)
        return node.op_type in _BINARY and all(name in self._values or self._vector(name) for name in node.input)

    def _vector(self, name: str) -> bool:
        """Whether a constant is a scalar, or a vector with one value per unit, which is recorded."""
        weight = self._graph.weights.get(name)
        if weight is None:
            return False
        if weight.size == 1:
            return True
        axis = weight.ndim - 1
        if weight.shape[axis] != self._width or weight.size != self._width:
            return False
        self._beside.append(Slot(name, axis))
        return True
