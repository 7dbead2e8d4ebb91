"""Read ONNX graphs without their weights, complete them, and write them one weight at a time.

A protobuf file holds almost 2 GB, so nothing here makes a second copy of the weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from slipway.errors import InputError, PackageError
from slipway.models.extras import need

# protobuf refuses messages of 2 GiB or more.
_MOST_BYTES = 2**31 - 1
_LARGE = 1024
_COPIED_AT_ONCE = 1024 * 1024
# The tags of onnx.proto's fields of bytes, as protobuf writes them: (number << 3) | 2.
_MODEL_GRAPH = b"\x3a"
_GRAPH_INITIALIZER = b"\x2a"
_TENSOR_RAW_DATA = b"\x4a"


@dataclass(frozen=True, slots=True)
class Weight:
    """A constant of the graph: its header, the number of bytes that follow, and how to read them."""

    name: str
    header: bytes
    bytes: int
    read: Callable[[], Iterator[Any]]

    @property
    def size(self) -> int:
        """The length of its TensorProto."""
        return len(self.header) + self.bytes


@dataclass(frozen=True, slots=True)
class GraphDraft:
    """A ModelProto and, apart from it, its large constants; ``output`` is the one output that is kept.

    ``file`` is the user's file, if it can be copied unchanged.
    """

    model: Any
    inputs: tuple[str, ...]
    output: str
    weights: Sequence[Weight] = field(default=())
    file: Path | None = None


def array_weight(name: str, shape: Sequence[int], dtype: np.dtype[Any], read: Callable[[], Any]) -> Weight:
    """A weight whose array ``read`` returns when the weight is written."""
    onnx = need("onnx", "import")
    tensor = onnx.TensorProto(name=name, dims=shape, data_type=onnx.helper.np_dtype_to_tensor_dtype(dtype))
    length = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    header = tensor.SerializeToString() + _TENSOR_RAW_DATA + _varint(length)
    return Weight(name, header, length, lambda: _array_bytes(read()))


def _array_bytes(array: Any) -> Iterator[Any]:
    yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def proto_weight(tensor: Any) -> Weight:
    """A weight held in memory as a TensorProto."""
    return Weight(tensor.name, b"", tensor.ByteSize(), lambda: iter((tensor.SerializeToString(),)))


def read_graph(path: Path) -> tuple[Any, list[Weight]]:
    """Read an ONNX file: its ModelProto without large constants, and those; external data is not read yet.

    Raises:
        PackageError: the file is not an ONNX graph, or keeps data outside its own folder.
    """
    onnx = need("onnx", "import")
    decoding = need("google.protobuf.message", "import").DecodeError
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise PackageError(path, f"cannot be read: {error.strerror or error}") from error
    except decoding as error:
        raise PackageError(path, f"is not an ONNX file: {error}") from error
    if not model.graph.output:  # bytes of another file may be read as a graph with nothing in it
        raise PackageError(path, "is not an ONNX file: it has no graph with outputs")
    weights, kept = [], []
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            weights.append(_external_weight(path, tensor))
        elif tensor.ByteSize() > _LARGE:
            weights.append(proto_weight(tensor))
        else:
            kept.append(tensor)
    _replace(model.graph.initializer, kept)
    return model, weights


def _replace(repeated: Any, values: Sequence[Any]) -> None:
    """Replace the elements by copies, so that the tensors that `proto_weight` refers to stay valid."""
    copies = [type(value).FromString(value.SerializeToString()) for value in values]
    del repeated[:]
    repeated.extend(copies)


def _external_weight(path: Path, tensor: Any) -> Weight:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    source = path.parent / entries.get("location", "")
    folder = path.parent.resolve()
    if not source.resolve().is_relative_to(folder):
        raise PackageError(path, f"keeps {tensor.name} in {entries.get('location')}, which is outside its folder")
    if not source.is_file():
        raise PackageError(path, f"keeps {tensor.name} in {entries.get('location')}, which is missing")
    offset = int(entries.get("offset", 0))
    length = int(entries.get("length", source.stat().st_size - offset))
    if offset < 0 or length < 0 or offset + length > source.stat().st_size:
        raise PackageError(source, f"is too short: {path.name} says that it holds {tensor.name}")
    bare = type(tensor)(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
    header = bare.SerializeToString() + _TENSOR_RAW_DATA + _varint(length)
    return Weight(tensor.name, header, length, lambda: _file_bytes(source, offset, length))


def _file_bytes(source: Path, offset: int, length: int) -> Iterator[bytes]:
    with source.open("rb") as file:
        file.seek(offset)
        while length > 0:
            chunk = file.read(min(length, _COPIED_AT_ONCE))
            length -= len(chunk)
            yield chunk


def write_graph(path: Path, draft: GraphDraft) -> None:
    """Write the graph as one file, one weight at a time.

    Raises:
        InputError: the file would have 2 GB or more.
    """
    graph = draft.model.graph.SerializeToString()
    rest = type(draft.model)()
    for descriptor, value in draft.model.ListFields():
        if descriptor.name != "graph":
            _copy_field(rest, descriptor.name, value)
    records = [_GRAPH_INITIALIZER + _varint(weight.size) + weight.header for weight in draft.weights]
    length = len(graph) + sum(len(r) + w.bytes for r, w in zip(records, draft.weights, strict=True))
    if length + _LARGE > _MOST_BYTES:
        raise InputError.of("model", f"has {length / 1e9:.1f} GB of weights; an ONNX file holds less than 2.1 GB")
    with path.open("wb") as file:
        file.write(rest.SerializeToString() + _MODEL_GRAPH + _varint(length) + graph)
        for record, weight in zip(records, draft.weights, strict=True):
            file.write(record)
            _write(file, weight)


def _write(file: BinaryIO, weight: Weight) -> None:
    for chunk in weight.read():
        file.write(chunk)


def _copy_field(message: Any, name: str, value: Any) -> None:
    if isinstance(value, str | bytes | int):
        setattr(message, name, value)
    else:
        getattr(message, name).MergeFrom(value)


def _varint(number: int) -> bytes:
    """Encode a number as a protobuf varint: seven bits per byte, lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def finish(draft: GraphDraft, activation: str, width: int) -> GraphDraft:
    """Make the graph return what its task needs: only ``draft.output``, as ``width`` probabilities or values.

    ``activation`` is the missing last step: ``none``, ``softmax``, ``sigmoids`` (each output is a label's logit),
    ``sigmoid`` (the output is the logit of the second of two labels) or ``pair`` (it is that label's probability).
    """
    if activation == "none" and draft.file is not None:
        return draft
    model, graph = draft.model, draft.model.graph
    output = next(value for value in graph.output if value.name == draft.output)
    kept = type(output).FromString(output.SerializeToString())
    del graph.output[:]
    if activation != "none":
        kept.name = _activate(model, kept, activation)
    if activation != "none" or width > 1:
        # skl2onnx states one column for a forest with several targets.
        del kept.type.tensor_type.shape.dim[1:]
        kept.type.tensor_type.shape.dim.add().dim_value = width
    graph.output.append(kept)
    return GraphDraft(model, draft.inputs, kept.name, draft.weights)


def _activate(model: Any, output: Any, activation: str) -> str:
    """Append the activation's nodes; returns the name of the new output."""
    onnx = need("onnx", "import")
    graph, name, final = model.graph, output.name, "slipway_probabilities"
    make = onnx.helper.make_node
    if activation == "softmax":
        graph.node.append(make("Softmax", [name], [final], axis=-1))
        return final
    if activation == "sigmoids":
        graph.node.append(make("Sigmoid", [name], [final]))
        return final
    kind = output.type.tensor_type.elem_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    constants: Mapping[str, Any] = {
        "slipway_one": np.array(1, dtype),
        "slipway_column": np.array([-1, 1], np.int64),
    }
    graph.initializer.extend(onnx.numpy_helper.from_array(value, key) for key, value in constants.items())
    graph.node.append(make("Reshape", [name, "slipway_column"], ["slipway_raw"]))
    second = "slipway_raw"
    if activation == "sigmoid":
        graph.node.append(make("Sigmoid", [second], ["slipway_second"]))
        second = "slipway_second"
    graph.node.append(make("Sub", ["slipway_one", second], ["slipway_first"]))
    graph.node.append(make("Concat", ["slipway_first", second], [final], axis=1))
    return final
