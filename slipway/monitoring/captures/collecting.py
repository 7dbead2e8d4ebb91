"""Collects logged captures into files with a limited lifetime, and into labels that wait for feedback."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from slipway.config.segments import SegmentConfig
from slipway.monitoring.accuracy.labels import LabelStore, captured_labels
from slipway.monitoring.captures.parsing import ParsedLines, pack, read_captures


class CaptureFiles(Protocol):
    """Stores capture files."""

    def put(self, key: str, content: bytes) -> None:
        """Store a file; raises UnavailableError on failure."""
        ...


@dataclass(frozen=True, slots=True)
class Retention:
    """The models whose captures are kept, and for how long, and the inputs by which their accuracy is shown apart."""

    models: Collection[str]
    kept: timedelta
    segments: Mapping[str, Sequence[SegmentConfig]] = field(default_factory=dict)


def collect(lines: Iterable[str], files: CaptureFiles, labels: LabelStore, retention: Retention) -> ParsedLines:
    """Store the captures found in log lines and return them; idempotent.

    Raises:
        UnavailableError: some files or labels could not be stored.
    """
    read = read_captures(lines)
    captures = tuple(capture for capture in read.captures if capture.kept and capture.model in retention.models)
    for key, content in pack(captures).items():
        files.put(key, content)
    labels.captured(captured_labels(captures, retention.kept, retention.segments))
    return ParsedLines(captures, read.broken)
