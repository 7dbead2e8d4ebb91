"""The records of a request, validated against the manifest's inputs.

A request's record may omit values in the feature store if it names the entity to fetch them for; `complete` adds them.
Validation is strict: no value is converted to another type, except that an integer is accepted for a float. In a
nullable input, null and NaN are a missing value, and a whole float is accepted for an integer.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, SchemaValidator, core_schema

from slipway.config import FeatureType, FeatureValue
from slipway.config.validation import field_path, field_problems
from slipway.errors import FieldProblem, InputError, PackageError
from slipway.models.entities import entities_of_groups, named_entity
from slipway.models.manifest import InputField, Manifest, Record, Scalar
from slipway.models.missing_values import plain_value

StoredFeatures = Mapping[str, Mapping[str, FeatureValue]]
"""The stored features for one record, by feature group, then by feature."""

# Graphs compute in float32 and index in int64: a larger number would overflow.
FLOAT32_MAX = 3.4028234663852886e38
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_ENTITY_ID_CHARACTERS = 256

_NOTHING: StoredFeatures = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Plan:
    """What `RequestRecord` knows of its model. Attributes are numbered, because an input may be called ``copy``."""

    inputs: Mapping[str, InputField]
    grouped: tuple[InputField, ...]
    entity_attributes: Mapping[str, str]
    entity_of_group: Mapping[str, str]
    grouped_attributes: frozenset[str]
    named_by: str | None
    defaults: Record
    stored: SchemaValidator


class RequestRecord(BaseModel):
    """One record of a request. `record_model` makes the subclass for a version of a model."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    plan: ClassVar[_Plan]

    @model_validator(mode="after")
    def _names_the_entities_to_fetch(self) -> Self:
        if not self.is_whole:
            _require_entities(self)
        return self

    @property
    def is_whole(self) -> bool:
        """Whether the request gives every input that a feature group would."""
        return self.plan.grouped_attributes <= self.model_fields_set

    def given(self) -> dict[str, Scalar | None]:
        """The inputs in the request, by name."""
        values, inputs = self.__dict__, self.plan.inputs
        return {inputs[attribute].name: values[attribute] for attribute in self.model_fields_set if attribute in inputs}

    def to_fetch(self) -> dict[str, str]:
        """The feature groups to read from the store, each with the id of its entity."""
        if self.is_whole:
            return {}
        given, entities = self.given(), self.plan.entity_of_group
        groups = dict.fromkeys(field.group for field in self.plan.grouped if field.name not in given)
        return {group: self._entity_id(entities[group]) for group in groups if group is not None}

    def complete(self, stored: StoredFeatures = _NOTHING, *, prefix: str = "") -> Record:
        """Complete the record: values from the request, else from the store, else the manifest's defaults.

        A nullable input with none of these is None.

        Raises:
            InputError: the store lacks a feature without a default, or has one that the manifest does not allow; each
                problem names the feature after ``prefix`` (e.g. ``inputs[3]``).
        """
        plan, given = self.plan, self.given()
        if self.is_whole:
            return {**plan.defaults, **given} if plan.defaults else given
        record = {**plan.defaults, **_fetched(plan, given, stored, prefix), **given}
        if len(record) < len(plan.inputs):
            raise InputError([self._missing(field, prefix) for field in plan.grouped if field.name not in record])
        return record

    def sent(self, name: str) -> object:
        """The request's value of an input or an entity, or None."""
        attribute = self.plan.entity_attributes.get(name)
        if attribute is None:
            return self.given().get(name)
        return getattr(self, attribute) if attribute in self.model_fields_set else None

    def entities(self) -> dict[str, str]:
        """The ids of the entities that the request's record names, by entity."""
        attributes, input_name = self.plan.entity_attributes, self.plan.named_by
        named = {name: getattr(self, attribute) for name, attribute in attributes.items() if self.sent(name)}
        if input_name is not None and (id_ := named_entity(self.given().get(input_name))):
            named[input_name] = id_
        return named

    def lone_entity(self) -> tuple[str, str] | None:
        """The entity and its id, if the request's record gives these and nothing else."""
        return next(iter(self.entities().items()), None) if len(self.model_fields_set) == 1 else None

    def _entity_id(self, entity: str) -> str:
        return str(getattr(self, self.plan.entity_attributes[entity]))

    def _missing(self, field: InputField, prefix: str) -> FieldProblem:
        entity = self.plan.entity_of_group[field.group or ""]
        message = f"is not in feature group {field.group} of {entity} {self._entity_id(entity)!r}, nor in the record"
        return FieldProblem(field_path((field.name,), prefix=prefix), message)


