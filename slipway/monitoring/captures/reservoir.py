"""The reservoir: some whole captures of each version and period, drawn uniformly, however much traffic there was.

The draw is a bottom-k sample: the captures with the smallest hashes of their ids. It depends on no order, so the same
captures give the same sample, and the samples of two periods add up to the sample of both. An id is mostly chance of
the kernel, signed by the API, so a caller cannot choose whether a prediction is drawn. Cohen and Kaplan, "Summarizing
data using bottom-k sketches", 2007.
"""

import gzip
import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import minute_of

FOLDER = "reservoir"
RECORD_BYTES = 64 * 1024
"""The limit on one capture, as JSON. Larger ones are left out, whatever their draw, so that a file is bounded."""


class DrawnCapture(Capture):
    """A capture of a reservoir: it was drawn from ``drawn_from`` of its version and period, with this probability.

    The probability is among what was captured: the share of what was predicted is `capture.sample` times as much.
    """

    drawn_from: int
    inclusion: float


@dataclass(frozen=True, slots=True)
class Reservoir:
    """At most ``size`` captures, in the order of their hashes, of ``drawn_from``, besides ``too_large`` ones."""

    size: int
    captures: tuple[Capture, ...] = ()
    drawn_from: int = 0
    too_large: int = 0

    def __add__(self, other: "Reservoir") -> "Reservoir":
        """The sample of both; they are of different captures."""
        size = min(self.size, other.size)
        drawn = sorted((*self.captures, *other.captures), key=lambda capture: rank(capture.id))
        large = self.too_large + other.too_large
        return Reservoir(size, tuple(drawn[:size]), self.drawn_from + other.drawn_from, large)

    @property
    def inclusion(self) -> float:
        """The probability with which each of the captures was drawn."""
        return len(self.captures) / self.drawn_from if self.drawn_from else 1.0

    def drawn(self) -> Iterator[DrawnCapture]:
        """Yield the captures with their probability, in the order of time."""
        added = {"drawn_from": self.drawn_from, "inclusion": self.inclusion}
        for capture in sorted(self.captures, key=lambda each: (each.time, each.id)):
            yield DrawnCapture(**capture.model_dump(), **added)


def rank(prediction_id: str) -> int:
    """A hash of 64 bits; the smallest ones are drawn."""
    return int.from_bytes(blake2b(prediction_id.encode(), digest_size=8, person=b"slipway-sample").digest())


def reservoir_of(captures: Iterable[Capture], size: int) -> Reservoir:
    """Draw from distinct captures, holding no more than ``size`` of them in memory."""
    kept: list[tuple[int, str, Capture]] = []  # a heap with the largest hash in front
    count = too_large = 0
    for capture in captures:
        if len(capture.line().encode()) > RECORD_BYTES:
            too_large += 1
            continue
        count += 1
        entry = (-rank(capture.id), capture.id, capture)
        if len(kept) < size:
            heapq.heappush(kept, entry)
        elif kept and entry > kept[0]:
            heapq.heapreplace(kept, entry)
    drawn = tuple(capture for _, _, capture in sorted(kept, reverse=True))
    return Reservoir(size, drawn, count, too_large)


def reservoir_key(model: str, version: int, start: datetime) -> str:
    """The key of a version's file of the period that begins at ``start``, in UTC."""
    return f"{reservoir_folder(model, version, start)}hour={start:%H}/minute={minute_of(start)}.jsonl.gz"


def reservoir_folder(model: str, version: int, day: datetime) -> str:
    """The prefix of a version's files of a day."""
    return f"{FOLDER}/model={model}/version={version}/date={day:%Y-%m-%d}/"


def pack_reservoir(reservoir: Reservoir) -> bytes:
    """The captures of a reservoir as compressed JSON Lines; the same captures are the same bytes."""
    return gzip.compress("".join(f"{each.line()}\n" for each in reservoir.drawn()).encode(), mtime=0)


def unpack_reservoir(content: bytes) -> list[DrawnCapture]:
    """Parse a file of `pack_reservoir`."""
    return [DrawnCapture.model_validate(json.loads(line)) for line in gzip.decompress(content).splitlines() if line]
