"""What becomes of captures once they are logged: files that are kept for a time, and labels that wait for feedback."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from slipway.monitoring.accuracy.labels import LabelStore, captured_labels
from slipway.monitoring.captures.parsing import ParsedLines, pack, read_captures


class CaptureFiles(Protocol):
    """Where files of captures lie."""

    def put(self, key: str, content: bytes) -> None:
        """Store a file; raises UnavailableError where that cannot be done."""
        ...


@dataclass(frozen=True, slots=True)
class Retention:
    """Of which models captures are kept, and for how long."""

    models: Collection[str]
    kept: timedelta


def collect(lines: Iterable[str], files: CaptureFiles, labels: LabelStore, retention: Retention) -> ParsedLines:
    """Keep what was captured in lines of a log, and say what that was. To do it again changes nothing.

    Raises:
        UnavailableError: the files or the labels cannot be stored, or not all of them.
    """
    read = read_captures(lines)
    captures = tuple(capture for capture in read.captures if capture.kept and capture.model in retention.models)
    for key, content in pack(captures).items():
        files.put(key, content)
    labels.captured(captured_labels(captures, retention.kept))
    return ParsedLines(captures, read.broken)
