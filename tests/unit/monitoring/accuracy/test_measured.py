"""Accuracy from labels, with hours as the units of its intervals, or records where it says so."""

from datetime import timedelta

import numpy as np
import pytest
from support.calibrated import answers, captures_of, labelled_of
from support.captures import HOUR

from slipway.monitoring.accuracy.measured import by_segment, error_of, is_right, measured
from slipway.monitoring.steps import Labelled


def hours(count: int, accuracies: list[float], n: int = 50) -> list[Labelled]:
    found = []
    for place in range(count):
        scored = answers(n, seed=place, truth=lambda scores, at=place: np.full(len(scores), accuracies[at]))
        found += labelled_of(captures_of(scored, HOUR + timedelta(hours=place)), scored)
    return found


def regression(number: int, predicted: float, true: float, hour: int = 0) -> Labelled:
    made = int((HOUR + timedelta(hours=hour)).timestamp())
    return Labelled(f"m.1.{made:08x}{number:016x}", 1, predicted, true)


def test_without_labels_there_is_nothing() -> None:
    assert measured([]) is None


def test_records_are_the_units_of_few_hours_and_it_says_so() -> None:
    found = measured(hours(3, [0.8] * 3))
    assert (found.metric, found.labels, found.units) == ("accuracy", 150, "records")
    assert found.any_time.low < found.once.low < found.value < found.once.high < found.any_time.high


def test_hours_that_differ_make_the_interval_wide() -> None:
    alike, differing = measured(hours(20, [0.8] * 20)), measured(hours(20, [0.6, 1.0] * 10))
    assert alike.units == differing.units == "hours"
    assert differing.once.half_width > 2 * alike.once.half_width
    assert differing.any_time.half_width > differing.once.half_width


def test_a_regression_has_its_mean_absolute_error() -> None:
    rng = np.random.default_rng(0)
    found = measured([regression(n, 0.0, float(rng.normal()), hour=n % 24) for n in range(480)])
    assert (found.metric, found.units) == ("mean absolute error", "hours")
    assert found.once.low < 0.798 < found.once.high
    assert measured([regression(1, 1.0, 3.0)]).value == 2.0
    assert measured([regression(1, 1.0, 3.0)]).once is None


def test_answers_are_right_as_a_whole() -> None:
    several = Labelled("m.1." + "0" * 24, 1, ("a", "b"), ("a", "b"))
    assert is_right(several)
    assert error_of(several) is None
    assert error_of(Labelled("m.1." + "0" * 24, 1, {"x": 1.0, "y": 2.0}, {"x": 2.0, "y": 4.0})) == pytest.approx(1.5)


def test_labels_by_segment() -> None:
    labelled = [
        Labelled("m.1." + "0" * 24, 1, "a", "a", segments={"origin": origin}) for origin in ("JFK", "LGA", "JFK")
    ]
    found = by_segment(labelled, lambda segments, name: segments[name], ["origin"])
    assert {name: len(group) for name, group in found["origin"].items()} == {"JFK": 2, "LGA": 1}
