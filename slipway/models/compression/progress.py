"""How far a long step has come, for whoever shows it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Advance = Callable[[], None]
Watch = Callable[[str, int], AbstractContextManager[Advance]]
"""``with watch("The teacher answers", records) as advance:``, and ``advance()`` for each that is done."""


def silent(_what: str, _total: int) -> AbstractContextManager[Advance]:
    """Shows nothing."""
    return nullcontext(lambda: None)
