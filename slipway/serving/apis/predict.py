"""Slipway's own protocol: predictions, and what is deployed."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from slipway.serving.http.exchange import Answer, Call, require_json
from slipway.serving.http.routes import Route, Routes, version_parameter
from slipway.serving.prediction.request import Ask, Predicting, Prediction
from slipway.serving.prediction.service import PredictionService


def v1_routes(service: PredictionService, predicting: Predicting | None = None) -> Routes:
    """Predictions and descriptions of the models of ``service``; ``predicting`` is by default its own `endpoint`."""

    def ask(call: Call) -> Ask:
        require_json(call)
        return ask_v1(call.parameters["model"], version_parameter(call), call.body)

    def list_models(_: Call) -> Answer:
        return Answer(to_json({"models": [describe_model(service, name) for name in service.config.models]}))

    def show_model(call: Call) -> Answer:
        return Answer(to_json(describe_model(service, call.parameters["model"])))

    predict = (predicting or service.endpoint)(ask)
    return (
        Route("POST", "/v1/models/{model}/predict", predict, timed=True, name="predict"),
        Route("POST", "/v1/models/{model}/versions/{version}/predict", predict, timed=True, name="predict_version"),
        Route("GET", "/v1/models", list_models, name="list_models"),
        Route("GET", "/v1/models/{model}", show_model, name="show_model"),
    )


def ask_v1(model: str, version: int | None, body: bytes) -> Ask:
    """What ``{"inputs": [...]}`` asks of a model."""

    def answer(predictions: list[Prediction]) -> Answer:
        return Answer(to_json({"model": model, "predictions": [prediction_document(made) for made in predictions]}))

    return Ask(model, version, lambda reader: reader.from_json(body), answer)


def prediction_document(made: Prediction) -> dict[str, Any]:
    """One prediction as v1 answers it."""
    return {"id": made.id, "version": made.version, **made.output, "cached": made.cached}


def describe_model(service: PredictionService, name: str) -> dict[str, Any]:
    """What is deployed of a model, with its schemas if this process serves it; raises NotFoundError."""
    config = service.model(name)
    own, known = service.releases.of(name), service.releases.known(name)
    # A slot has one version, whatever part it plays in a release.
    release = known.release if known and config.tier == "heavy" else own
    described: dict[str, Any] = {
        "name": name,
        "tier": config.tier,
        "release": {
            "stable": release.stable,
            "strategy": release.strategy,
            "candidates": [{"version": c.version, "share": c.share} for c in release.candidates],
            "id": known.id if known else None,
            "phase": known.phase if known else None,
        },
    }
    if not service.is_loaded(name):
        return {**described, "versions": [{"version": number} for number in config.versions]}
    stable = service.version(name, own.stable).predictor.manifest
    versions = [_describe_version(service, name, number) for number in config.versions]
    return {**described, "task": stable.task, "description": stable.description, "versions": versions}


def _describe_version(service: PredictionService, name: str, number: int) -> Mapping[str, Any]:
    if not service.is_loaded(name, number):
        return {"version": number}
    served = service.version(name, number)
    manifest = served.predictor.manifest
    return {
        "version": number,
        "task": manifest.task,
        "description": manifest.description,
        "inputs": [field.model_dump(mode="json", exclude_none=True) for field in manifest.inputs],
        "outputs": manifest.outputs.model_dump(mode="json", exclude_none=True),
        "record_schema": served.reader.record.model_json_schema(),
        "quality": [measurement.model_dump(mode="json") for measurement in manifest.quality],
        "quantization": manifest.quantization.model_dump(mode="json") if manifest.quantization else None,
        "bytes": sum(entry.bytes for entry in manifest.files),
    }
