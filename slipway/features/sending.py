"""Send batches of writes with several in flight, in an order that the last write of a row wins."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def send_all(
    batches: Iterable[Sequence[T]], send: Callable[[Sequence[T]], R], *, key: Callable[[T], Hashable], in_flight: int
) -> Iterator[R]:
    """Yield the result of each batch, in their order.

    At most ``in_flight`` batches are under way. One that has a key of an earlier batch waits for it. ``batches`` is
    consumed along with the iterator. An error of ``send`` is raised in its batch's turn; batches under way may finish.
    """
    pending: deque[tuple[Future[R], frozenset[Hashable]]] = deque()
    with ThreadPoolExecutor(in_flight, thread_name_prefix="send") as pool:
        try:
            for batch in batches:
                keys = frozenset(map(key, batch))
                while len(pending) >= in_flight or any(not keys.isdisjoint(others) for _, others in pending):
                    yield pending.popleft()[0].result()
                pending.append((pool.submit(send, batch), keys))
            while pending:
                yield pending.popleft()[0].result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
