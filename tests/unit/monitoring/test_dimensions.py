from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.dimensions import EMPTY, MOST_CHARACTERS, dimension_value
from slipway.monitoring.telemetry.outputs import count_output
from slipway.monitoring.telemetry.requests import RequestEvent


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("positive", "positive"),
        ("spam, or ham?", "spam, or ham?"),
        ("", "%"),
        ("%", "%25"),
        (" ", "%20"),
        (" a b ", "%20a b%20"),
        ("müde", "m%C3%BCde"),
        ("a\nb", "a%0Ab"),
        ("%C3", "%25C3"),
    ],
)
def test_what_cloudwatch_takes(text: str, value: str) -> None:
    assert dimension_value(text) == value


@given(st.text(st.characters(exclude_categories=())))
def test_every_text_has_a_value_of_its_own_that_cloudwatch_takes(text: str) -> None:
    value = dimension_value(text)
    assert 1 <= len(value) <= MOST_CHARACTERS
    assert value.isascii()
    assert value.isprintable()
    assert value == value.strip()
    if len(text) < 80:
        assert (unquote(value, errors="surrogatepass") if value != EMPTY else "") == text


def test_long_texts_stay_apart() -> None:
    one, other = dimension_value("ü" * 400 + "a"), dimension_value("ü" * 400 + "b")
    assert one != other
    assert len(one) == len(other) == MOST_CHARACTERS


def test_labels_are_counted_under_their_value() -> None:
    event = RequestEvent()
    count_output(event, {"label": "", "score": 0.5}, Version="1")
    count_output(event, {"label": "traurig – müde", "score": 0.5}, Version="1")
    counted = {dict(key).get(metrics.LABEL) for key in event.counts}
    assert counted == {None, "%", "traurig %E2%80%93 m%C3%BCde"}


def test_a_multi_label_record_counts_once_and_once_for_each_label() -> None:
    event = RequestEvent()
    count_output(event, {"labels": ["a user's own"]}, Version="1")
    for labels in (["a", "b"], ["a"], [], ["b", "b"], [7], "a", ["c"]):
        count_output(event, {"labels": labels, "scores": {"a": 0.9, "b": 0.1}}, 0.5, Version="1")
    found = {dict(key).get(metrics.LABEL): counts for key, counts in event.counts.items()}
    assert found == {None: {metrics.LABELLED: 2.0}, "a": {metrics.LABELS: 1.0}, "b": {metrics.LABELS: 1.0}}
