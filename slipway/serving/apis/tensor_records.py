"""Converts the tensors of an Open Inference Protocol request to records, and predictions to tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fastapi import Response
from pydantic import BaseModel, JsonValue
from pydantic_core import to_json

from slipway.config import FeatureType
from slipway.errors import InputError
from slipway.models.answers import width
from slipway.models.manifest import BUILT_IN_TASKS, Form, InputField, Manifest
from slipway.models.schema import RequestRecord
from slipway.serving.apis.tensors import BYTES, InferRequest, OutputTensor, read_columns
from slipway.serving.http.responses import raw_response
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import Prediction
from slipway.serving.prediction.served import ServedModels

BINARY = "application/octet-stream"
PREDICTION_ID = "prediction_id"

_INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
_DATATYPES: Mapping[FeatureType, tuple[str, ...]] = {
    FeatureType.STRING: (BYTES,),
    FeatureType.INTEGER: _INTEGERS,
    FeatureType.FLOAT: ("FP64", "FP32", "FP16", *_INTEGERS),
    FeatureType.BOOLEAN: ("BOOL",),
}
"""The datatypes accepted for each feature type; the metadata names the first."""


class OutputTensorBody(BaseModel):
    """An output tensor; its values follow the JSON as bytes if ``parameters`` has their size."""

    name: str
    datatype: str
    shape: list[int]
    data: list[JsonValue] | None = None
    parameters: dict[str, JsonValue] | None = None


class InferResponse(BaseModel):
    """The outputs of an inference request."""

    model_name: str
    model_version: str | None = None
    id: str | None = None
    outputs: list[OutputTensorBody]


@dataclass(frozen=True, slots=True)
class TensorReader:
    """Reads the records of a request; ``behind`` holds the bytes after the JSON."""

    models: ServedModels
    model: str
    version: int | None
    request: InferRequest
    behind: bytes

    def __call__(self, reader: RecordReader) -> list[RequestRecord]:
        manifest = self.models.version(self.model, self.version).manifest
        _check_outputs(self.request, manifest)
        _check_inputs(self.request, accepted_datatypes(manifest, reader.record))
        columns = read_columns(self.request, self.behind)
        # One record over the limit is enough for the reader to refuse the request.
        rows = islice(zip(*columns.values(), strict=True), self.models.config.api.limits.records + 1)
        return reader.from_records([dict(zip(columns, row, strict=True)) for row in rows])


def accepted_datatypes(manifest: Manifest, record: type[RequestRecord]) -> dict[str, tuple[str, ...]]:
    """Return the datatypes of a version's input tensors: its inputs, and the ids of entities to fetch features for."""
    fields = {field.name: _datatypes(field) for field in manifest.inputs}
    return {**fields, **dict.fromkeys(record.plan.entity_attributes, _DATATYPES[FeatureType.STRING])}


def _datatypes(field: InputField) -> tuple[str, ...]:
    """The datatypes of one input; data frames hold integers that may be missing as floats."""
    own = _DATATYPES[field.type]
    return (*own, "FP64", "FP32") if field.nullable and field.type is FeatureType.INTEGER else own


def _check_inputs(request: InferRequest, accepted: Mapping[str, tuple[str, ...]]) -> None:
    for tensor in request.inputs:
        datatypes = accepted.get(tensor.name)
        if datatypes is None:
            raise InputError.of(f"inputs.{tensor.name[:100]}", f"is not an input; there is {', '.join(accepted)}")
        if tensor.datatype not in datatypes:
            wanted = " or ".join(datatypes)
            raise InputError.of(f"inputs.{tensor.name}.datatype", f"must be {wanted}, not {tensor.datatype}")


def _check_outputs(request: InferRequest, manifest: Manifest) -> None:
    known = [name for name, _, _ in output_tensors(manifest)]
    for output in request.outputs:
        if output.name not in known:
            raise InputError.of(f"outputs.{output.name[:100]}", f"is not an output; there is {', '.join(known)}")
        if unsupported := {"classification", "shared_memory_region"} & output.parameters.keys():
            raise InputError.of(f"outputs.{output.name}.parameters", f"{unsupported.pop()} is not supported")


def output_tensors(manifest: Manifest) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return name, datatype and shape of one record's outputs. A user's own task answers JSON as text.

    A multi-label version answers for each label, in the manifest's order, whether it applies.
    """
    return [*_answer_tensors(manifest), (PREDICTION_ID, BYTES, ())]


def _answer_tensors(manifest: Manifest) -> list[tuple[str, str, tuple[int, ...]]]:
    if manifest.task not in BUILT_IN_TASKS:
        return [("output", BYTES, ())]
    columns = (width(manifest.outputs),)
    match manifest.outputs.form:
        case Form.LABEL:
            return [("label", BYTES, ()), ("score", "FP32", ()), ("scores", "FP32", columns)]
        case Form.LABELS:
            return [("labels", "BOOL", columns), ("scores", "FP32", columns)]
        case Form.VALUE:
            return [("value", "FP64", ())]
        case Form.VALUES:
            return [("values", "FP64", columns)]


def _tensors(manifest: Manifest, predictions: Sequence[Prediction]) -> list[OutputTensor]:
    return [
        OutputTensor(name, datatype, (len(predictions), *shape), _column(manifest, name, predictions))
        for name, datatype, shape in output_tensors(manifest)
    ]


def _column(manifest: Manifest, name: str, predictions: Sequence[Prediction]) -> list[Any]:
    if name == PREDICTION_ID:
        return [made.id for made in predictions]
    if name == "output":
        return [to_json(made.output).decode() for made in predictions]
    if name == Form.LABELS:
        return [label in made.output[name] for made in predictions for label in manifest.outputs.labels or ()]
    if name in ("scores", Form.VALUES):
        columns = manifest.outputs.labels or manifest.outputs.target_names
        return [made.output[name][column] for made in predictions for column in columns]
    return [made.output[name] for made in predictions]


def infer_response(
    request: InferRequest, model: str, predictions: Sequence[Prediction], manifest: Manifest
) -> Response:
    head: dict[str, Any] = {"model_name": model, "outputs": []}
    versions = {made.version for made in predictions}
    if len(versions) == 1:
        head["model_version"] = str(versions.pop())
    if request.id:
        head["id"] = request.id
    behind: list[bytes] = []
    for tensor, is_binary in _wanted(request, _tensors(manifest, predictions)):
        raw = tensor.to_bytes() if is_binary else None
        head["outputs"].append(tensor.described(binary_size=None if raw is None else len(raw)))
        if raw is not None:
            behind.append(raw)
    body = to_json(head)
    if not behind:
        return raw_response(body)
    return raw_response(b"".join([body, *behind]), BINARY, headers={"Inference-Header-Content-Length": str(len(body))})


def _wanted(request: InferRequest, tensors: Sequence[OutputTensor]) -> list[tuple[OutputTensor, bool]]:
    """Select the requested tensors, each with whether it is requested in binary."""
    default = request.parameters.get("binary_data_output") is True
    if not request.outputs:
        return [(tensor, default) for tensor in tensors]
    by_name = {tensor.name: tensor for tensor in tensors}
    return [(by_name[output.name], output.parameters.get("binary_data", default) is True) for output in request.outputs]
