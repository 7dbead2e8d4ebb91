"""The kinds of files that may hold something of an entity, and how to take it out of each."""

import gzip
import json
import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.errors import InputError
from slipway.monitoring.captures.parsing import FOLDER as CAPTURES
from slipway.monitoring.captures.parsing import GIVEN_UP, MARK
from slipway.monitoring.captures.reservoir import FOLDER as RESERVOIR
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.captures.subscriptions import unpacked
from slipway.monitoring.erasure.split import Line, Split, UnreadableError
from slipway.monitoring.erasure.split_parquet import split_parquet

HISTORY = "history"
CAPTURE_BUCKET = "CaptureBucket"
HISTORY_BUCKET = "HistoryBucket"
"""The outputs with the names of the buckets."""

_PLAIN = re.compile(r"[\w.@:+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of files; ``split`` takes the key and content of one, and returns it without an entity.

    ``bucket`` is the output with the bucket's name, and ``holds`` says what the lines are, in the plural.
    """

    bucket: str
    folder: str
    holds: str
    split: Callable[[str, bytes, Subject], Split]


def is_about(capture: Mapping[str, Any], subject: Subject) -> bool:
    """Whether a captured record named an entity."""
    named = capture.get("entities")
    return isinstance(named, Mapping) and named.get(subject.entity) == subject.id


def _history(key: str, content: bytes, subject: Subject) -> Split:
    """Take an entity's changes out of a file of the history, of which some are Parquet."""

    def is_its(row: Mapping[str, Any]) -> bool:
        return (row.get("entity"), row.get("id")) == subject

    return split_parquet(content, subject) if key.endswith(".parquet") else _split_lines(content, subject, is_its)


def _captures(_key: str, content: bytes, subject: Subject) -> Split:
    return _split_lines(content, subject, lambda line: is_about(line, subject))


def _split_lines(content: bytes, subject: Subject, is_its: Callable[[Line], bool]) -> Split:
    try:
        text = gzip.decompress(content)
        if _cannot_hold(text, subject):
            return Split(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(str(error)) from error
    left: list[bytes] = []
    taken: list[Line] = []
    for line in text.splitlines(keepends=True):
        try:
            read = _object(line)
            is_taken = is_its(read)
        except ValueError:  # whatever it is, it must not keep the id
            read, is_taken = {}, subject.id.encode() in line
        if is_taken:
            taken.append(read)
        else:
            left.append(line)
    return Split(gzip.compress(b"".join(left), mtime=0), taken) if taken else Split(content)


def _events(_key: str, content: bytes, subject: Subject) -> Split:
    """Take an entity's captures out of an event of CloudWatch Logs, which stays whole otherwise."""
    try:
        document = _object(content)
        packed = document["requestPayload"]["awslogs"]["data"]
        event = _object(unpacked(packed))
        logged = event["logEvents"]
        captures = [_capture(each["message"], subject) for each in logged]
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise UnreadableError(str(error)) from error
    taken = [capture for capture in captures if is_about(capture, subject)]
    if not taken:
        return Split(content)
    left = [each for each, capture in zip(logged, captures, strict=True) if not is_about(capture, subject)]
    document["requestPayload"]["awslogs"]["data"] = _packed({**event, "logEvents": left})
    return Split(json.dumps(document).encode(), taken)


def _capture(message: str, subject: Subject) -> Line:
    """The capture of a log line, or nothing. One that was cut off is the entity's if it has its id anywhere."""
    if not message.startswith(MARK):
        return {}
    try:
        capture: Line = _object(message)["capture"]
    except (KeyError, ValueError):
        return {"entities": {subject.entity: subject.id}} if subject.id in message else {}
    return capture


def _packed(event: Line) -> str:
    return b64encode(gzip.compress(json.dumps(event).encode(), mtime=0)).decode()


def _object(text: bytes | str) -> Line:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _cannot_hold(text: bytes, subject: Subject) -> bool:
    """Whether a file has nothing of an entity, judged by its text alone, which spares parsing most files."""
    return bool(_PLAIN.fullmatch(subject.id)) and subject.id.encode() not in text


SHELVES = (
    Shelf(CAPTURE_BUCKET, f"{CAPTURES}/", "captured predictions", _captures),
    Shelf(CAPTURE_BUCKET, f"{RESERVOIR}/", "captures of the reservoir", _captures),
    Shelf(CAPTURE_BUCKET, f"{GIVEN_UP}/", "captures that could not be stored", _events),
    Shelf(HISTORY_BUCKET, f"{HISTORY}/", "rows of the feature history", _history),
)
"""All folders that may hold something of an entity."""
