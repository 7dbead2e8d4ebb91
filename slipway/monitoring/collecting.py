"""What becomes of captures once they are logged: files that are kept for a time, and labels that wait for feedback."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from slipway.monitoring.accuracy import LabelStore, captured_labels
from slipway.monitoring.captured import Read, pack, read_captures


class CaptureFiles(Protocol):
    """Where files of captures lie."""

    def put(self, key: str, content: bytes) -> None:
        """Store a file; raises UnavailableError where that cannot be done."""
        ...


def collect(lines: Iterable[str], files: CaptureFiles, labels: LabelStore, *, kept: timedelta) -> Read:
    """Keep what was captured in lines of a log. To do it again changes nothing.

    Raises:
        UnavailableError: the files or the labels cannot be stored, or not all of them.
    """
    read = read_captures(lines)
    for key, content in pack(read.captures).items():
        files.put(key, content)
    labels.captured(captured_labels(read.captures, kept))
    return read
