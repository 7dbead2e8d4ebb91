"""The distances of an offline file and predictions, input by input."""

import pytest

from slipway.monitoring.skew.distribution import distances


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
