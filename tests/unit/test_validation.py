from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_path, field_problems
from slipway.errors import FieldProblem


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(max_length=5)] = ""
    share: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0
    kind: Literal["a", "b"] = "a"
    flag: bool = False


class _Body(BaseModel):
    items: Annotated[tuple[_Item, ...], Field(min_length=1)]


def _problems(body: object, prefix: str = "") -> list[FieldProblem]:
    with pytest.raises(ValidationError) as error:
        _Body.model_validate(body)
    return field_problems(error.value, prefix=prefix)


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        ({"text": 3}, "items[0].text", "must be a string (got 3)"),
        ({"text": None}, "items[0].text", "must be a string (got null)"),
        ({"text": "secret"}, "items[0].text", "must have at most 5 characters"),
        ({"text": "\ud800"}, "items[0].text", "must be valid Unicode"),
        ({"share": -1.0}, "items[0].share", "must be at least 0 (got -1.0)"),
        ({"share": 1.0}, "items[0].share", "must be less than 1 (got 1.0)"),
        ({"share": float("nan")}, "items[0].share", "must be a finite number (got NaN)"),
        ({"share": True}, "items[0].share", "must be a number (got true)"),
        ({"share": [1]}, "items[0].share", "must be a number"),
        ({"kind": "c" * 100}, "items[0].kind", f"must be one of 'a' or 'b' (got \"{'c' * 59}…)"),
        ({"flag": 1}, "items[0].flag", "must be true or false (got 1)"),
        ({"colour": 1}, "items[0].colour", "is not a known field"),
        (3, "items[0]", "must be an object (got 3)"),
    ],
)
def test_a_message_says_what_would_be_right(item: object, field: str, message: str) -> None:
    assert _problems({"items": [item]}) == [FieldProblem(field, message)]


def test_what_is_missing_is_named() -> None:
    assert _problems({}) == [FieldProblem("items", "is required")]
    assert _problems({"items": []}) == [FieldProblem("items", "must have at least 1 item(s)")]
    assert _problems(3) == [FieldProblem("(file)", "must be an object (got 3)")]


def test_every_wrong_field_is_named() -> None:
    found = _problems({"items": [{"text": 1}, {}, {"share": "x", "flag": "y"}]})
    assert [problem.field for problem in found] == ["items[0].text", "items[2].share", "items[2].flag"]


def test_a_prefix_stands_before_each_path() -> None:
    assert _problems({"items": [3]}, "body")[0].field == "body.items[0]"
    assert field_path((2, "a"), prefix="inputs") == "inputs[2].a"
    assert field_path(("a", "b", 0)) == "a.b[0]"
