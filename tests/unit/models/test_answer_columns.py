import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slipway.models.manifest import Form, Outputs
from slipway.models.prediction.answer_columns import AnswerColumns, answer_columns, columns_of
from slipway.models.prediction.answers import answers_of

ONE = Outputs(labels=("late", "on time", "lost"))
ANY = Outputs(labels=("billing", "urgent"), multi_label=True, thresholds={"urgent": 0.3})
VALUE = Outputs(unit="mm")
VALUES = Outputs.model_validate({"targets": [{"name": "width"}, {"name": "height"}]})

floats = st.floats(0, 1, width=32)


def rows(columns: int, elements=floats):
    return st.integers(1, 6).flatmap(lambda number: arrays(np.float32, (number, columns), elements=elements))


def same(found: AnswerColumns | None, outputs: Outputs, numbers: np.ndarray) -> None:
    """Hold columns against the answers made row by row, to the last bit."""
    assert found is not None
    expected = columns_of(outputs.form, answers_of(outputs, numbers))
    assert found.form is outputs.form
    assert plain(found.main) == plain(expected.main)
    assert plain(found.score) == plain(expected.score)
    assert plain(found.scores) == plain(expected.scores)


def plain(values):
    if values is None:
        return None
    if hasattr(values, "items"):
        return {name: plain(column) for name, column in values.items()}
    return [value.item() if isinstance(value, np.generic) else value for value in values]


@given(rows(3, st.floats(2**-20, 1, width=32)))
def test_one_label(numbers: np.ndarray) -> None:
    shares = (numbers / numbers.sum(axis=1, keepdims=True)).astype(np.float32)
    same(answer_columns(ONE, shares), ONE, shares)


def test_the_first_of_two_best_labels_wins() -> None:
    tied = np.array([[0.25, 0.375, 0.375], [0.5, 0.5, 0.0]], np.float32)
    same(answer_columns(ONE, tied), ONE, tied)


def test_a_score_between_two_decimals_is_rounded_as_python_does() -> None:
    halves = np.float32(np.arange(1, 2**14, 2) * 2.0**-14)
    numbers = np.stack([halves, 1 - halves, np.zeros_like(halves)], axis=1)
    same(answer_columns(ONE, numbers), ONE, numbers)


@given(rows(2))
def test_any_labels(numbers: np.ndarray) -> None:
    same(answer_columns(ANY, numbers), ANY, numbers)


@given(rows(1, st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_a_value(numbers: np.ndarray) -> None:
    same(answer_columns(VALUE, numbers), VALUE, numbers)


@given(rows(2, st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_several_values(numbers: np.ndarray) -> None:
    same(answer_columns(VALUES, numbers), VALUES, numbers)


@pytest.mark.parametrize(
    ("outputs", "numbers"),
    [
        (ONE, np.array([[0.5, 0.5, 0.0]])),  # float64
        (ONE, np.array([[0.5, 0.5]], np.float32)),
        (ONE, np.array([[0.5, 0.2, 0.1]], np.float32)),
        (ONE, np.array([[np.nan, 0.5, 0.5]], np.float32)),
        (ANY, np.array([[1.2, 0.5]], np.float32)),
        (VALUE, np.array([[np.inf]], np.float32)),
        (VALUES, np.array([[1.0, np.nan]], np.float32)),
    ],
)
def test_what_needs_a_look_at_each_row_is_left_to_it(outputs: Outputs, numbers: np.ndarray) -> None:
    assert answer_columns(outputs, numbers) is None


def test_no_answers_are_no_columns() -> None:
    assert columns_of(Form.VALUE, []).main == []
