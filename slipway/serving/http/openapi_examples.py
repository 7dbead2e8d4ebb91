"""Example requests for the OpenAPI document, which the deployed models and defined features accept."""

from collections.abc import Mapping
from typing import Any

from slipway.config import Config, FeatureType
from slipway.models.manifest import InputField
from slipway.serving.prediction.served import ServedVersion

Json = dict[str, Any]

EXAMPLE_ID = "p001"
_TIME = "2026-01-31T12:00:00Z"
_VALUES: Mapping[FeatureType, Any] = {
    FeatureType.STRING: "What a sunny Friday!",
    FeatureType.INTEGER: 1,
    FeatureType.FLOAT: 1.0,
    FeatureType.BOOLEAN: True,
}
_DATATYPES = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}


def example_record(served: ServedVersion) -> Json:
    """Return a valid record: the inputs that a request must provide, and an id for each entity."""
    given = {field.name: example_value(field) for field in served.manifest.inputs if field.group is None}
    return {**given, **dict.fromkeys(served.reader.record.plan.entity_attributes, EXAMPLE_ID)}


def example_infer(served: ServedVersion) -> Json:
    """Return the example record as tensors."""
    inputs = [
        {"name": name, "shape": [1], "datatype": _DATATYPES[type(value)], "data": [value]}
        for name, value in example_record(served).items()
    ]
    return {"inputs": inputs}


def example_entity(config: Config, entity: str) -> Json:
    """Return example features of an entity's first group."""
    name = next(name for name, group in config.features.items() if group.entity == entity)
    values = {feature: _VALUES[definition.type] for feature, definition in config.features[name].features.items()}
    return {"groups": {name: {"event_time": _TIME, "values": values}}}


def example_rows(config: Config) -> Json:
    """Return an example batch of one row."""
    group, definition = next(iter(config.features.items()))
    body = example_entity(config, definition.entity)["groups"][group]
    return {"rows": [{"entity": definition.entity, "id": EXAMPLE_ID, "group": group, **body}]}


def example_feedback(config: Config) -> Json:
    """Return an example reward for a prediction of the first model."""
    return {"prediction_id": f"{next(iter(config.models))}.1.{'0123456789ab' * 2}-{'0123456789' * 2}", "reward": 1.0}


def example_value(field: InputField) -> Any:
    """Return a valid value of an input."""
    if field.default is not None:
        return field.default
    if field.allowed:
        return field.allowed[0]
    value = _VALUES[field.type]
    if field.type is FeatureType.STRING:
        return value[: field.max_characters]
    if field.type is FeatureType.BOOLEAN:
        return value
    low = value if field.min is None else max(value, field.min)
    return low if field.max is None else min(low, field.max)
