"""A human who answers in the shadow is compared as one more version."""

import pytest

from slipway.monitoring.accuracy.human import HumanAnswer, compare, same


def answers(pairs: list[tuple[str, str]]) -> list[HumanAnswer]:
    return [HumanAnswer(f"id{at}", {"label": human}, {"label": model}) for at, (human, model) in enumerate(pairs)]


def test_agreement_needs_no_true_answers() -> None:
    found = compare(answers([("a", "a")] * 30 + [("a", "b")] * 10), {})
    assert (found.answers, found.agreement.value, found.labelled) == (40, 0.75, 0)
    assert 0.45 < found.agreement.low < 0.7
    assert 0.8 < found.agreement.high < 0.95
    assert found.human is None


def test_both_are_held_to_the_true_answers_that_are_known() -> None:
    given = answers([("a", "b"), ("a", "b"), ("a", "a"), ("a", "b"), ("a", "a")] * 20)
    found = compare(given, {each.id: "a" for each in given})
    assert (found.human.value, found.model.value) == (1.0, 0.4)
    assert found.difference.value == pytest.approx(0.6)
    assert 0 < found.difference.low < 0.6 < found.difference.high < 1
    half = compare(given, {each.id: "a" for each in given[:50]})
    assert (half.labelled, half.model.value) == (50, 0.4)


def test_sets_of_labels_are_the_same_in_any_order() -> None:
    assert same({"labels": ["a", "b"]}, {"labels": ["b", "a"]})
    assert not same({"labels": ["a"]}, {"label": "a"})
