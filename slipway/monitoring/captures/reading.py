"""Reads capture files: line by line, by hour of prediction, each capture once."""

import gzip
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from io import BytesIO
from typing import BinaryIO

from pydantic import ValidationError

from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.captures.parsing import FOLDER, Capture

HOUR = timedelta(hours=1)
_LINE_BYTES = 8 * 1024 * 1024
_ID_BYTES = 8
_AHEAD = 8


class BrokenLine:
    """A line that is not a capture, or the rest of a file that cannot be unpacked."""


BROKEN = BrokenLine()


class CaptureReader:
    """Reads the captures of a bucket."""

    def __init__(self, bucket: ObjectBucket) -> None:
        self._bucket = bucket

    def files(self, model: str, hour: datetime) -> list[str]:
        """The keys of the capture files of one hour of predictions, in order.

        Raises:
            UnavailableError: the bucket cannot be reached.
        """
        return list(self._bucket.keys(hour_folder(model, hour)))

    def files_by_hour(self, model: str, hours: Sequence[datetime]) -> dict[datetime, list[str]]:
        """The keys of the capture files of some hours, in order, by one listing a day. Raises as `files` does."""
        found: dict[datetime, list[str]] = {hour: [] for hour in hours}
        by_folder = {hour_folder(model, hour): keys for hour, keys in found.items()}
        for day in dict.fromkeys(hour.date() for hour in hours):
            first = next(hour_folder(model, hour) for hour in hours if hour.date() == day)
            for key in self._bucket.keys(first.rpartition("hour=")[0], after=first):
                if (keys := by_folder.get(key.rpartition("/")[0] + "/")) is not None:
                    keys.append(key)
        return found

    def read(self, key: str) -> Iterator[Capture | BrokenLine]:
        """The captures of one file, in its order; nothing if the file is gone. Raises as `files` does."""
        stream = self._bucket.open(key)
        if stream is not None:
            with stream:
                yield from captures_in(stream)

    def each(self, keys: Iterable[str]) -> Iterator[tuple[str, Iterator[Capture | BrokenLine]]]:
        """Several files in their order, each key with its captures; the next few are fetched meanwhile.

        Raises as `files` does.
        """
        waiting: deque[tuple[str, Future[bytes | None]]] = deque()
        with ThreadPoolExecutor(_AHEAD) as pool:
            try:
                for key in keys:
                    waiting.append((key, pool.submit(self._bucket.get, key)))
                    if len(waiting) > _AHEAD:
                        yield _fetched(*waiting.popleft())
                while waiting:
                    yield _fetched(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def captures(self, model: str, since: datetime, until: datetime) -> Iterator[Capture]:
        """The captures of predictions made in [``since``, ``until``), hour by hour, each once; no broken lines.

        They are read while they are iterated. Memory grows only with the ids of an hour, by some 70 bytes each.

        Raises:
            UnavailableError: the bucket cannot be reached.
        """
        hour = start_of_hour(since)
        while hour < until:
            seen: set[int] = set()
            for _, captures in self.each(self.files(model, hour)):
                for capture in captures:
                    if isinstance(capture, BrokenLine) or not since <= capture.made_at < until:
                        continue
                    if (short := short_id(capture.id)) not in seen:
                        seen.add(short)
                        yield capture
            hour += HOUR


def _fetched(key: str, future: "Future[bytes | None]") -> tuple[str, Iterator[Capture | BrokenLine]]:
    content = future.result()
    return key, iter(()) if content is None else captures_in(BytesIO(content))


def captures_in(stream: BinaryIO) -> Iterator[Capture | BrokenLine]:
    """The captures of a compressed JSON Lines file, each line that is none as `BROKEN`."""
    with gzip.GzipFile(fileobj=stream) as file:
        while True:
            try:
                line = file.readline(_LINE_BYTES)
            except (OSError, EOFError, zlib.error):  # gzip's BadGzipFile is an OSError
                yield BROKEN
                return
            if not line:
                return
            if line.strip():
                yield _capture(line)


def _capture(line: bytes) -> Capture | BrokenLine:
    try:
        # Fields that this build does not know are of a later one.
        return Capture.model_validate_json(line, extra="ignore")
    except ValidationError:
        return BROKEN


def hour_folder(model: str, hour: datetime) -> str:
    """The prefix of the capture files of one hour of predictions."""
    return f"{FOLDER}/model={model}/date={hour:%Y-%m-%d}/hour={hour:%H}/"


def start_of_hour(moment: datetime) -> datetime:
    """The full hour at or before a moment, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def short_id(identifier: str) -> int:
    """64 bits of an id; in an hour of a million captures, two have the same with a chance of one in 30 million."""
    return int.from_bytes(blake2b(identifier.encode(), digest_size=_ID_BYTES).digest())


def minute_of(start: datetime) -> str:
    """The minute of a period in its key, with the second if it does not begin with the minute: ``07`` or ``07.15``."""
    return f"{start:%M.%S}".removesuffix(".00")
