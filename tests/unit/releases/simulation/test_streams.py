"""The outcomes of requests, feedback and predictions are drawn as the behaviour says."""

from dataclasses import replace

import numpy as np
import pytest

from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Traffic
from slipway.releases.simulation.traffic.streams import Measured, Stream, added_up
from slipway.releases.simulation.traffic.users import Group

SAME = Behaviour()


def limits(runs: int) -> dict[str, np.ndarray]:
    return {"p50": np.full(runs, 20.0), "p99": np.full(runs, 60.0)}


def test_streams_draw_what_they_say() -> None:
    rng, traffic = np.random.default_rng(0), Traffic(rps=1000, daily=0.5, feedback=0.5, feedback_minutes=1)
    assert SAME.over(np.array([20.0, 60.0])) == pytest.approx([0.5, 0.01])
    stream = Stream(SAME, traffic, Measured(limits(4)), runs=4)
    sums: dict[str, np.ndarray] = {}
    for minute in range(10):
        for key, pair in added_up(stream.draw(rng, Group.alike(np.full(4, 0.5)), minute, 1)).items():
            sums[key] = sums.get(key, 0) + np.array(pair).sum(axis=1)
    for key, mean in (
        ("errors", 0.001),
        ("p50", 0.5),
        ("p99", 0.01),
        ("label:neutral", 0.4),
        ("accuracy", 0.25),
        ("reward", 0.1),
    ):
        assert sums[key][1] / sums[key][0] == pytest.approx(mean, rel=0.1)
    assert sums["accuracy"][0] / sums["errors"][0] == pytest.approx(0.45, abs=0.03)
    assert traffic.expected(359.5, 1) == pytest.approx(90_000, rel=1e-3)


def test_a_reward_comes_late_or_counts_at_a_fixed_age() -> None:
    rng, traffic = np.random.default_rng(0), Traffic(rps=100, reward_minutes=10)
    whenever, aged = (Stream(SAME, traffic, Measured(limits(3), reward_delay=delay), runs=3) for delay in (None, 10))
    for stream, outcomes, mean in ((whenever, 10.3, 0.1), (aged, 10, 0.1 * (1 - np.exp(-1)))):
        pairs = [stream.draw(rng, Group.alike(np.ones(3)), minute, 1)["reward"] for minute in range(20)]
        n, won = (np.sum(column, axis=0).mean() for column in zip(*pairs, strict=True))
        assert n == pytest.approx(outcomes * 6000, rel=0.15)
        assert won / n == pytest.approx(mean, rel=0.1)


def test_values_are_counted_over_each_limit() -> None:
    rng, priced = np.random.default_rng(0), replace(SAME, labels={})
    values = priced.value_limits()
    stream = Stream(priced, Traffic(), Measured(limits(3), values=values), runs=3)
    counts = stream.draw(rng, Group.alike(np.ones(3)), 0, 10)
    shares = [float(counts[f"value:{limit!r}"][1].sum() / counts["errors"][0].sum()) for limit in values]
    assert shares == pytest.approx([0.8, 0.6, 0.4, 0.2], abs=0.01)
    assert not [key for key in counts if key.startswith("label:")]
