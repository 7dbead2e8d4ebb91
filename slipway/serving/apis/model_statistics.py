"""Triton's statistics: what this process has done since it started, by version.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
"""

from collections.abc import Iterable

from fastapi import APIRouter, Request
from pydantic import BaseModel

from slipway.serving.apis.oip import MODEL, VERSION
from slipway.serving.apis.predict import pipeline_of, version_number
from slipway.serving.http.responses import infer_errors, operation_id
from slipway.serving.prediction.served import ServedModels
from slipway.serving.prediction.version_statistics import Durations, Statistics

ALL = "/v2/models/stats"
_NANOSECONDS = 1_000_000_000

router = APIRouter(tags=["Open Inference Protocol"], generate_unique_id_function=operation_id)


class Duration(BaseModel):
    """How often something was done, and the nanoseconds that it took in all."""

    count: int = 0
    ns: int = 0


class InferenceStatistics(BaseModel):
    """Requests: answered, failed, and their parts. What is not measured apart, or never happens, stays 0."""

    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration = Duration()
    compute_infer: Duration
    compute_output: Duration = Duration()
    cache_hit: Duration


class BatchStatistics(BaseModel):
    """Runs of the graph on one number of records."""

    batch_size: int
    compute_input: Duration = Duration()
    compute_infer: Duration
    compute_output: Duration = Duration()


class ModelStatistics(BaseModel):
    """What this process has done with one version."""

    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[BatchStatistics]


class ListedStatistics(BaseModel):
    """The statistics of the versions that this process serves."""

    model_stats: list[ModelStatistics]


@router.get(ALL, name="statistics", responses=infer_errors(500))
async def statistics(request: Request) -> ListedStatistics:
    """Return what this process has done since it started with each version that it serves."""
    pipeline = pipeline_of(request)
    models = pipeline.models
    served = ((name, number) for name in models.config.models for number in models.loaded(name))
    return ListedStatistics(model_stats=[_described(pipeline.statistics, *each) for each in served])


@router.get(f"{MODEL}/stats", name="model_statistics", responses=infer_errors(404, 500, 503))
async def model_statistics(request: Request, model: str) -> ListedStatistics:
    """Return what this process has done since it started with each version of a model."""
    pipeline = pipeline_of(request)
    served = _served_versions(pipeline.models, model)
    return ListedStatistics(model_stats=[_described(pipeline.statistics, model, number) for number in served])


@router.get(f"{VERSION}/stats", name="version_statistics", responses=infer_errors(404, 500, 503))
async def version_statistics(request: Request, model: str, version: str) -> ListedStatistics:
    """Return what this process has done since it started with a version."""
    pipeline = pipeline_of(request)
    served = pipeline.models.version(model, version_number(model, version)).manifest
    return ListedStatistics(model_stats=[_described(pipeline.statistics, model, served.version)])


def _served_versions(models: ServedModels, model: str) -> Iterable[int]:
    """Return the loaded versions of a model; if there are none, raise the reason."""
    models.model(model)
    return models.loaded(model) or [models.version(model).manifest.version]


def _described(statistics: Statistics, model: str, version: int) -> ModelStatistics:
    found = statistics.of(model, version)
    batches = sorted(found.batches.items())
    return ModelStatistics(
        name=model,
        version=str(version),
        last_inference=int(found.last_request * 1000),
        inference_count=sum(size * runs.count for size, runs in batches),
        execution_count=sum(runs.count for _, runs in batches),
        inference_stats=InferenceStatistics(
            success=_duration(found.answered),
            fail=_duration(found.failed),
            queue=_duration(found.queued),
            compute_infer=_duration(found.ran),
            cache_hit=_duration(found.cached),
        ),
        batch_stats=[BatchStatistics(batch_size=size, compute_infer=_duration(runs)) for size, runs in batches],
    )


def _duration(durations: Durations) -> Duration:
    return Duration(count=durations.count, ns=round(durations.seconds * _NANOSECONDS))
