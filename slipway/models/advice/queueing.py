"""How long requests wait for a free server: Erlang's delay formula and the tail that follows from it.

Sources: A. K. Erlang's delay formula C(c, a) for M/M/c, as in L. Kleinrock, Queueing Systems, vol. 1 (1975), section
3.5; for other than exponential service times, the Allen-Cunneen approximation, A. O. Allen, Probability, Statistics,
and Queueing Theory (1990), section 5.3.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """``servers`` with a mean service time of ``service_ms``; ``cv2`` is its (deviation / mean)².

    ``cv2`` of 1 makes it M/M/c, and 0 makes it M/D/c.
    """

    servers: int
    service_ms: float
    cv2: float

    def load(self, rate: float) -> float:
        """The mean number of busy servers at ``rate`` requests per second."""
        return rate * self.service_ms / 1000


def erlang_c(servers: int, load: float) -> float:
    """The probability that a request waits, with ``load`` busy servers on average; 1 at saturation and above."""
    if load >= servers:
        return 1.0
    # Erlang B by recursion, which neither overflows nor cancels: B(0) = 1, B(n) = aB(n-1) / (n + aB(n-1)).
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def wait_quantile_ms(queue: Queue, rate: float, quantile: float = 0.99) -> float:
    """The ``quantile`` of the wait in ms; infinite at saturation and above.

    Solves P(wait > t) = C(c, a) exp(-2 (cμ - λ) t / (1 + cv²)) for t; exact for M/M/c.
    """
    load = queue.load(rate)
    if load >= queue.servers:
        return math.inf
    waiting = erlang_c(queue.servers, load)
    if waiting <= 1 - quantile:
        return 0.0
    decay_per_ms = (queue.servers - load) / queue.service_ms * 2 / (1 + queue.cv2)
    return math.log(waiting / (1 - quantile)) / decay_per_ms


def highest_rate(queue: Queue, *, wait_ms: float, utilization: float) -> float:
    """The most requests per second with a p99 wait of at most ``wait_ms`` and at most ``utilization`` (0 to 1)."""
    if wait_ms < 0:
        return 0.0
    low, high = 0.0, utilization * queue.servers / queue.service_ms * 1000
    if wait_quantile_ms(queue, high) <= wait_ms:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if wait_quantile_ms(queue, middle) <= wait_ms else (low, middle)
    return low
