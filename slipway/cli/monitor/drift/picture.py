"""Small pictures of distributions, of one character for each cell."""

from collections.abc import Sequence
from itertools import pairwise

WIDTH = 13
"""The cells of a column of numbers: ten bins, below, above and missing."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_NONE = "·"


def pictures(expected: Sequence[float], found: Sequence[float], *, ordered: bool) -> tuple[str, str]:
    """Two distributions over the same cells at one scale, of up to `WIDTH` characters each.

    More cells are joined: neighbours if they are ``ordered``, else all but those that differ most.
    """
    if len(expected) > WIDTH:
        groups = _neighbours(len(expected)) if ordered else _largest(expected, found)
        expected, found = ([sum(shares[cell] for cell in group) for group in groups] for shares in (expected, found))
    highest = max((*expected, *found), default=0.0)
    return _picture(expected, highest), _picture(found, highest)


def _picture(shares: Sequence[float], highest: float) -> str:
    return "".join(_block(share / highest) if share > 0 else _NONE for share in shares)


def _block(height: float) -> str:
    return _BLOCKS[min(int(height * len(_BLOCKS)), len(_BLOCKS) - 1)]


def _neighbours(cells: int) -> list[range]:
    """The first cells joined two by two, as far as is needed; the last one counts what is missing and stays alone."""
    ends = [round(place * (cells - 1) / (WIDTH - 1)) for place in range(WIDTH)]
    joined = [range(start, end) for start, end in pairwise(ends)]
    return [*joined, range(cells - 1, cells)]


def _largest(expected: Sequence[float], found: Sequence[float]) -> list[list[int]]:
    """The cells that differ most, in their order, and then the rest together."""
    order = sorted(range(len(expected)), key=lambda cell: -abs(found[cell] - expected[cell]))
    shown = sorted(order[: WIDTH - 1])
    return [*([cell] for cell in shown), order[WIDTH - 1 :]]
