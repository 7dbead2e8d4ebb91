"""The Open Inference Protocol, version 2, over HTTP: what Triton, MLServer and KServe clients speak."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Any

from pydantic_core import to_json

from slipway.config import FeatureType
from slipway.errors import InputError, MalformedError
from slipway.models.manifest import BUILT_IN_TASKS, Manifest
from slipway.models.schema import RequestRecord
from slipway.serving.apis.tensors import BYTES, InferRequest, OutputTensor, read_columns
from slipway.serving.http.errors import headers_for
from slipway.serving.http.exchange import Answer, Call, require_plain
from slipway.serving.http.oip_errors import oip_error
from slipway.serving.http.routes import Route, Routes, version_parameter
from slipway.serving.prediction.reading import RecordReader, read_json
from slipway.serving.prediction.request import Ask, Predicting, Prediction
from slipway.serving.prediction.service import PredictionService

HEADER_LENGTH = "inference-header-content-length"
BINARY = "application/octet-stream"
PREDICTION_ID = "prediction_id"
_ABSENT = "absent"

_DATATYPES: Mapping[FeatureType, tuple[str, ...]] = {
    FeatureType.STRING: (BYTES,),
    FeatureType.INTEGER: ("INT64", "INT32", "INT16", "INT8"),
    FeatureType.FLOAT: ("FP64", "FP32", "INT64", "INT32", "INT16", "INT8"),
    FeatureType.BOOLEAN: ("BOOL",),
}
"""What may carry a field's values; the first is what the metadata says."""


def oip_routes(
    service: PredictionService, predicting: Predicting | None = None, *, is_ready: Callable[[], bool] = lambda: True
) -> Routes:
    """Server, model and inference routes of the protocol for the models of ``service``.

    ``predicting`` is by default the service's own `endpoint`. An app that exists is ready, unless ``is_ready`` says no.
    """

    def model_metadata(call: Call) -> Answer:
        model, version = call.parameters["model"], version_parameter(call)
        return Answer(to_json(describe(service, model, version)))

    def model_ready(call: Call) -> Answer:
        service.version(call.parameters["model"], version_parameter(call))
        return Answer(to_json({"name": call.parameters["model"], "ready": True}))

    def ready(_: Call) -> Answer:
        return Answer(b'{"ready":true}') if is_ready() else not_ready()

    infer = (predicting or service.endpoint)(partial(_ask, service))

    def server(_: Call) -> Answer:
        body = {"name": service.config.project, "version": "2", "extensions": ["binary_tensor_data"]}
        return Answer(to_json(body))

    model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    return (
        Route("POST", f"{model}/infer", infer, oip_error, timed=True, name="infer"),
        Route("POST", f"{version}/infer", infer, oip_error, timed=True, name="infer_version"),
        Route("GET", "/v2", server, oip_error, name="server_metadata"),
        Route("GET", "/v2/health/live", _live, oip_error, name="live"),
        Route("GET", "/v2/health/ready", ready, oip_error, name="ready"),
        Route("GET", model, model_metadata, oip_error, name="model_metadata"),
        Route("GET", version, model_metadata, oip_error, name="version_metadata"),
        Route("GET", f"{model}/ready", model_ready, oip_error, name="model_ready"),
        Route("GET", f"{version}/ready", model_ready, oip_error, name="version_ready"),
    )


def _live(_: Call) -> Answer:
    return Answer(b'{"live":true}')


def not_ready() -> Answer:
    """What a load balancer gets to hear; no error, since nothing went wrong."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(b'{"ready":false}', status, headers=headers_for(status))


def describe(service: PredictionService, model: str, version: int | None) -> dict[str, Any]:
    """A model's metadata; raises NotFoundError."""
    served = service.version(model, version)
    manifest = served.predictor.manifest
    inputs = [
        {"name": name, "datatype": datatypes[0], "shape": [-1]}
        for name, datatypes in accepted_datatypes(manifest, served.reader.record).items()
    ]
    outputs = [
        {"name": name, "datatype": datatype, "shape": [-1, *shape]} for name, datatype, shape in _outputs(manifest)
    ]
    versions = [str(number) for number in service.config.models[model].versions]
    return {
        "name": model,
        "versions": versions if version is None else [str(version)],
        "platform": "onnxruntime_onnx",
        "inputs": inputs,
        "outputs": outputs,
    }


def accepted_datatypes(manifest: Manifest, record: type[RequestRecord]) -> dict[str, tuple[str, ...]]:
    """The tensors that a version takes: its inputs, and the ids of the entities to fetch features for."""
    fields = {field.name: _DATATYPES[field.type] for field in manifest.inputs}
    return {**fields, **dict.fromkeys(record.plan.entity_attributes, _DATATYPES[FeatureType.STRING])}