def record_model(
    manifest: Manifest, entities: Mapping[str, str], *, text_characters: int | None, about: str | None = None
) -> type[RequestRecord]:
    """The pydantic model of one record of a request to a model.

    Args:
        manifest: the version's manifest.
        entities: the entity of each feature group, from `Config.features`.
        text_characters: the limit of `Config.api.limits` on every string, or None for the manifest's own alone.
        about: an entity that a record may name besides those of its features; an input of this name is its id.

    Raises:
        ConfigError: a feature group is not in ``entities``, or an entity has the name of an input.
        PackageError: a default in the manifest breaks the manifest's own limits.
    """
    inputs = {f"input_{number}": field for number, field in enumerate(manifest.inputs)}
    schemas = {attribute: _schema(field, text_characters) for attribute, field in inputs.items()}
    plan = _plan(manifest, inputs, schemas, entities_of_groups(manifest, entities), about)
    fields: dict[str, Any] = {
        attribute: (Annotated[Any, _Validated(schemas[attribute])], _field_info(field))
        for attribute, field in inputs.items()
    }
    for entity, attribute in plan.entity_attributes.items():
        fields[attribute] = (Annotated[Any, _Validated(_ENTITY_ID)], _entity_info(plan, entity))
    title = "".join(part.capitalize() for part in manifest.name.split("-"))
    model = create_model(f"{title}Record{manifest.version}", __base__=RequestRecord, **fields)
    model.plan = plan
    return model


@dataclass(frozen=True, slots=True)
class _Validated:
    """A ready validator as an annotation; pydantic takes ten times as long to derive it from constraints."""

    schema: CoreSchema

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return self.schema


_ENTITY_ID = core_schema.str_schema(strict=True, min_length=1, max_length=_ENTITY_ID_CHARACTERS)


def _schema(field: InputField, text_characters: int | None) -> CoreSchema:
    """What one input may be, for pydantic."""
    schema = _type_schema(field, text_characters)
    if field.allowed is not None:
        schema = core_schema.no_info_after_validator_function(partial(_one_of, field.allowed), schema)
    if not field.nullable:
        return schema
    nullable = core_schema.nullable_schema(schema)
    return core_schema.no_info_before_validator_function(partial(plain_value, field.type), nullable)


def _type_schema(field: InputField, text_characters: int | None) -> CoreSchema:
    if field.type is FeatureType.STRING:
        limits = [limit for limit in (field.max_characters, text_characters) if limit is not None]
        return core_schema.str_schema(strict=True, max_length=min(limits, default=None))
    if field.type is FeatureType.BOOLEAN:
        return core_schema.bool_schema(strict=True)
    low = -math.inf if field.min is None else field.min
    high = math.inf if field.max is None else field.max
    if field.type is FeatureType.INTEGER:
        low_integer = INT64_MIN if low <= INT64_MIN else math.ceil(low)
        high_integer = INT64_MAX if high >= INT64_MAX else math.floor(high)
        return core_schema.int_schema(strict=True, ge=low_integer, le=high_integer)
    low, high = max(low, -FLOAT32_MAX), min(high, FLOAT32_MAX)
    return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=low, le=high)


def _one_of(allowed: tuple[Scalar, ...], value: Scalar) -> Scalar:
    if value not in allowed:
        shown = ", ".join(repr(choice) for choice in allowed)
        raise PydanticCustomError("not_allowed", "must be one of {shown}", {"shown": shown})
    return value


def _field_info(field: InputField) -> Any:
    required = field.group is None and field.default is None and not field.nullable
    default: Any = ... if required else field.default
    extra = partial(_describe, field.allowed, field.default, nullable=field.nullable)
    return Field(default=default, alias=field.name, description=field.description or None, json_schema_extra=extra)


