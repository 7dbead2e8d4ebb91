"""The HTTP routes of predictions in Slipway's own protocol."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from slipway.config.api import DEVICE_HEADER
from slipway.errors import NotFoundError
from slipway.serving.http.bodies import read_json_body
from slipway.serving.http.context import prediction_context
from slipway.serving.http.responses import json_response, operation_id, problems
from slipway.serving.prediction.answers import Predictions
from slipway.serving.prediction.device_ids import ByDevice
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.request import Ask

PREDICT = "/v1/models/{model}/predict"
PREDICT_VERSION = "/v1/models/{model}/versions/{version}/predict"
_VERSION_DIGITS = 10
_ERRORS = problems(400, 413, 415, 422, 429, 500, 503)

# Outside the document of the API: a form cannot say that the ids must be recent, and as many as the records.
DeviceIds = Annotated[
    str | None, Header(alias=DEVICE_HEADER, pattern=r"^[0-9a-f]{24}(,[0-9a-f]{24})*$", include_in_schema=False)
]

router = APIRouter(tags=["Predictions"], generate_unique_id_function=operation_id)


def pipeline_of(request: Request) -> PredictionPipeline:
    """Return the app's pipeline."""
    pipeline: PredictionPipeline = request.app.state.pipeline
    return pipeline


@router.post(PREDICT, name="predict", response_model=Predictions, responses=_ERRORS)
async def predict(request: Request, model: str) -> Response:
    """Predict each record with the version that the release assigns."""
    return await _predict(request, model, None, None)


@router.post(PREDICT_VERSION, name="predict_version", response_model=Predictions, responses=_ERRORS)
async def predict_version(request: Request, model: str, version: str, device_ids: DeviceIds = None) -> Response:
    """Predict each record with the addressed version."""
    return await _predict(request, model, version, device_ids)


async def _predict(request: Request, model: str, version: str | None, device_ids: str | None) -> Response:
    context = prediction_context(request)
    body = await read_json_body(request)
    pipeline = pipeline_of(request)
    placing = None if device_ids is None else ByDevice(device_ids)
    ask = Ask(model, version_number(model, version), lambda reader: reader.from_json(body), placing)
    answer = pipeline.models.answer(model, await pipeline.predict(ask, context))
    return json_response(answer, exclude_unset=True)


def version_number(model: str, version: str | None) -> int | None:
    """Parse the version of a path, if it has one; raises NotFoundError for text that cannot be a version."""
    if version is None:
        return None
    if not (version.isascii() and version.isdecimal() and version[0] != "0" and len(version) <= _VERSION_DIGITS):
        raise NotFoundError(f"version of {model[:100]}", version[:100])
    return int(version)
