"""Collects logged captures into files and an index with a limited lifetime, and into labels that wait for feedback."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from slipway.config.releases.segments import SegmentConfig
from slipway.monitoring.accuracy.labels import LabelStore, captured_labels
from slipway.monitoring.captures.parsing import Capture, pack, read_captures
from slipway.monitoring.entities.forgotten import Forgotten, remembered
from slipway.monitoring.entities.index import EntityIndex, indexed


class CaptureFiles(Protocol):
    """Stores capture files."""

    def put(self, key: str, content: bytes) -> None:
        """Store a file; raises UnavailableError on failure."""
        ...


@dataclass(frozen=True, slots=True)
class Retention:
    """The models whose captures are kept, and for how long, and the inputs by which their accuracy is shown apart.

    ``entities`` are as `indexed` takes them.
    """

    models: Collection[str]
    kept: timedelta
    segments: Mapping[str, Sequence[SegmentConfig]] = field(default_factory=dict)
    entities: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stores:
    """Where captures are stored, and what was forgotten."""

    files: CaptureFiles
    labels: LabelStore
    index: EntityIndex
    forgotten: Forgotten


@dataclass(frozen=True, slots=True)
class Collected:
    """The stored captures, the number of invalid lines, and the predictions that the index left out."""

    captures: tuple[Capture, ...]
    broken: int
    not_indexed: int


def collect(lines: Iterable[str], stores: Stores, retention: Retention) -> Collected:
    """Store the captures found in log lines, other than those of forgotten entities; idempotent.

    Raises:
        UnavailableError: some of them could not be stored.
    """
    read = read_captures(lines)
    captures = [capture for capture in read.captures if capture.kept and capture.model in retention.models]
    if any(capture.entities for capture in captures):
        captures = remembered(captures, stores.forgotten.marks())
    for key, content in pack(captures).items():
        stores.files.put(key, content)
    stores.labels.captured(captured_labels(captures, retention.kept, retention.segments))
    entries, left_out = indexed(captures, retention.entities, retention.kept)
    return Collected(tuple(captures), read.broken, left_out + stores.index.add(entries))
