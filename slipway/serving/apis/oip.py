"""The HTTP routes of the Open Inference Protocol, version 2, which Triton, MLServer and KServe clients use."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from slipway.errors import MalformedError
from slipway.models.answer_forms import AnswerForm, stated_form
from slipway.serving.apis.health import is_ready
from slipway.serving.apis.predict import pipeline_of, version_number
from slipway.serving.apis.tensor_answers import ByForm, InferResponse, infer_response, output_tensors
from slipway.serving.apis.tensor_records import TensorReader, accepted_datatypes
from slipway.serving.apis.tensors import InferRequest
from slipway.serving.http.bodies import require_plain
from slipway.serving.http.context import prediction_context
from slipway.serving.http.errors import RETRY_AFTER_SECONDS
from slipway.serving.http.intact import require_intact
from slipway.serving.http.responses import infer_errors, json_response, operation_id
from slipway.serving.prediction.reading import read_json
from slipway.serving.prediction.request import Ask
from slipway.serving.prediction.served import ServedModels

HEADER_LENGTH = "inference-header-content-length"
MODEL, VERSION = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
_EXTENSIONS = ["binary_tensor_data", "model_configuration", "statistics"]
_ERRORS = infer_errors(400, 413, 415, 429, 500, 503)

router = APIRouter(tags=["Open Inference Protocol"], generate_unique_id_function=operation_id)


class TensorParameters(BaseModel):
    """What each number of a record stands for, in order: labels or targets."""

    columns: list[str]


class TensorMetadata(BaseModel):
    """A tensor of a model: its name, datatype and shape; -1 stands for any size.

    ``parameters`` name the numbers of a tensor with several for each record.
    """

    name: str
    datatype: str
    shape: list[int]
    parameters: TensorParameters | None = None


class ModelMetadata(BaseModel):
    """A model's versions, platform and tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """The server's name and extensions."""

    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    """Whether the server is alive."""

    live: bool


class Ready(BaseModel):
    """Whether the server accepts requests."""

    ready: bool


class ModelReady(BaseModel):
    """Whether the model is loaded."""

    name: str
    ready: bool


@router.get("/v2", name="server_metadata", responses=infer_errors(500))
async def server_metadata(request: Request) -> ServerMetadata:
    """Return the server's metadata."""
    project = pipeline_of(request).models.config.project
    return ServerMetadata(name=project, version="2", extensions=_EXTENSIONS)


@router.get("/v2/health/live", name="live", responses=infer_errors(500))
async def live() -> Live:
    """Report whether the server is alive."""
    return Live(live=True)


@router.get("/v2/health/ready", name="ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(request: Request) -> Response:
    """Report whether the server is ready: every model is loaded, and the process is not stopping."""
    if is_ready(request):
        return json_response(Ready(ready=True))
    return not_ready()


@router.get(MODEL, name="model_metadata", response_model_exclude_none=True, responses=infer_errors(404, 500))
async def model_metadata(request: Request, model: str) -> ModelMetadata:
    """Return a model's metadata."""
    return describe(pipeline_of(request).models, model, None)


@router.get(VERSION, name="version_metadata", response_model_exclude_none=True, responses=infer_errors(404, 500))
async def version_metadata(request: Request, model: str, version: str) -> ModelMetadata:
    """Return a version's metadata."""
    return describe(pipeline_of(request).models, model, version_number(model, version))


@router.get(f"{MODEL}/ready", name="model_ready", responses=infer_errors(404, 500))
async def model_ready(request: Request, model: str) -> ModelReady:
    """Report whether a model is ready."""
    pipeline_of(request).models.version(model)
    return ModelReady(name=model, ready=True)


@router.get(f"{VERSION}/ready", name="version_ready", responses=infer_errors(404, 500))
async def version_ready(request: Request, model: str, version: str) -> ModelReady:
    """Report whether a version is ready."""
    pipeline_of(request).models.version(model, version_number(model, version))
    return ModelReady(name=model, ready=True)


@router.post(f"{MODEL}/infer", name="infer", response_model=InferResponse, responses=_ERRORS)
async def infer(request: Request, model: str) -> Response:
    """Run inference with a model.

    Tensors have the shape [records] or [records, 1], as JSON or in Triton's binary extension.
    """
    return await _infer(request, model, None)


@router.post(f"{VERSION}/infer", name="infer_version", response_model=InferResponse, responses=_ERRORS)
async def infer_version(request: Request, model: str, version: str) -> Response:
    """Run inference with a version."""
    return await _infer(request, model, version)


def not_ready() -> Response:
    """Return the answer that tells a load balancer to stop sending requests; it does not count as an error."""
    answer = json_response(Ready(ready=False), 503)
    answer.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return answer


async def _infer(request: Request, model: str, version: str | None) -> Response:
    context = prediction_context(request)
    require_plain(request)
    body = await request.body()
    if HEADER_LENGTH not in request.headers:  # a body with binary tensors arrives as bytes, and is no text
        require_intact(request, body)
    header, behind = _split(request, body)
    wanted = read_json(InferRequest, header)
    pipeline, number = pipeline_of(request), version_number(model, version)
    read = TensorReader(pipeline.models, model, number, wanted, behind)
    predictions = await pipeline.predict(Ask(model, number, read, ByForm(pipeline.models, wanted)), context)
    first = predictions[0]  # `ByForm` has seen to it that all are of one form
    form = pipeline.models.answer_form(model, first.version, first.output)
    return infer_response(wanted, model, predictions, form)


def _split(request: Request, body: bytes) -> tuple[bytes, bytes]:
    """Split a body into its JSON and the bytes that follow."""
    text = request.headers.get(HEADER_LENGTH)
    if text is None:
        return body, b""
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= len(body)):
        raise MalformedError.of(HEADER_LENGTH, "must be the length of the JSON at the start of the body")
    return body[: int(text)], body[int(text) :]


def describe(models: ServedModels, model: str, version: int | None) -> ModelMetadata:
    """Return a model's metadata; raises NotFoundError."""
    served = models.version(model, version)
    manifest = served.manifest
    inputs = [
        TensorMetadata(name=name, datatype=datatypes[0], shape=[-1])
        for name, datatypes in accepted_datatypes(manifest, served.reader.record).items()
    ]
    outputs = _described_outputs(stated_form(manifest))
    versions = [str(number) for number in models.versions(model)]
    return ModelMetadata(
        name=model,
        versions=versions if version is None else [str(version)],
        platform="onnxruntime_onnx",
        inputs=inputs,
        outputs=outputs,
    )


def _described_outputs(form: AnswerForm) -> list[TensorMetadata]:
    return [
        TensorMetadata(
            name=name,
            datatype=datatype,
            shape=[-1, *shape],
            parameters=TensorParameters(columns=list(form.columns)) if shape else None,
        )
        for name, datatype, shape in output_tensors(form)
    ]
