"""What a job does with the answers of a shard beside writing them: precompute, capture and profile."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from slipway.batch.job import Job
from slipway.batch.reading import ScoredTable
from slipway.batch.shards import Shard

if TYPE_CHECKING:
    import pyarrow


class Listener(Protocol):
    """Gets the tables of one shard, in order. What it does may be done again: a shard may be scored twice."""

    def add(self, found: ScoredTable, ids: "pyarrow.Array") -> None:
        """Take the answers of a table; ``ids`` are those of its predictions."""
        ...

    def files(self, shard: str) -> Mapping[str, Iterable[bytes]]:
        """The files to store once all of the shard was scored, by their place in the output; ``shard`` names it.

        Each is read once, piece by piece.
        """
        ...

    def counts(self) -> Mapping[str, int]:
        """What to say of the shard in its outcome."""
        ...


Listeners = Callable[[Job, Shard], Sequence[Listener]]
"""Makes the listeners of a shard."""


def no_listeners(_job: Job, _shard: Shard) -> Sequence[Listener]:
    """Do nothing but score."""
    return ()
