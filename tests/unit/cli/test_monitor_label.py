"""What a person may type when asked for the true answer of a record."""

import pytest

from slipway.cli.monitor.labelling.typed import keys_of, parse_typed, question
from slipway.errors import InputError
from slipway.models.manifest import Outputs

ONE = Outputs(labels=("negative", "positive"))
SEVERAL = Outputs(labels=("rain", "snow"), multi_label=True)
VALUE = Outputs(unit="EUR")
VALUES = Outputs.model_validate({"targets": [{"name": "x"}, {"name": "y"}]})


@pytest.mark.parametrize(
    ("text", "outputs", "answer"),
    [
        ("2", ONE, {"label": "positive"}),
        (" negative\n", ONE, {"label": "negative"}),
        ("1,2", SEVERAL, {"labels": ["rain", "snow"]}),
        ("snow", SEVERAL, {"labels": ["snow"]}),
        ("0", SEVERAL, {"labels": []}),
        ("-3.5", VALUE, {"value": -3.5}),
        ("x=1, y=2", VALUES, {"values": {"x": 1.0, "y": 2.0}}),
    ],
)
def test_answers(text: str, outputs: Outputs, answer: dict[str, object]) -> None:
    assert parse_typed(text, outputs).answer == answer


@pytest.mark.parametrize(
    ("text", "command"), [("-", "skip"), ("<", "undo"), (".", "quit"), ("skip", "skip"), ("quit", "quit")]
)
def test_commands(text: str, command: str) -> None:
    assert parse_typed(text, ONE).command == command
    assert parse_typed(text, VALUE).command == command


def test_a_label_that_is_called_like_a_command_is_a_label() -> None:
    assert parse_typed("skip", Outputs(labels=("skip", "keep"))).answer == {"label": "skip"}


@pytest.mark.parametrize(
    ("text", "outputs"), [("3", ONE), ("0", ONE), ("", ONE), ("", SEVERAL), ("much", VALUE), ("x=1", VALUES)]
)
def test_anything_else_is_refused(text: str, outputs: Outputs) -> None:
    with pytest.raises(InputError):
        parse_typed(text, outputs)


def test_one_key_is_enough_for_one_of_few_labels() -> None:
    assert keys_of(ONE) == {"1": "negative", "2": "positive"}
    assert keys_of(SEVERAL) == keys_of(VALUE) == {}
    assert keys_of(Outputs(labels=tuple(f"l{at}" for at in range(10)))) == {}
    assert "1 negative" in question(ONE)
    assert "EUR" in question(VALUE)
