"""Equal shares of a full queue: who gets in, who gives way, and who is refused."""

import math
from collections import Counter
from threading import Lock

from hypothesis import given
from hypothesis import strategies as st

from slipway.serving.batching.shares import Room, Shares
from slipway.serving.batching.waiting import Item, Ticket, Waiting

CALLERS = "abcd"
LIMITS = st.integers(min_value=1, max_value=40)
ARRIVALS = st.lists(st.tuples(st.sampled_from(CALLERS), st.integers(min_value=1, max_value=6)), max_size=80)
# None is a worker that takes a batch.
EVENTS = st.lists(
    st.none() | st.tuples(st.sampled_from(CALLERS), st.integers(min_value=1, max_value=6)), min_size=1, max_size=120
)


class Queue:
    """A queue beside a count of what each caller should hold in it, by the requests and their order alone."""

    def __init__(self, limit: int, max_batch: int = 1) -> None:
        self.limit = limit
        self.waiting = Waiting(limit, max_batch=max_batch)
        self.requests: list[Ticket] = []

    @property
    def held(self) -> Counter[str]:
        return Counter(item.ticket.caller for item in self.waiting._items)

    def arrive(self, caller: str, count: int) -> Room:
        ticket = Ticket(count, math.inf, lambda *_: None, caller=caller)
        room, self.displaced = self.waiting.put([Item(ticket, index, {}) for index in range(count)])
        return room

    def take(self) -> None:
        if len(self.waiting):
            wake = Lock()
            wake.acquire()
            self.waiting.take(wake)


@given(LIMITS, ARRIVALS)
def test_what_has_room_is_never_refused(limit: int, arrivals: list[tuple[str, int]]) -> None:
    queue = Queue(limit)
    for caller, count in arrivals:
        total = queue.held.total()
        room = queue.arrive(caller, count)
        if not total or total + count <= limit:
            assert room is Room.FREE
        assert (room is Room.FREE) == (not total or total + count <= limit)


@given(LIMITS, ARRIVALS)
def test_a_request_within_its_share_is_never_refused(limit: int, arrivals: list[tuple[str, int]]) -> None:
    queue = Queue(limit)
    for caller, count in arrivals:
        before = queue.held
        share = limit / len({*before, caller})
        room = queue.arrive(caller, count)
        if len({*before, caller}) > 1 and before[caller] + count <= share:
            assert room.is_given


@given(LIMITS, ARRIVALS)
def test_whoever_takes_a_place_ends_within_its_share(limit: int, arrivals: list[tuple[str, int]]) -> None:
    queue = Queue(limit)
    for caller, count in arrivals:
        before = queue.held
        if queue.arrive(caller, count) is Room.YIELDED:
            assert queue.held[caller] <= limit / len({*before, caller})


@given(LIMITS, ARRIVALS)
def test_only_callers_above_their_share_give_way_and_only_for_a_request_that_waits(
    limit: int, arrivals: list[tuple[str, int]]
) -> None:
    queue = Queue(limit)
    for caller, count in arrivals:
        before = queue.held
        room = queue.arrive(caller, count)
        assert bool(queue.displaced) == (room is Room.YIELDED)
        for ticket in queue.displaced:
            assert ticket.caller != caller
            assert before[ticket.caller] > limit / len({*before, caller})


@given(LIMITS, EVENTS, st.integers(min_value=1, max_value=4))
def test_the_queue_stays_bounded_and_its_counts_are_what_is_in_it(
    limit: int, events: list[tuple[str, int] | None], max_batch: int
) -> None:
    queue = Queue(limit, max_batch)
    for event in events:
        if event is None:
            queue.take()
        else:
            queue.arrive(*event)
        held = queue.held
        assert held.total() == len(queue.waiting) == queue.waiting._shares.total
        assert dict(held) == dict(queue.waiting._shares._held)  # a caller that holds nothing is forgotten
        assert held.total() <= max(limit, 6)


@given(LIMITS, EVENTS)
def test_a_request_that_has_begun_is_not_displaced(limit: int, events: list[tuple[str, int] | None]) -> None:
    queue = Queue(limit)
    for event in events:
        if event is None:
            queue.take()
        else:
            queue.arrive(*event)
            assert not any(ticket.taken for ticket in queue.displaced)


@given(st.integers(min_value=2, max_value=40), st.integers(min_value=1, max_value=200))
def test_one_who_floods_leaves_another_its_half(limit: int, flood: int) -> None:
    queue = Queue(limit)
    for _ in range(flood):
        queue.arrive("a", 1)
    for _ in range(limit // 2):
        assert queue.arrive("b", 1).is_given
        queue.arrive("a", 1)
    assert queue.held["b"] == limit // 2
    assert queue.held["a"] <= limit - limit // 2


def test_alone_a_caller_has_all_of_the_queue_and_is_not_to_blame_when_it_is_full() -> None:
    queue = Queue(4)
    assert [queue.arrive("a", 1) for _ in range(5)] == [*[Room.FREE] * 4, Room.FULL]


def test_the_newest_gives_way_and_the_greedy_one_is_told_so() -> None:
    queue = Queue(4)
    for _ in range(4):
        queue.arrive("a", 1)
    first, *_, newest = (item.ticket for item in queue.waiting._items)
    assert queue.arrive("b", 1) is Room.YIELDED
    assert queue.displaced == [newest]
    assert queue.waiting._items[0].ticket is first
    assert queue.arrive("a", 1) is Room.OVER_SHARE
    assert queue.arrive("c", 2) is Room.FULL  # more than a third, though it holds nothing


def test_without_enough_to_give_way_nobody_does() -> None:
    shares = Shares(4)
    shares.add("a", 4)
    assert shares.yielding([("a", 1)], "b", 2) == []
    assert shares.yielding([("a", 1), ("a", 1)], "b", 2) == [0, 1]
