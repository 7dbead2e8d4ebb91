"""Equal shares of a full queue, so that one caller cannot keep the others out.

A caller may fill the queue while nobody else wants it. Once it is full, a request within its caller's share takes the
place of the newest requests of callers that hold more than theirs. A share is the queue's limit divided by the number
of callers in it.
"""

from collections import Counter
from collections.abc import Sequence
from enum import Enum, auto


class Room(Enum):
    """Whether the queue takes a request, and if not, whose fault that is."""

    FREE = auto()
    """There is room."""
    YIELDED = auto()
    """The queue is full, and callers with more than their share make room."""
    OVER_SHARE = auto()
    """The queue is full, and the caller holds its share of it."""
    FULL = auto()
    """The queue is full, and the caller is not to blame: it is alone, or holds nothing."""

    @property
    def is_given(self) -> bool:
        """Whether the request may wait."""
        return self in (Room.FREE, Room.YIELDED)


class Shares:
    """How much of a bounded queue each caller holds; a caller that holds nothing is forgotten.

    The empty name is the one caller of all requests without an identity.

    Args:
        limit: how much fits. An empty queue takes a request of any size.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._held: Counter[str] = Counter()

    def room(self, caller: str, count: int = 1) -> Room:
        """Whether ``caller`` may add ``count`` more."""
        if not self.total or self.total + count <= self.limit:
            return Room.FREE
        held, callers = self._held.get(caller, 0), self._callers_with(caller)
        if callers == 1:
            return Room.FULL
        if held + count <= self.limit / callers:
            return Room.YIELDED
        return Room.OVER_SHARE if held else Room.FULL

    def yielding(self, requests: Sequence[tuple[str, int]], caller: str, count: int) -> list[int]:
        """The indices of the requests that give way to ``count`` more of ``caller``; none if they are too few.

        ``requests`` are the callers and sizes of those that may be taken from the queue, newest first.
        """
        newest_last: dict[str, list[int]] = {}
        for index in reversed(range(len(requests))):
            newest_last.setdefault(requests[index][0], []).append(index)
        newest_last.pop(caller, None)
        share, held = self.limit / self._callers_with(caller), Counter(self._held)
        chosen: list[int] = []
        needed = self.total + count - self.limit
        while needed > 0:
            over = [other for other, indices in newest_last.items() if indices and held[other] > share]
            if not over:
                return []
            fullest = max(over, key=lambda other: held[other])
            chosen.append(newest_last[fullest].pop())
            size = requests[chosen[-1]][1]
            held[fullest] -= size
            needed -= size
        return chosen

    def add(self, caller: str, count: int = 1) -> None:
        """Count what ``caller`` has added."""
        self.total += count
        self._held[caller] += count

    def remove(self, caller: str, count: int = 1) -> None:
        """Count what has left the queue."""
        self.total -= count
        self._held[caller] -= count
        if not self._held[caller]:
            del self._held[caller]

    def _callers_with(self, caller: str) -> int:
        return len(self._held) + (caller not in self._held)
