"""Creates the app of a slot, which serves its one version in every protocol."""

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware import Middleware

from slipway.serving.apis import health, model_statistics, models, oip, predict, rank, repository, sagemaker
from slipway.serving.apis.health import Readiness
from slipway.serving.http.app import AppSettings, create_app
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.slot.lifecycle import CloseConnections, Housekeeping
from slipway.serving.slot.overload import RefuseOverload

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

ROUTERS = (
    *(predict.router, model_statistics.router, oip.router, repository.router, sagemaker.router),
    *(rank.router, models.router, health.router),
)


def slot_app(
    pipeline: PredictionPipeline,
    housekeeping: Housekeeping,
    readiness: Readiness,
    tracer_provider: "TracerProvider | None" = None,
) -> FastAPI:
    """Create a slot's app from a pipeline; ``housekeeping`` runs while the app lives."""
    config, telemetry = pipeline.models.config, housekeeping.telemetry
    settings = AppSettings(
        config.project,
        config.api.limits.body_bytes,
        telemetry,
        {"pipeline": pipeline, "readiness": readiness},
        outside=(
            Middleware(CloseConnections, readiness=readiness),
            Middleware(RefuseOverload, executor=housekeeping.runner.executor, telemetry=telemetry),
        ),
        lifespan=housekeeping.lifespan,
        tracer_provider=tracer_provider,
        cors=config.api.cors,
    )
    return create_app(settings, ROUTERS)
