"""Labels of captures that were drawn from reservoirs estimate what labels of all captures would say."""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
from support.captures import HOUR, capture

from slipway.monitoring.accuracy.correction import Drawn, Population, corrected_accuracy
from slipway.monitoring.accuracy.drawing import Candidate, limit_after
from slipway.monitoring.accuracy.drawn_captures import Kept, for_labels, for_shadow, kept_of_reservoir
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reservoir import reservoir_of

SIZE = 30
HOURS = ((400, 0.55), (90, 0.9), (20, 1.0))
"""How many captures each hour has, and how often they are right: busy hours are worse, and are sampled less."""
RUNS = 250


def window(run: int) -> list[list[Capture]]:
    rng, number, hours = np.random.default_rng(run), run * 1000, []
    for at, (count, right) in enumerate(HOURS):
        hour = []
        for _ in range(count):
            score = float(rng.uniform(0.5, 0.99))
            outputs = {"label": "right" if rng.random() < right else "wrong", "score": score}
            hour.append(capture(number, inputs={}, outputs=outputs, at=HOUR + timedelta(hours=at)))
            number += 1
        hours.append(hour)
    return hours


def score(each: Capture) -> float:
    return float(each.outputs["score"])


def is_right(each: Capture) -> bool:
    return bool(each.outputs["label"] == "right")


def kept(hours: Sequence[Sequence[Capture]]) -> Iterator[Kept]:
    for hour in hours:
        yield from kept_of_reservoir(list(reservoir_of(hour, SIZE).drawn()))


def drawn(run: int, number: int) -> tuple[list[Capture], list[Candidate[Capture]], float]:
    hours = window(run)
    ordered = for_labels(kept(hours), number + 1, score)
    return [each for hour in hours for each in hour], ordered[:number], limit_after(ordered, number)


def is_zero(gaps: Sequence[float]) -> bool:
    return abs(float(np.mean(gaps))) < 3.5 * float(np.std(gaps)) / math.sqrt(len(gaps))


def test_totals_are_without_bias_even_where_a_reservoir_is_used_up() -> None:
    number, right, ignoring = list[float](), list[float](), list[float]()
    used_up = 0
    for run in range(RUNS):
        captures, taken, limit = drawn(run, 60)
        probabilities = [each.probability(limit) for each in taken]
        used_up += any(each.weight * limit > each.ceiling for each in taken)
        number.append(sum(1 / each for each in probabilities) - len(captures))
        total = sum(is_right(each.record) / p for each, p in zip(taken, probabilities, strict=True))
        right.append(total - sum(map(is_right, captures)))
        without = sum(1 / min(1.0, each.weight * limit) for each in taken)
        ignoring.append(without - len(captures))
    assert used_up == RUNS
    assert is_zero(number)
    assert is_zero(right)
    assert not is_zero(ignoring)


def test_the_corrected_accuracy_covers_the_truth() -> None:
    """Scores say nothing of the truth, and busy hours are worse: only the probabilities of the draw set it right."""
    gaps, covered = list[float](), 0
    for run in range(RUNS):
        captures, taken, limit = drawn(run, 40)
        truth = float(np.mean([is_right(each) for each in captures]))
        scores = np.array([score(each) for each in captures])
        sample = Drawn(
            np.array([is_right(each.record) for each in taken], dtype=float),
            np.array([score(each.record) for each in taken]),
            np.array([each.probability(limit) for each in taken]),
        )
        found = corrected_accuracy(sample, Population(len(captures), float(scores.mean()), float(scores.var())))
        gaps.append(found.once.value - truth)
        covered += found.once.low <= truth <= found.once.high
    assert abs(float(np.mean(gaps))) < 0.01
    assert covered / RUNS >= 0.91


def test_a_draw_from_reservoirs_is_nested_in_a_draw_from_all_captures() -> None:
    """A record that both draw has the greater of two probabilities, which is what the label's table keeps."""
    hours = window(0)
    every = for_labels(((each, 1.0) for hour in hours for each in hour), 200, score)
    some = for_labels(kept(hours), 200, score)
    limit = some[20].place
    assert {each.record.id for each in some if each.place < limit} <= {
        each.record.id for each in every if each.place < limit
    }
    ceilings = {each.record.id: each.ceiling for each in some}
    missed = [each for each in every if each.place < min(ceilings.values()) and each.record.id not in ceilings]
    assert missed == []


def test_a_reservoir_that_is_not_full_is_the_whole_period() -> None:
    hour = window(0)[2]
    found = kept_of_reservoir(list(reservoir_of(hour, SIZE).drawn()))
    assert {each.id for each, _ in found} == {each.id for each in hour}
    assert {ceiling for _, ceiling in found} == {1.0}
    assert kept_of_reservoir([]) == []


def test_the_shadow_gets_each_capture_as_often_whatever_its_hour() -> None:
    of_hour = np.zeros(len(HOURS))
    for run in range(RUNS):
        found = list(kept(window(run)))
        least = min(ceiling for _, ceiling in found)
        for each in for_shadow(found, 5, "shadow", least=least):
            of_hour[int((each.made_at - HOUR) / timedelta(hours=1))] += 1
    expected = of_hour.sum() * np.array([count for count, _ in HOURS]) / sum(count for count, _ in HOURS)
    assert ((of_hour - expected) ** 2 / expected).sum() < 13.8  # chi-squared with 2 degrees of freedom, 0.999
