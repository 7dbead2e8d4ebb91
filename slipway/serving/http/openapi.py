"""The OpenAPI document of the whole API, built from the deployed models and the defined features.

Every model, version and entity has operations of its own, so that a reader or a generated client sees the real schema
of a record. It is served by the function `predict`, and describes the routes of the other functions too.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from slipway.config import Authorization, Config
from slipway.serving.apis.features import BatchBody
from slipway.serving.apis.feedback import FeedbackBody
from slipway.serving.apis.tensors import InferRequest
from slipway.serving.http import openapi_parts as parts
from slipway.serving.http.json_schema import Json
from slipway.serving.http.openapi_parts import json_body, operation
from slipway.serving.http.openapi_rank import rank_operation, rank_schemas
from slipway.serving.http.openapi_schemas import FIXED_SCHEMAS
from slipway.serving.prediction.service import PredictionService, ServedVersion

_MODELS = "Models"
_FEATURES = "Features"
_FEEDBACK = "Feedback"
_OIP = "Open Inference Protocol"


def openapi_document(service: PredictionService) -> Json:
    """The document; JSON-able."""
    config = service.config
    served = {
        (name, number): service.version(name, number)
        for name, model in config.models.items()
        for number in model.versions
        if service.is_loaded(name, number)
    }
    requests: list[type[BaseModel]] = [version.reader.request for version in served.values()]
    schemas = {**_schemas([*requests, BatchBody, FeedbackBody, InferRequest]), **FIXED_SCHEMAS}
    paths: Json = {}
    for (name, number), version in served.items():
        schemas[_answer_name(version)] = parts.predictions_schema(version.predictor.manifest)
        schemas |= rank_schemas(version, schemas[version.reader.record.__name__], config.api.limits)
        path = f"/v1/models/{name}/versions/{number}"
        paths[f"{path}/predict"] = {"post": _predict(version, f" {number}")}
        paths[f"{path}/rank"] = {"post": rank_operation(version, f" {number}")}
        paths |= _oip_paths(f"/v2/models/{name}/versions/{number}", f"{name} {number}", version)
    for name in filter(service.is_loaded, config.models):
        stable = served[name, service.releases.of(name).stable]
        paths[f"/v1/models/{name}/predict"] = {"post": _predict(stable, "")}
        paths[f"/v1/models/{name}/rank"] = {"post": rank_operation(stable, "")}
        paths |= _model_paths(name, stable)
    paths |= {**_shared_paths(), **_feature_paths(config), **_feedback_paths(config)}
    schemas |= {parts.entity_schema_name(entity): parts.entity_schema(config, entity) for entity in _entities(config)}
    return {
        "openapi": "3.1.0",
        "info": {"title": config.project, "version": "1", "description": "Predictions, features and feedback."},
        "paths": paths,
        "components": {"schemas": schemas, **_security_schemes(config)},
        **_security(config),
    }


def _schemas(models: list[type[BaseModel]]) -> Json:
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = definitions["$defs"]
    return schemas


def _answer_name(version: ServedVersion) -> str:
    return f"{version.reader.record.__name__}Predictions"


def _predict(version: ServedVersion, suffix: str) -> Json:
    manifest = version.predictor.manifest
    example = {"inputs": [parts.example_record(manifest, version.reader.record)]}
    return operation(
        parts.PREDICTIONS,
        f"predict_{manifest.name}{suffix}".replace(" ", "_").replace("-", "_"),
        f"Predict with {manifest.name}{suffix}",
        manifest.description,
        body=json_body(version.reader.request.__name__, example),
        answers={200: parts.json_answer(_answer_name(version), "A prediction for each record, in order.")},
        problems=(400, 413, 415, 422, 500, 503),
    )


def _model_paths(name: str, stable: ServedVersion) -> Json:
    show = operation(
        _MODELS,
        f"show_{name.replace('-', '_')}",
        f"Describe {name}",
        "",
        answers={200: parts.json_answer("Model", "What is deployed.")},
    )
    return {f"/v1/models/{name}": {"get": show}, **_oip_paths(f"/v2/models/{name}", name, stable)}


def _oip_paths(path: str, label: str, version: ServedVersion) -> Json:
    """The protocol's operations on a model or on one version of it."""
    id = label.replace("-", "_").replace(" ", "_")
    infer = operation(
        _OIP,
        f"infer_{id}",
        f"Infer with {label}",
        "Tensors of shape [records] or [records, 1], as JSON or in the binary extension of Triton.",
        body=json_body("InferRequest", parts.example_infer(version.predictor.manifest, version.reader.record)),
        answers={200: parts.infer_answer()},
        errors=(400, 413, 415, 500, 503),
    )
    metadata = parts.json_answer("ModelMetadata", "Its tensors.")
    ready = parts.json_answer("ModelReady", "It is loaded.")
    return {
        path: {"get": operation(_OIP, f"metadata_{id}", f"Metadata of {label}", "", answers={200: metadata})},
        f"{path}/ready": {"get": operation(_OIP, f"ready_{id}", f"Readiness of {label}", "", answers={200: ready})},
        f"{path}/infer": {"post": infer},
    }


