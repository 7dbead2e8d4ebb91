"""Converts tensors of the Open Inference Protocol, JSON or binary, to columns of values and back.

Protocol: https://github.com/kserve/open-inference-protocol. Binary tensors are Triton's extension `binary_tensor_data`:
the body starts with the JSON, whose length a header gives; the little-endian tensors follow, texts prefixed with their
length.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from slipway.errors import InputError, MalformedError
from slipway.serving.apis.values import WholeNumber, absent_if_null

BYTES = "BYTES"
_LENGTH = struct.Struct("<I")
_DTYPES: dict[str, npt.DTypeLike] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
Integer = Literal["UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"]
Datatype = Literal["BOOL", Integer, "FP16", "FP32", "FP64", "BYTES"]
# The protocol's parameters are scalars, and MLServer's clients also write null and objects; unknown ones are ignored.
Parameters = Annotated[dict[str, JsonValue], absent_if_null(dict, dict[str, JsonValue] | None)]
Size = Annotated[WholeNumber, Field(ge=0)]


class _Part(BaseModel):
    # Unlike records, requests may have unknown fields: clients may use newer extensions of the protocol.
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class InputTensor(_Part):
    """An input tensor, with its values in ``data`` or in the bytes after the JSON."""

    name: str
    shape: Annotated[list[Size], Field(min_length=1, max_length=2)]
    datatype: Datatype
    parameters: Parameters = {}
    data: list[Any] | None = None


class RequestedOutput(_Part):
    """An output that the caller requests."""

    name: Annotated[str, Field(min_length=1)]
    parameters: Parameters = {}


Outputs = Annotated[list[RequestedOutput], Field(max_length=100)]


class InferRequest(_Part):
    """The JSON of an inference request."""

    id: Annotated[str, Field(max_length=256), absent_if_null(str, Annotated[str, Field(max_length=256)] | None)] = ""
    parameters: Parameters = {}
    inputs: Annotated[list[InputTensor], Field(min_length=1, max_length=1000)]
    outputs: Annotated[Outputs, absent_if_null(list, Outputs | None)] = []


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """An output tensor; ``values`` are row-major, and strings for BYTES."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]

    def described(self, *, binary_size: int | None = None) -> dict[str, Any]:
        """Return the tensor's JSON, without its values if they follow in ``binary_size`` bytes."""
        head = {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}
        if binary_size is None:
            return {**head, "data": self.values}
        return {**head, "parameters": {"binary_data_size": binary_size}}

    def to_bytes(self) -> bytes:
        """Encode the values for the binary extension."""
        if self.datatype == BYTES:
            texts = [value.encode() for value in self.values]
            return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
        return np.asarray(self.values, dtype=_DTYPES[self.datatype]).tobytes()


def read_columns(request: InferRequest, behind: bytes) -> dict[str, list[Any]]:
    """Return the values of each input tensor by name; ``behind`` holds the bytes after the JSON.

    Raises:
        InputError: a shape does not match its values, or the tensors differ in length.
        MalformedError: the bytes do not match the tensors' sizes.
    """
    columns: dict[str, list[Any]] = {}
    position = 0
    for tensor in request.inputs:
        size = _binary_size(tensor)
        if tensor.name in columns:
            raise InputError.of(f"inputs.{tensor.name}", "is given twice")
        columns[tensor.name] = _values(tensor, None if size is None else behind[position : position + size])
        position += size or 0
    if position != len(behind):
        raise MalformedError.of("inputs", f"their binary_data_size sum to {position}, and {len(behind)} bytes follow")
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise InputError.of("inputs", f"must all have the same number of records, and have {lengths[:300]}")
    return columns


def _binary_size(tensor: InputTensor) -> int | None:
    if "shared_memory_region" in tensor.parameters:
        raise InputError.of(f"inputs.{tensor.name}", "shared memory is not supported")
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InputError.of(f"inputs.{tensor.name}.parameters.binary_data_size", "must be an integer of at least 0")
    return size


def _values(tensor: InputTensor, raw: bytes | None) -> list[Any]:
    """Return a tensor's values; raises InputError unless its shape is [records] or [records, 1]."""
    field = f"inputs.{tensor.name}"
    if tensor.shape[1:] not in ([], [1]):
        raise InputError.of(f"{field}.shape", f"must be [records] or [records, 1], and is {tensor.shape}")
    if raw is None:
        if tensor.data is None:
            raise InputError.of(f"{field}.data", "is required without a binary_data_size")
        values = _flat(tensor.data)
        _require_range(field, tensor.datatype, values)
    elif tensor.datatype == BYTES:
        values = _texts(field, raw)
    else:
        values = _numbers(field, tensor.datatype, raw)
    if len(values) != tensor.shape[0]:
        raise InputError.of(field, f"has {len(values)} values, and its shape {tensor.shape} wants {tensor.shape[0]}")
    return values


def _require_range(field: str, datatype: str, values: list[Any]) -> None:
    """Raise InputError for an integer that its datatype cannot hold, as no binary tensor could."""
    if "INT" not in datatype:
        return
    limits = np.iinfo(np.dtype(_DTYPES[datatype]))
    low, high = int(limits.min), int(limits.max)
    for place, value in enumerate(values):
        if isinstance(value, int) and not low <= value <= high:
            raise InputError.of(f"{field}.data[{place}]", f"must be {low} to {high} as {datatype}")


def _flat(data: list[Any]) -> list[Any]:
    """Flatten ``[[a], [b]]`` to ``[a, b]``, since both are allowed. The schema refuses deeper nesting."""
    if any(isinstance(value, list) for value in data):
        return [item for value in data for item in (value if isinstance(value, list) else [value])]
    return data


def _numbers(field: str, datatype: str, raw: bytes) -> list[Any]:
    dtype = np.dtype(_DTYPES[datatype])
    if len(raw) % dtype.itemsize:
        raise MalformedError.of(field, f"has {len(raw)} bytes, which is no multiple of {datatype}'s {dtype.itemsize}")
    if datatype == "BOOL" and raw.strip(b"\x00\x01"):
        raise MalformedError.of(field, "a BOOL must be a byte of 0 or 1")
    values: list[Any] = np.frombuffer(raw, dtype=dtype).tolist()
    return values


def _texts(field: str, raw: bytes) -> list[Any]:
    texts: list[Any] = []
    position = 0
    while position < len(raw):
        start = position + _LENGTH.size
        if start > len(raw):
            raise MalformedError.of(field, "ends inside a length")
        (length,) = _LENGTH.unpack_from(raw, position)
        position = start + length
        if position > len(raw):
            raise MalformedError.of(field, f"element {len(texts)} says it has {length} bytes, and fewer follow")
        texts.append(_text(f"{field}[{len(texts)}]", raw[start:position]))
    return texts


def _text(field: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedError.of(field, "must be UTF-8") from None
