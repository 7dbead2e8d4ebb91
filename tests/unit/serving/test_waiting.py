"""Batches of near length."""

import math

from hypothesis import given
from hypothesis import strategies as st

from slipway.serving.batching.shares import Room
from slipway.serving.batching.waiting import Item, Ticket, Waiting, nearest

LENGTHS = st.lists(st.integers(min_value=0, max_value=500), min_size=1, max_size=60)


def items(lengths: list[int]) -> list[Item]:
    ticket = Ticket(len(lengths), math.inf, lambda _ticket, _error: None)
    return [Item(ticket, index, {"text": "x" * length}) for index, length in enumerate(lengths)]


@given(LENGTHS, st.integers(min_value=1, max_value=16))
def test_a_batch_has_the_oldest_and_little_padding(lengths: list[int], limit: int) -> None:
    waiting = items(lengths)
    batch = nearest(waiting, limit)
    assert batch[0] is waiting[0]
    assert len(batch) <= limit
    assert len(set(map(id, batch))) == len(batch)
    longest = max(item.length for item in batch)
    assert sum(item.length for item in batch) >= 0.75 * longest * len(batch)


def test_records_without_text_are_all_of_one_length() -> None:
    ticket = Ticket(5, math.inf, lambda _ticket, _error: None)
    assert len(nearest([Item(ticket, index, {"age": index}) for index in range(5)], 4)) == 4


def test_all_or_none_of_a_request_wait() -> None:
    waiting = Waiting(3)
    assert waiting.put(items([1, 1])) == (Room.FREE, [])
    assert waiting.put(items([1, 1])) == (Room.FULL, [])
    assert len(waiting) == 2
    assert waiting.put(items([1])) == (Room.FREE, [])
