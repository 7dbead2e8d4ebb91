"""The distance of an offline file and predictions, beside scipy."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from slipway.monitoring.skew.distribution import distances, js_distance


@pytest.mark.parametrize("seed", range(20))
def test_the_distance_is_that_of_scipy(seed: int) -> None:
    draw = np.random.default_rng(seed)
    first, second = (draw.integers(0, 50, 12) * draw.integers(0, 2, 12) + np.eye(12)[0] for _ in range(2))
    assert float(js_distance(first, second)) == pytest.approx(jensenshannon(first, second, base=2), abs=1e-9)


def test_inputs_are_ordered_by_distance_and_missing_values_count() -> None:
    same = [float(n) for n in range(1000)]
    offline = {"same": same, "moved": same, "city": ["a", "b"] * 500, "lost": same, "none": []}
    served = {"same": same, "moved": [n + 400 for n in same], "city": ["a"] * 1000, "lost": [None] * 500 + same[:500]}
    found = {each.name: each for each in distances(offline, served)}
    assert list(found)[-1] == "same"
    assert found.keys() == {"same", "moved", "city", "lost"}
    assert found["same"].effect == pytest.approx(0, abs=1e-9)
    assert (found["lost"].missing_offline, found["lost"].missing_served) == (0, 0.5)
    assert all(each.effect > 0.3 for name, each in found.items() if name != "same")
