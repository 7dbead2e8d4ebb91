"""Parses and validates the records of a request to one version."""

from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from slipway.config.validation import field_problems
from slipway.errors import FieldProblem, InputError, MalformedError, TooLargeError
from slipway.models.schema import RequestRecord

_UNREADABLE = frozenset({"json_invalid", "json_type"})
M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """The base of every request body: strict types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RecordReader:
    """Reads the records of a request to one version.

    Args:
        record: the pydantic model of one record.
        limit: how many records a request may hold.
        characters: how much text the records of a request may hold in all.
    """

    def __init__(self, record: type[RequestRecord], *, limit: int, characters: int) -> None:
        self.record = record
        self._characters = characters
        # The types are created at run time from a manifest, so mypy knows neither their names nor their fields.
        records: Any = (Annotated[list[record], Field(min_length=1, max_length=limit)], ...)  # type: ignore[valid-type]
        self.request: type[Body] = create_model(f"{record.__name__}Request", __base__=Body, inputs=records)

    def from_json(self, body: bytes) -> list[RequestRecord]:
        """Read the records of ``{"inputs": [...]}``.

        Raises:
            MalformedError: ``body`` is not JSON.
            InputError: a record is invalid; names every invalid field, like ``inputs[3].text``.
            TooLargeError: the records hold too much text.
        """
        records: list[RequestRecord] = read_json(self.request, body).inputs  # type: ignore[attr-defined]
        return self._limited(records)

    def from_records(self, records: Sequence[dict[str, Any]]) -> list[RequestRecord]:
        """Validate records that are already parsed; raises InputError like `from_json`."""
        try:
            read: list[RequestRecord] = self.request.model_validate({"inputs": list(records)}).inputs  # type: ignore[attr-defined]
        except ValidationError as error:
            raise InputError(field_problems(error)) from None
        return self._limited(read)

    def _limited(self, records: list[RequestRecord]) -> list[RequestRecord]:
        size = sum(len(value) for record in records for value in vars(record).values() if isinstance(value, str))
        if size > self._characters:
            said = f"must have at most {self._characters} characters of text in all, and have {size}"
            raise TooLargeError.of("inputs", f"{said}: send fewer records in a request")
        return records


def read_json(model: type[M], body: bytes) -> M:
    """Parse and validate JSON in one pass; a byte order mark before it changes nothing.

    Raises:
        MalformedError: ``body`` is not JSON.
        InputError: it does not match ``model``; names every invalid field.
    """
    try:
        return model.model_validate_json(body.removeprefix(BOM_UTF8))
    except ValidationError as error:
        raise _translated(error) from None


def _translated(error: ValidationError) -> InputError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] in _UNREADABLE:
        return MalformedError([FieldProblem("(body)", first["msg"])])
    return InputError(field_problems(error, whole="(body)"))
