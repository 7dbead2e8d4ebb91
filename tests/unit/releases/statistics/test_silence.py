import math

import numpy as np
import pytest

from slipway.releases.statistics.silence import Silence

SHARES = np.array([0.95, 0.05])


def after(silence: Silence, *windows: tuple[float, float], shares: np.ndarray = SHARES) -> Silence:
    for window in windows:
        silence = silence.after(np.array(window), shares, 1)
    return silence


def test_a_silence_is_as_probable_as_its_requests_all_going_to_the_stable_version() -> None:
    silence = after(Silence.of(1), *[(30, 0)] * 4)
    assert float(silence.odds[0]) == pytest.approx(-120 * math.log(0.95))
    assert (float(silence.minutes[0]), float(silence.requests[0]), float(silence.since[0])) == (4, 120, 1)


def test_it_takes_the_minutes_and_the_improbability() -> None:
    many, few = (after(Silence.of(1), *[(n, 0)] * 10) for n in (1000.0, 3.0))
    assert many.silent(10, 0.001).tolist() == [True]
    assert many.silent(11, 0.001).tolist() == [False]
    assert few.silent(10, 0.001).tolist() == [False]
    assert after(few, *[(3, 0)] * 60).silent(10, 0.001).tolist() == [True]


def test_a_request_ends_it_and_minutes_without_any_traffic_say_nothing() -> None:
    silence = after(Silence.of(1), *[(1000, 0)] * 9, (0, 0), (0, 0))
    assert float(silence.minutes[0]) == 9
    assert after(silence, (1000, 1), *[(1000, 0)] * 9).silent(10, 0.001).tolist() == [False]
    assert after(silence, (1000, 0)).silent(10, 0.001).tolist() == [True]


def test_a_candidate_without_a_share_is_not_missed() -> None:
    silence = Silence.of(2)
    for _ in range(20):
        silence = silence.after(np.array([1000.0, 0, 0]), np.array([0.5, 0.0, 0.5]), 1)
    assert silence.silent(10, 0.001).tolist() == [False, True]


def test_users_take_the_place_of_requests_where_they_are_assigned_as_a_whole() -> None:
    halves = np.array([0.5, 0.5])
    few, many = Silence.of(1), Silence.of(1)
    for _ in range(20):
        few = few.after(np.array([1000.0, 0]), halves, 1, users=np.array(3.0))
        many = many.after(np.array([1000.0, 0]), halves, 1, users=np.array(100.0))
    assert (few.silent(10, 0.001).tolist(), many.silent(10, 0.001).tolist()) == ([False], [True])


@pytest.mark.parametrize(("share", "per_minute"), [(0.05, 1.0), (0.05, 5.0), (0.01, 20.0)])
def test_chance_does_not_make_it_at_low_traffic(share: float, per_minute: float) -> None:
    """Two days of looks each minute, at traffic of which the candidate often has none for ten minutes."""
    rng, runs = np.random.default_rng(0), 400
    silence, ever = Silence.of(1, (runs,)), np.zeros(runs, dtype=bool)
    shares = np.broadcast_to(np.array([1 - share, share]), (runs, 2))
    longest = np.zeros(runs)
    for _ in range(2880):
        n = np.stack([rng.poisson(per_minute * (1 - share), runs), rng.poisson(per_minute * share, runs)], axis=-1)
        silence = silence.after(n.astype(float), shares, np.ones(runs))
        ever |= silence.silent(10, 0.001)[:, 0]
        longest = np.maximum(longest, silence.minutes[:, 0])
    assert np.median(longest) > 10
    assert ever.mean() <= 0.005
