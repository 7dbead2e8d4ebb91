"""Builds the OpenAPI document: FastAPI's, expanded for the deployed models and features.

FastAPI documents routes whose paths have models and entities as parameters. This module repeats each route for every
model, version and entity with its record schemas, for readers and generated clients.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from slipway.config import Authorization, Config
from slipway.serving.apis import features, feedback, predict, rank
from slipway.serving.apis.tensor_answers import BINARY
from slipway.serving.http.app import API_VERSION
from slipway.serving.http.errors import PROBLEM_JSON
from slipway.serving.http.openapi_examples import (
    EXAMPLE_ID,
    example_entity,
    example_feedback,
    example_infer,
    example_record,
    example_rows,
)
from slipway.serving.http.openapi_schemas import (
    entity_schemas,
    entity_type_name,
    infer_schemas,
    tensor_schemas,
    type_name,
    version_schemas,
)
from slipway.serving.prediction.ranking import rank_names
from slipway.serving.prediction.served import ServedModels, ServedVersion

Json = dict[str, Any]
_SECURITY: dict[Authorization, Json] = {
    Authorization.IAM: {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    Authorization.JWT: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


def openapi_document(models: ServedModels, routers: Sequence[APIRouter]) -> Json:
    """Build the JSON document of ``routers``. It is not cached, because a release changes the stable version."""
    config = models.config
    document = get_openapi(
        title=config.project,
        version=API_VERSION,
        description="Predictions, features and feedback.",
        routes=[route for router in routers for route in router.routes],
    )
    schemas: Json = document["components"]["schemas"] | infer_schemas()
    for name in config.models:
        for served in models.loaded(name).values():
            schemas |= version_schemas(served) | tensor_schemas(served)
    for entity in _entities(config):
        schemas |= entity_schemas(config, entity)
    document["components"]["schemas"] = schemas
    document["paths"] = dict(_paths(document["paths"], models))
    _use_problem_documents(document)
    _secure(document, config)
    return document


def _paths(templates: Json, models: ServedModels) -> Iterator[tuple[str, Json]]:
    """Yield each path with its operations, once for each model, version or entity that it can name."""
    for path, operations in templates.items():
        if "{model}" in path:
            yield from _of_models(path, operations, models)
        elif path.startswith("/v1/features") and not models.config.features:
            continue
        elif "{entity}" in path:
            yield from _of_entities(path, operations, models.config)
        else:
            yield path, _shared(path, operations, models.config)


def _of_models(path: str, operations: Json, models: ServedModels) -> Iterator[tuple[str, Json]]:
    for name in models.config.models:
        loaded = models.loaded(name)
        stable = models.releases.of(name).stable
        numbers = loaded if "{version}" in path else [stable] if stable in loaded else []
        for number in numbers:
            label = f"{name} {number}" if "{version}" in path else name
            at = path.replace("{model}", name).replace("{version}", str(number))
            yield at, {method: _of_version(path, each, label, loaded[number]) for method, each in operations.items()}


def _of_version(path: str, operation: Json, label: str, served: ServedVersion) -> Json:
    made = _named(operation, label)
    name, manifest = type_name(served), served.manifest
    record = example_record(served)
    if path in (predict.PREDICT, predict.PREDICT_VERSION):
        made["description"] = manifest.description
        made["requestBody"] = _body(f"{name}Request", {"inputs": [record]})
        made["responses"]["200"]["content"]["application/json"]["schema"] = _ref(f"{name}Predictions")
    elif path in (rank.RANK, rank.RANK_VERSION):
        names = rank_names(manifest)
        by = {"by": names[-1]} if names else {}
        made["requestBody"] = _body(f"{name}RankRequest", {"items": [record, record], **by, "limit": 1})
    elif path.endswith("/infer"):
        made["requestBody"] = _body(f"{name}InferRequest", example_infer(served))
        made["responses"]["200"]["content"]["application/json"]["schema"] = _ref(f"{name}InferResponse")
        made["responses"]["200"]["content"][BINARY] = {"schema": {"type": "string", "format": "binary"}}
    return made


def _of_entities(path: str, operations: Json, config: Config) -> Iterator[tuple[str, Json]]:
    for entity in _entities(config):
        made = {method: _named(each, entity) for method, each in operations.items()}
        for operation in made.values():
            operation["parameters"] = [{**each, "example": EXAMPLE_ID} for each in operation["parameters"]]
        made["put"]["requestBody"] = _body(entity_type_name(entity), example_entity(config, entity))
        yield path.replace("{entity}", entity), made


def _shared(path: str, operations: Json, config: Config) -> Json:
    examples = {feedback.FEEDBACK: example_feedback}
    if config.features:
        examples[features.BATCH_WRITE] = example_rows
    if path in examples:
        operations["post"]["requestBody"]["content"]["application/json"]["example"] = examples[path](config)
    return operations


def _named(operation: Json, label: str) -> Json:
    """Copy an operation for one model, version or entity, which is then no longer a parameter."""
    made = deepcopy(operation)
    made["operationId"] = f"{operation['operationId']}_{label}".replace(" ", "_").replace("-", "_")
    made["summary"] = f"{operation['summary']}: {label}"
    made["parameters"] = [each for each in operation["parameters"] if each["name"] == "id"]
    return made


def _use_problem_documents(document: Json) -> None:
    """Set the media type of errors, and remove FastAPI's own error format, which this API does not use."""
    for operations in document["paths"].values():
        for operation in operations.values():
            responses: Json = operation["responses"]
            for status, response in list(responses.items()):
                schema = response.get("content", {}).get("application/json", {}).get("schema", {})
                if schema == _ref("HTTPValidationError"):
                    del responses[status]
                elif schema == _ref("Problem"):
                    response["content"] = {PROBLEM_JSON: {"schema": schema}}
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _secure(document: Json, config: Config) -> None:
    authorization = config.api.authorization
    if scheme := _SECURITY.get(authorization):
        document["components"]["securitySchemes"] = {authorization.value: scheme}
        document["security"] = [{authorization.value: []}]


def _entities(config: Config) -> list[str]:
    return list(dict.fromkeys(group.entity for group in config.features.values()))


def _body(schema: str, example: Any) -> Json:
    return {"required": True, "content": {"application/json": {"schema": _ref(schema), "example": example}}}


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}
