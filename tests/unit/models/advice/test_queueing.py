import math

import pytest

from slipway.models.advice.queueing import Queue, erlang_c, highest_rate, wait_quantile_ms


@pytest.mark.parametrize(
    ("servers", "load", "expected"),
    [
        (1, 0.5, 0.5),  # M/M/1: the share of the time that it is busy
        (2, 1.0, 1 / 3),  # a² / (a² + (1 + a)(2 - a)) = 1 / (1 + 2)
        (3, 2.0, 4 / 9),  # 8/6 · 3 / (1 + 2 + 2 + 8/6 · 3) = 4 / 9
        (10, 8.0, 0.409180),  # tables of Erlang's C
        (4, 0.0, 0.0),
        (4, 4.0, 1.0),
        (4, 5.0, 1.0),
    ],
)
def test_erlang_c_against_known_values(servers: int, load: float, expected: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(expected, abs=1e-6)


def test_many_servers_do_not_overflow() -> None:
    assert 0 < erlang_c(5000, 4900.0) < 1


def test_the_p99_wait_of_one_exponential_server() -> None:
    # 50 a second of 10 ms each: half busy, P(W > t) = 0.5 exp(-50 t) = 0.01 at t = ln(50) / 50 s.
    assert wait_quantile_ms(Queue(1, 10, 1.0), 50) == pytest.approx(math.log(50) / 50 * 1000)


def test_constant_service_times_wait_half_as_long() -> None:
    assert wait_quantile_ms(Queue(1, 10, 0.0), 50) == pytest.approx(math.log(50) / 50 * 1000 / 2)


def test_who_seldom_waits_has_no_p99_wait() -> None:
    assert wait_quantile_ms(Queue(1, 10, 1.0), 0.9) == 0


def test_a_saturated_queue_waits_for_ever() -> None:
    assert wait_quantile_ms(Queue(2, 10, 1.0), 200) == math.inf


def test_the_highest_rate_is_where_the_wait_is_just_allowed() -> None:
    queue = Queue(2, 10, 0.5)
    rate = highest_rate(queue, wait_ms=20, utilization=0.99)
    assert wait_quantile_ms(queue, rate) == pytest.approx(20)
    assert highest_rate(queue, wait_ms=1e6, utilization=0.7) == pytest.approx(140)
    assert highest_rate(queue, wait_ms=-1, utilization=0.7) == 0