def _ask(service: PredictionService, call: Call) -> Ask:
    require_plain(call)
    header, behind = _split(call)
    request = read_json(InferRequest, header)
    model, version = call.parameters["model"], version_parameter(call)

    def read(reader: RecordReader) -> list[RequestRecord]:
        manifest = service.version(model, version).predictor.manifest
        _check_outputs(request, manifest)
        _check_inputs(request, accepted_datatypes(manifest, reader.record))
        columns = read_columns(request, behind)
        # One more than allowed is enough for the reader to refuse the rest.
        rows = islice(zip(*columns.values(), strict=True), service.config.api.limits.records + 1)
        return reader.from_records([dict(zip(columns, row, strict=True)) for row in rows])

    def answer(predictions: list[Prediction]) -> Answer:
        first = predictions[0].version
        # What another slot has answered for, by this slot's manifest: it has no other.
        manifest = service.version(model, first if service.is_loaded(model, first) else version).predictor.manifest
        return _answer(request, model, predictions, _tensors(manifest, predictions))

    return Ask(model, version, read, answer)


def _split(call: Call) -> tuple[bytes, bytes]:
    """The JSON and what follows it."""
    text = call.headers.get(HEADER_LENGTH, _ABSENT)
    if text is _ABSENT:
        return call.body, b""
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= len(call.body)):
        raise MalformedError.of(HEADER_LENGTH, "must be the length of the JSON at the start of the body")
    return call.body[: int(text)], call.body[int(text) :]


def _check_inputs(request: InferRequest, accepted: Mapping[str, tuple[str, ...]]) -> None:
    for tensor in request.inputs:
        datatypes = accepted.get(tensor.name)
        if datatypes is None:
            raise InputError.of(f"inputs.{tensor.name[:100]}", f"is not an input; there is {', '.join(accepted)}")
        if tensor.datatype not in datatypes:
            wanted = " or ".join(datatypes)
            raise InputError.of(f"inputs.{tensor.name}.datatype", f"must be {wanted}, not {tensor.datatype}")


def _check_outputs(request: InferRequest, manifest: Manifest) -> None:
    known = [name for name, _, _ in _outputs(manifest)]
    for output in request.outputs:
        if output.name not in known:
            raise InputError.of(f"outputs.{output.name[:100]}", f"is not an output; there is {', '.join(known)}")
        if unsupported := {"classification", "shared_memory_region"} & output.parameters.keys():
            raise InputError.of(f"outputs.{output.name}.parameters", f"{unsupported.pop()} is not supported")


def _outputs(manifest: Manifest) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, datatype and shape of one record's outputs. A task of the user's own answers its JSON as text."""
    common = (PREDICTION_ID, BYTES, ())
    if manifest.task not in BUILT_IN_TASKS:
        return [("output", BYTES, ()), common]
    if manifest.outputs.labels is None:
        return [("value", "FP64", ()), common]
    labels = len(manifest.outputs.labels)
    return [("label", BYTES, ()), ("score", "FP32", ()), ("scores", "FP32", (labels,)), common]


def _tensors(manifest: Manifest, predictions: Sequence[Prediction]) -> list[OutputTensor]:
    return [
        OutputTensor(name, datatype, (len(predictions), *shape), _column(manifest, name, predictions))
        for name, datatype, shape in _outputs(manifest)
    ]


def _column(manifest: Manifest, name: str, predictions: Sequence[Prediction]) -> list[Any]:
    if name == PREDICTION_ID:
        return [made.id for made in predictions]
    if name == "output":
        return [to_json(made.output).decode() for made in predictions]
    if name == "scores":
        return [made.output["scores"][label] for made in predictions for label in manifest.outputs.labels or ()]
    return [made.output[name] for made in predictions]


def _answer(
    request: InferRequest, model: str, predictions: Sequence[Prediction], tensors: Sequence[OutputTensor]
) -> Answer:
    head: dict[str, Any] = {"model_name": model, "outputs": []}
    versions = {made.version for made in predictions}
    if len(versions) == 1:
        head["model_version"] = str(versions.pop())
    if request.id:
        head["id"] = request.id
    behind: list[bytes] = []
    for tensor, is_binary in _wanted(request, tensors):
        raw = tensor.to_bytes() if is_binary else None
        head["outputs"].append(tensor.described(binary_size=None if raw is None else len(raw)))
        if raw is not None:
            behind.append(raw)
    body = to_json(head)
    if not behind:
        return Answer(body)
    return Answer(b"".join([body, *behind]), HTTPStatus.OK, BINARY, {"Inference-Header-Content-Length": str(len(body))})


def _wanted(request: InferRequest, tensors: Sequence[OutputTensor]) -> list[tuple[OutputTensor, bool]]:
    """The tensors to answer with, and whether each is wanted in binary."""
    default = request.parameters.get("binary_data_output") is True
    if not request.outputs:
        return [(tensor, default) for tensor in tensors]
    by_name = {tensor.name: tensor for tensor in tensors}
    return [(by_name[output.name], output.parameters.get("binary_data", default) is True) for output in request.outputs]
