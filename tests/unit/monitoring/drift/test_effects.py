"""Effect sizes are those that scipy and others compute."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from slipway.monitoring.drift.effects import js_distance, shares_of, stability_index


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("cells", [2, 12, 257])
def test_the_distance_is_that_of_scipy_to_base_2(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 20, size=(2, cells)))  # many cells are empty on one side or both
    counts[:, 0] += 1
    expected = jensenshannon(counts[0], counts[1], base=2)
    assert float(js_distance(counts[0], counts[1])) == pytest.approx(expected, abs=1e-6)


def test_the_distance_is_0_of_equal_shares_and_1_without_a_common_cell() -> None:
    assert js_distance(np.array([1.0, 3.0]), np.array([25.0, 75.0])) == pytest.approx(0, abs=1e-7)
    assert js_distance(np.array([1.0, 0.0]), np.array([0.0, 7.0])) == pytest.approx(1)


def test_the_stability_index_is_the_sum_over_cells_of_the_difference_times_the_log_of_the_ratio() -> None:
    p, q = (0.2, 0.3, 0.5), (0.1, 0.4, 0.5)
    expected = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert float(stability_index(np.array(p), np.array(q))) == pytest.approx(expected, abs=1e-12)


def test_an_empty_cell_of_the_stability_index_is_a_share_of_one_in_ten_thousand() -> None:
    expected = (0.1 - 1e-4) * math.log(0.1 / 1e-4) + (0.9 - 1.0) * math.log(0.9)
    assert float(stability_index(np.array([1.0, 9.0]), np.array([0.0, 10.0]))) == pytest.approx(expected, abs=1e-12)


def test_runs_are_leading_axes_and_no_counts_have_no_effect_size() -> None:
    counts = np.array([[5.0, 5.0], [0.0, 0.0]])
    distances = js_distance(counts, np.array([0.5, 0.5]))
    assert distances[0] == pytest.approx(0, abs=1e-7)
    assert np.isnan(distances[1])
    assert np.isnan(stability_index(counts, np.array([0.5, 0.5]))[1])
    assert shares_of(counts).tolist() == [[0.5, 0.5], [0.0, 0.0]]
