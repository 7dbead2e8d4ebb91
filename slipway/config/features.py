"""The part of slipway.yaml on the feature store: groups, features, their types, and the history of their writes."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from slipway.config.names import FeatureName, Name
from slipway.config.validation import Section


class FeatureType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"


FeatureValue = str | int | float | bool
_PYTHON_TYPES: dict[FeatureType, tuple[type, ...]] = {
    FeatureType.STRING: (str,),
    FeatureType.INTEGER: (int,),
    FeatureType.FLOAT: (float, int),
    FeatureType.BOOLEAN: (bool,),
}


class FeatureConfig(Section):
    type: FeatureType
    default: FeatureValue | None = None
    description: str = ""

    @model_validator(mode="after")
    def _default_has_the_type(self) -> Self:
        if self.default is not None and not self.accepts(self.default):
            raise ValueError(f"`default: {self.default!r}` is not of type {self.type}")
        return self

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is of this feature's type; a boolean is never a number."""
        if isinstance(value, bool):
            return self.type is FeatureType.BOOLEAN
        return isinstance(value, _PYTHON_TYPES[self.type])


class HistoryConfig(Section):
    """How long the writes of a group are kept, so that its features can be joined as they were at any time."""

    # A year and a month: a model may be trained on the same season of last year.
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 400


class FeatureGroupConfig(Section):
    """A named set of features of one entity, written together; without ``history``, its past writes are not kept."""

    entity: Name
    ttl_days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    features: Annotated[dict[FeatureName, FeatureConfig], Field(min_length=1)]
    history: HistoryConfig | None = None

    @field_validator("history", mode="before")
    @classmethod
    def _history_is_a_switch_or_a_section(cls, value: Any) -> Any:
        if isinstance(value, bool):
            return {} if value else None
        return value
