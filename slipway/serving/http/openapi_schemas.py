"""Builds the schemas of models' records from the manifests, and of entities' features from slipway.yaml."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import models_json_schema

from slipway.config import Config, FeatureConfig, FeatureType
from slipway.models.answer_forms import stated_form
from slipway.models.manifest import BUILT_IN_TASKS, Manifest
from slipway.serving.apis.features import EventTime
from slipway.serving.apis.tensor_answers import output_tensors
from slipway.serving.apis.tensor_records import accepted_datatypes
from slipway.serving.apis.tensors import InferRequest
from slipway.serving.prediction.answers import predictions_model
from slipway.serving.prediction.ranking import rank_names
from slipway.serving.prediction.reading import Body
from slipway.serving.prediction.served import ServedVersion

Json = dict[str, Any]
_TYPES: Mapping[FeatureType, Any] = {
    FeatureType.STRING: str,
    FeatureType.INTEGER: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)],
    FeatureType.FLOAT: float,
    FeatureType.BOOLEAN: bool,
}


class _SomeOf(Body):
    """At least one of the fields."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})


def version_schemas(served: ServedVersion) -> Json:
    """Return the schemas of one version: request, records, answer and ranking request."""
    name, manifest = type_name(served), served.manifest
    answer = predictions_model(name, manifest.name, served.answer)
    schemas = {**_schemas([served.reader.request], "validation"), **_schemas([answer], "serialization")}
    # The context may supply any field of an item, so none is required.
    item = {key: value for key, value in schemas[name].items() if key != "required"} | {"title": f"{name}Item"}
    return {**schemas, f"{name}Item": item, f"{name}RankRequest": _rank_request(name, served)}


def infer_schemas() -> Json:
    """Return the schemas of an Open Inference Protocol request."""
    return _schemas([InferRequest], "validation")


def tensor_schemas(served: ServedVersion) -> Json:
    """Return the schemas of one version's Open Inference Protocol request and answer, which name its tensors."""
    name, manifest = type_name(served), served.manifest
    inputs = list(accepted_datatypes(manifest, served.reader.record))
    outputs = [output for output, _, _ in output_tensors(stated_form(manifest))]
    return {
        f"{name}InferRequest": _naming("InferRequest", inputs=inputs, outputs=outputs),
        f"{name}InferResponse": _naming("InferResponse", outputs=outputs),
    }


def _naming(schema: str, **tensors: list[str]) -> Json:
    """Return a schema whose lists of tensors may only have the given names."""
    lists = {field: {"items": {"properties": {"name": {"enum": names}}}} for field, names in tensors.items()}
    return {"allOf": [{"$ref": f"#/components/schemas/{schema}"}, {"properties": lists}]}


def type_name(served: ServedVersion) -> str:
    """Return the type name of a version's records."""
    return served.reader.record.__name__


def entity_schemas(config: Config, entity: str) -> Json:
    """Return the schemas of a body that writes an entity's features."""
    name = entity_type_name(entity)
    groups: dict[str, Any] = {
        f"group_{number}": (_group(name, group, definition.features), _may_be_absent(group))
        for number, (group, definition) in enumerate(config.features.items())
        if definition.entity == entity
    }
    body = create_model(f"{name}Groups", __base__=_SomeOf, **groups)
    return _schemas([create_model(name, __base__=Body, groups=(body, ...))], "validation")


def entity_type_name(entity: str) -> str:
    """Return the type name of an entity's features."""
    return "".join(part.capitalize() for part in entity.split("-")) + "Features"


def _may_be_absent(name: str, description: str = "") -> Any:
    """Return a field that may be absent."""
    return Field(default=None, alias=name, description=description or None, json_schema_extra=_drop_default)


def _drop_default(schema: Json) -> None:
    schema.pop("default", None)


def _group(name: str, group: str, features: Mapping[str, FeatureConfig]) -> type[BaseModel]:
    title = name + "".join(part.capitalize() for part in group.split("-"))
    values: dict[str, Any] = {
        f"feature_{number}": (_TYPES[feature.type] | None, _may_be_absent(key, feature.description))
        for number, (key, feature) in enumerate(features.items())
    }
    made = create_model(f"{title}Values", __base__=_SomeOf, **values)
    return create_model(title, __base__=Body, event_time=(EventTime, ...), values=(made, ...))


def _rank_request(name: str, served: ServedVersion) -> Json:
    limit = next(m for m in served.reader.request.model_fields["inputs"].metadata if hasattr(m, "max_length"))
    item = {"$ref": f"#/components/schemas/{name}Item"}
    properties: Json = {
        "items": {"type": "array", "items": item, "minItems": 1, "maxItems": limit.max_length},
        "context": item,
        "limit": {"type": "integer", "minimum": 1},
        **_by(served.manifest),
    }
    required = ["items", "by"] if rank_names(served.manifest) else ["items"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _by(manifest: Manifest) -> Json:
    if names := rank_names(manifest):
        what = "label" if manifest.outputs.labels else "target"
        return {"by": {"enum": list(names), "description": f"The {what} to rank by."}}
    if manifest.task in BUILT_IN_TASKS:
        return {}
    return {"by": {"type": "string", "maxLength": 256, "description": "The number of the output to rank by."}}


def _schemas(models: list[type[BaseModel]], mode: Literal["validation", "serialization"]) -> Json:
    template = "#/components/schemas/{model}"
    _, definitions = models_json_schema([(model, mode) for model in models], ref_template=template)
    schemas: Json = definitions["$defs"]
    return schemas
