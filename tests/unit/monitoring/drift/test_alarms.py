"""Columns are found together by e-BH, whose false alarms the mean of the evidence bounds."""

import math

import numpy as np
import pytest

from slipway.monitoring.drift.alarms import column_weights, discoveries, least_evidence

COLUMNS = ("inputs.a", "inputs.b", "inputs.c", "outputs.score")


def test_outputs_have_half_of_the_false_alarms() -> None:
    assert column_weights(COLUMNS).tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    assert column_weights(COLUMNS[:2]).tolist() == [0.5, 0.5]


def test_one_column_needs_its_part_of_alpha_and_two_need_half_as_much() -> None:
    weights = np.full(4, 0.25)
    needed = float(least_evidence(weights, 0.01)[0])
    assert needed == pytest.approx(math.log(400))
    alone = np.array([needed + 0.01, 0.0, 0.0, 0.0])
    assert discoveries(alone, weights, 0.01).tolist() == [True, False, False, False]
    two = np.array([math.log(201), math.log(201), 0.0, 0.0])
    assert discoveries(two, weights, 0.01).tolist() == [True, True, False, False]
    assert not discoveries(two - 0.1, weights, 0.01).any()


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_unless_the_weighted_mean_is_a_hundred(seed: int) -> None:
    """This is why the false alarms of all columns together are bounded, however the columns depend on each other."""
    rng = np.random.default_rng(seed)
    evidence, weights = rng.normal(3, 3, size=(20_000, 4)), column_weights(COLUMNS)
    found = discoveries(evidence, weights, 0.01).any(axis=-1)
    assert found.any()
    assert not found.all()
    assert (np.exp(evidence[found]) @ weights >= 100 * (1 - 1e-12)).all()