def _shared_paths() -> Json:
    def get(tag: str, id: str, summary: str, schema: str, description: str) -> Json:
        return {"get": operation(tag, id, summary, "", answers={200: parts.json_answer(schema, description)})}

    return {
        "/v1/models": get(_MODELS, "list_models", "List the models", "Models", "What is deployed."),
        "/v2": get(_OIP, "server_metadata", "Metadata of the server", "ServerMetadata", "Name and extensions."),
        "/v2/health/live": get(_OIP, "live", "Liveness", "Live", "The server answers."),
        "/v2/health/ready": get(_OIP, "ready", "Readiness", "Ready", "Every model is loaded."),
        "/ping": get(_MODELS, "ping", "Liveness, as SageMaker asks it", "Ping", "The server answers."),
    }


def _entities(config: Config) -> list[str]:
    return list(dict.fromkeys(group.entity for group in config.features.values()))


def _feature_paths(config: Config) -> Json:
    if not config.features:
        return {}
    batch = operation(
        _FEATURES,
        "write_features",
        "Write rows",
        "Each row is stored or refused by itself. A row older than the stored one is refused.",
        body=json_body("BatchBody", {"rows": [parts.example_row(config)]}),
        answers={200: parts.json_answer("BatchResult", "What became of each row, in order.")},
        problems=(400, 413, 415, 422, 500, 503),
    )
    paths: Json = {"/v1/features/batch-write": {"post": batch}}
    for entity in _entities(config):
        paths[f"/v1/features/{entity}/{{id}}"] = _entity_path(config, entity)
    return paths


def _entity_path(config: Config, entity: str) -> Json:
    id = entity.replace("-", "_")
    get = operation(
        _FEATURES,
        f"get_features_{id}",
        f"Read the features of a {entity}",
        "",
        answers={200: parts.json_answer("StoredFeatures", "The groups that are stored and not expired.")},
        problems=(404, 422, 500, 503),
    )
    put = operation(
        _FEATURES,
        f"put_features_{id}",
        f"Write features of a {entity}",
        "Nothing is written if anything is wrong. Each group is replaced as a whole. A group older than the stored one "
        "is refused with 409, and the others are stored.",
        body=json_body(parts.entity_schema_name(entity), parts.example_entity(config, entity)),
        answers={200: parts.json_answer("StoredGroups", "The groups that were stored.")},
        problems=(400, 409, 413, 415, 422, 500, 503),
    )
    return {"parameters": [parts.ID_PARAMETER], "get": get, "put": put}


def _feedback_paths(config: Config) -> Json:
    example = {"prediction_id": f"{next(iter(config.models))}.1.{'0123456789ab' * 2}", "reward": 1.0}
    post = operation(
        _FEEDBACK,
        "give_feedback",
        "Say what a prediction turned out to deserve",
        "Exactly one of label, value and reward; stored once for each prediction.",
        body=json_body("FeedbackBody", example),
        answers={
            200: parts.json_answer("FeedbackResult", "The same feedback was stored before."),
            201: parts.json_answer("FeedbackResult", "Stored."),
        },
        problems=(400, 404, 409, 413, 415, 422, 500, 503),
    )
    return {"/v1/feedback": {"post": post}}


def _security_schemes(config: Config) -> Mapping[str, Any]:
    scheme = {
        Authorization.IAM: {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        Authorization.JWT: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }.get(config.api.authorization)
    return {"securitySchemes": {config.api.authorization.value: scheme}} if scheme else {}


def _security(config: Config) -> Mapping[str, Any]:
    authorization = config.api.authorization
    return {} if authorization is Authorization.NONE else {"security": [{authorization.value: []}]}