def _entity_info(plan: _Plan, entity: str) -> Any:
    groups = ", ".join(group for group, owner in plan.entity_of_group.items() if owner == entity)
    text = f"The {entity} to fetch {groups} for; required unless the record has all their features"
    text = text if groups else f"The {entity} that the record is about; the prediction does not depend on it"
    return Field(default="", alias=entity, description=text, json_schema_extra=partial(_describe, None, None))


def _describe(
    allowed: tuple[Scalar, ...] | None, default: Scalar | None, schema: dict[str, Any], *, nullable: bool = False
) -> None:
    """Make the JSON schema match the validator; pydantic's own default only marks that a key may be absent."""
    if nullable:
        inner = next(each for each in schema.pop("anyOf") if each["type"] != "null")
        schema.update({**inner, "type": [inner["type"], "null"]})
    if allowed is not None:
        schema["enum"] = [*allowed, None] if nullable else list(allowed)
    if default is None:
        schema.pop("default", None)


def _plan(
    manifest: Manifest,
    inputs: Mapping[str, InputField],
    schemas: Mapping[str, CoreSchema],
    entity_of_group: Mapping[str, str],
    about: str | None,
) -> _Plan:
    named_by = about if any(field.name == about for field in manifest.inputs) else None
    entities = dict.fromkeys([*entity_of_group.values(), *([about] if about and named_by is None else [])])
    defaults = {
        field.name: None if field.default is None else _default(manifest, field, schemas[attribute])
        for attribute, field in inputs.items()
        if field.default is not None or field.nullable
    }
    stored = {
        field.name: core_schema.typed_dict_field(schemas[attribute], required=False)
        for attribute, field in inputs.items()
        if field.group is not None
    }
    return _Plan(
        inputs=inputs,
        grouped=tuple(field for field in manifest.inputs if field.group is not None),
        grouped_attributes=frozenset(attribute for attribute, field in inputs.items() if field.group is not None),
        entity_attributes={entity: f"entity_{n}" for n, entity in enumerate(entities)},
        entity_of_group=entity_of_group,
        named_by=named_by,
        defaults=defaults,
        stored=SchemaValidator(core_schema.typed_dict_schema(stored)),
    )


def _default(manifest: Manifest, field: InputField, schema: CoreSchema) -> Scalar:
    try:
        value: Scalar = SchemaValidator(schema).validate_python(field.default)
    except ValidationError as error:
        problems = field_problems(error, prefix=f"inputs.{field.name}.default")
        message = "; ".join(f"{problem.field}: {problem.message}" for problem in problems)
        raise PackageError(f"{manifest.name}/{manifest.version}/model.yaml", message) from error
    return value


def _require_entities(record: RequestRecord) -> None:
    """Raise ValidationError if an entity's id is absent but features must be fetched for it."""
    plan, given = record.plan, record.given()
    for entity, attribute in plan.entity_attributes.items():
        if attribute in record.model_fields_set:
            continue
        needed = [f.name for f in plan.grouped if plan.entity_of_group[f.group or ""] == entity and f.name not in given]
        if needed:
            raise _entity_missing(entity, needed)


def _entity_missing(entity: str, needed: list[str]) -> ValidationError:
    context = {"first": needed[0], "more": f" and {len(needed) - 1} more" if len(needed) > 1 else ""}
    kind = PydanticCustomError("entity_missing", "is required, because the record does not have {first}{more}", context)
    return ValidationError.from_exception_data("record", [InitErrorDetails(type=kind, loc=(entity,), input={})])


def _fetched(plan: _Plan, given: Record, stored: StoredFeatures, prefix: str) -> Record:
    """The stored values of the inputs that the request omits, validated against the manifest."""
    rows = {group: stored.get(group, {}) for group in plan.entity_of_group}
    values = {
        field.name: rows[field.group][field.name]
        for field in plan.grouped
        if field.group and field.name in rows[field.group] and field.name not in given
    }
    try:
        fetched: Record = plan.stored.validate_python(values)
    except ValidationError as error:
        problems = field_problems(error, prefix=prefix)
        raise InputError(
            [FieldProblem(p.field, f"{p.message}; the value is from the feature store") for p in problems]
        ) from error
    return fetched
