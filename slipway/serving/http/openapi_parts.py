"""The pieces of the OpenAPI document: operations, schemas of answers, and examples."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from slipway.config import Config, FeatureConfig, FeatureType
from slipway.features.definitions import ID_CHARACTERS
from slipway.models.manifest import BUILT_IN_TASKS, InputField, Manifest
from slipway.models.schema import RequestRecord
from slipway.monitoring.feedback.prediction_ids import PREDICTION_ID_PATTERN
from slipway.serving.http.errors import PROBLEM_JSON
from slipway.serving.http.exchange import JSON
from slipway.serving.http.json_schema import BOOLEAN, INTEGER, NUMBER, TEXT, TIME, Json, a_list, an_object, ref

_JSON_TYPES: Mapping[FeatureType, Json] = {
    FeatureType.STRING: TEXT,
    FeatureType.INTEGER: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    FeatureType.FLOAT: NUMBER,
    FeatureType.BOOLEAN: BOOLEAN,
}
_EXAMPLES: Mapping[FeatureType, Any] = {
    FeatureType.STRING: "What a sunny Friday!",
    FeatureType.INTEGER: 1,
    FeatureType.FLOAT: 1.0,
    FeatureType.BOOLEAN: True,
}
PREDICTIONS = "Predictions"
_EXAMPLE_TIME = "2026-01-31T12:00:00Z"
_EXAMPLE_ID = "p001"

ID_PARAMETER: Json = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The entity's id.",
    "schema": {"type": "string", "minLength": 1, "maxLength": ID_CHARACTERS},
    "example": _EXAMPLE_ID,
}


def operation(
    tag: str,
    id: str,
    summary: str,
    description: str,
    *,
    answers: Mapping[int, Json],
    body: Json | None = None,
    problems: Sequence[int] = (500,),
    errors: Sequence[int] = (),
) -> Json:
    """One operation; ``problems`` are answered as problem documents, ``errors`` as the Open Inference Protocol does."""
    responses = {str(status): answer for status, answer in answers.items()}
    failed = errors or problems
    media_type, schema = (JSON, "InferError") if errors else (PROBLEM_JSON, "Problem")
    for status in failed:
        responses[str(status)] = _answer(media_type, schema, HTTPStatus(status).phrase)
    if "503" in responses:
        responses["503"]["headers"] = {"Retry-After": {"schema": TEXT, "description": "Seconds to wait."}}
    described = {"description": description} if description else {}
    requested = {"requestBody": body} if body else {}
    return {"tags": [tag], "operationId": id, "summary": summary, **described, **requested, "responses": responses}


def json_body(schema: str, example: Any) -> Json:
    """A required JSON body."""
    return {"required": True, "content": {JSON: {"schema": ref(schema), "example": example}}}


def json_answer(schema: str, description: str) -> Json:
    """A JSON answer."""
    return _answer(JSON, schema, description)


def infer_answer() -> Json:
    """Tensors; those that are wanted in binary follow the JSON."""
    answer = json_answer("InferResponse", "The outputs.")
    answer["content"]["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    return answer


def _answer(media_type: str, schema: str, description: str) -> Json:
    return {"description": description, "content": {media_type: {"schema": ref(schema)}}}


def predictions_schema(manifest: Manifest) -> Json:
    """The answer of a predict call to one version."""
    common = {"id": {"type": "string", "pattern": PREDICTION_ID_PATTERN}, "version": INTEGER, "cached": BOOLEAN}
    one = an_object({**common, **_output(manifest)})
    if manifest.task not in BUILT_IN_TASKS:
        one = {"type": "object", "properties": common, "required": list(common)}
    return an_object({"model": {"const": manifest.name}, "predictions": a_list(one)})


def _output(manifest: Manifest) -> Json:
    labels = manifest.outputs.labels
    if labels is None:
        return {"value": {**NUMBER, "description": manifest.outputs.unit or ""}}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "label": {"type": "string", "enum": list(labels)},
        "score": share,
        "scores": an_object(dict.fromkeys(labels, share)),
    }


def entity_schema_name(entity: str) -> str:
    """The name of the schema of an entity's features."""
    return "".join(part.capitalize() for part in entity.split("-")) + "Features"


def entity_schema(config: Config, entity: str) -> Json:
    """The body that writes features of an entity."""
    groups = {
        name: an_object({"event_time": TIME, "values": _values(group.features)})
        for name, group in config.features.items()
        if group.entity == entity
    }
    return an_object({"groups": {**an_object(groups, required=()), "minProperties": 1}})


def _values(features: Mapping[str, FeatureConfig]) -> Json:
    described = {
        name: {**_JSON_TYPES[feature.type], **({"description": feature.description} if feature.description else {})}
        for name, feature in features.items()
    }
    return {**an_object(described, required=()), "minProperties": 1}


def example_record(manifest: Manifest, record: type[RequestRecord]) -> Json:
    """A record that the schema allows: what the request must give, and an id for each entity."""
    given = {field.name: _example(field) for field in manifest.inputs if field.group is None}
    return {**given, **dict.fromkeys(record.plan.entity_attributes, _EXAMPLE_ID)}


def _example(field: InputField) -> Any:
    if field.default is not None:
        return field.default
    if field.allowed:
        return field.allowed[0]
    value = _EXAMPLES[field.type]
    if field.type is FeatureType.STRING:
        return value[: field.max_characters]
    if field.type is FeatureType.BOOLEAN:
        return value
    low = value if field.min is None else max(value, field.min)
    return low if field.max is None else min(low, field.max)


def example_infer(manifest: Manifest, record: type[RequestRecord]) -> Json:
    """The same record as tensors."""
    datatypes = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}
    inputs = [
        {"name": name, "shape": [1], "datatype": datatypes[type(value)], "data": [value]}
        for name, value in example_record(manifest, record).items()
    ]
    return {"inputs": inputs}


def example_entity(config: Config, entity: str) -> Json:
    """Features of an entity's first group."""
    name = next(name for name, group in config.features.items() if group.entity == entity)
    features = config.features[name].features
    values = {feature: _EXAMPLES[definition.type] for feature, definition in features.items()}
    return {"groups": {name: {"event_time": _EXAMPLE_TIME, "values": values}}}


def example_row(config: Config) -> Json:
    """One row of a batch."""
    group, definition = next(iter(config.features.items()))
    body = example_entity(config, definition.entity)["groups"][group]
    return {"entity": definition.entity, "id": _EXAMPLE_ID, "group": group, **body}
