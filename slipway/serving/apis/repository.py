"""Triton's routes about its repository: the index, and a model's configuration.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_configuration.md
"""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from slipway.serving.apis.oip import MODEL, VERSION, ModelMetadata, TensorMetadata, describe
from slipway.serving.apis.predict import pipeline_of, version_number
from slipway.serving.apis.tensors import BYTES
from slipway.serving.http.responses import infer_errors, operation_id
from slipway.serving.prediction.served import ServedModels

INDEX = "/v2/repository/index"

router = APIRouter(tags=["Open Inference Protocol"], generate_unique_id_function=operation_id)


class IndexRequest(BaseModel):
    """Which versions to list: with ``ready``, only those that answer."""

    model_config = ConfigDict(extra="ignore")

    ready: bool | None = None


class IndexedVersion(BaseModel):
    """A deployed version. ``reason`` says why an unavailable one does not answer here."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class ConfiguredTensor(BaseModel):
    """A tensor of a record, without the dimension of the batch."""

    name: str
    data_type: str
    dims: list[int]


class ModelConfiguration(BaseModel):
    """The part of Triton's model configuration that is true of this server."""

    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[ConfiguredTensor]
    output: list[ConfiguredTensor]


@router.post(INDEX, name="repository_index", responses=infer_errors(400, 413, 415, 500))
async def repository_index(request: Request, body: IndexRequest | None = None) -> list[IndexedVersion]:
    """List the deployed versions, each with whether it answers here."""
    listed = _index(pipeline_of(request).models)
    return [each for each in listed if each.state == "READY"] if body is not None and body.ready else listed


@router.get(f"{MODEL}/config", name="model_config", responses=infer_errors(404, 500, 503))
async def model_configuration(request: Request, model: str) -> ModelConfiguration:
    """Return a model's configuration."""
    models = pipeline_of(request).models
    return _configuration(models, describe(models, model, None))


@router.get(f"{VERSION}/config", name="version_config", responses=infer_errors(404, 500, 503))
async def version_configuration(request: Request, model: str, version: str) -> ModelConfiguration:
    """Return a version's configuration."""
    models = pipeline_of(request).models
    return _configuration(models, describe(models, model, version_number(model, version)))


def _index(models: ServedModels) -> list[IndexedVersion]:
    return [_indexed(models, name, number) for name in models.config.models for number in models.versions(name)]


def _indexed(models: ServedModels, name: str, number: int) -> IndexedVersion:
    if number in models.loaded(name):
        return IndexedVersion(name=name, version=str(number), state="READY", reason="")
    failure = models.failures.get((name, number))
    reason = failure.reason if failure else "not loaded by this process"
    return IndexedVersion(name=name, version=str(number), state="UNAVAILABLE", reason=reason)


def _configuration(models: ServedModels, metadata: ModelMetadata) -> ModelConfiguration:
    return ModelConfiguration(
        name=metadata.name,
        platform=metadata.platform,
        backend="onnxruntime",
        max_batch_size=models.config.api.limits.records,
        input=[_configured(each) for each in metadata.inputs],
        output=[_configured(each) for each in metadata.outputs],
    )


def _configured(tensor: TensorMetadata) -> ConfiguredTensor:
    """Rename a datatype as Triton's configuration does; a scalar of a record has the dimension 1 there."""
    data_type = "TYPE_STRING" if tensor.datatype == BYTES else f"TYPE_{tensor.datatype}"
    return ConfiguredTensor(name=tensor.name, data_type=data_type, dims=tensor.shape[1:] or [1])
