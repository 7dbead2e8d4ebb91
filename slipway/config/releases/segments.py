"""The part of slipway.yaml on segments: the inputs by whose values the results of releases are shown apart."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from slipway.config.validation import Section

MOST_SEGMENTS = 5
_MOST_VALUES = 50
_MOST_CHARACTERS = 64

SegmentValue = Annotated[str, StringConstraints(min_length=1, max_length=_MOST_CHARACTERS)]


class SegmentConfig(Section):
    """An input whose values are segments: the ``most`` frequent ones of the stable version's baseline, or ``values``.

    All other values together are one more segment. The name of the input alone is short for the defaults.
    """

    input: Annotated[str, Field(min_length=1, max_length=_MOST_CHARACTERS)]
    most: Annotated[int, Field(ge=1, le=_MOST_VALUES)] = 10
    values: Annotated[tuple[SegmentValue, ...], Field(max_length=_MOST_VALUES)] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, data: Any) -> Any:
        return {"input": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if len(set(self.values)) != len(self.values):
            raise ValueError("`values` names a value twice")
        return self


def _inputs_differ(segments: "tuple[SegmentConfig, ...]") -> "tuple[SegmentConfig, ...]":
    names = [segment.input for segment in segments]
    if len(set(names)) != len(names):
        raise ValueError("names an input twice")
    return segments


Segments = Annotated[tuple[SegmentConfig, ...], Field(max_length=MOST_SEGMENTS), AfterValidator(_inputs_differ)]
