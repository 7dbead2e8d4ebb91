"""Converts the tensors of an Open Inference Protocol request to records."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from slipway.config import FeatureType
from slipway.errors import InputError
from slipway.models.answer_forms import stated_form
from slipway.models.manifest import InputField, Manifest
from slipway.models.schema import RequestRecord
from slipway.serving.apis.tensor_answers import output_tensors
from slipway.serving.apis.tensors import BYTES, InferRequest, read_columns
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.served import ServedModels

_INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")
_DATATYPES: Mapping[FeatureType, tuple[str, ...]] = {
    FeatureType.STRING: (BYTES,),
    FeatureType.INTEGER: _INTEGERS,
    FeatureType.FLOAT: ("FP64", "FP32", "FP16", *_INTEGERS),
    FeatureType.BOOLEAN: ("BOOL",),
}
"""The datatypes accepted for each feature type; the metadata names the first."""


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
    known = [name for name, _, _ in output_tensors(stated_form(manifest))]
    for output in request.outputs:
        if output.name not in known:
            raise InputError.of(f"outputs.{output.name[:100]}", f"is not an output; there is {', '.join(known)}")
        if unsupported := {"classification", "shared_memory_region"} & output.parameters.keys():
            raise InputError.of(f"outputs.{output.name}.parameters", f"{unsupported.pop()} is not supported")
