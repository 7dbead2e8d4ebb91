"""The kinds of files that may hold something of an entity, and how to take it out of each."""

import gzip
import json
import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import InputError
from slipway.monitoring.captures.parsing import FOLDER as CAPTURES
from slipway.monitoring.captures.parsing import MARK
from slipway.monitoring.captures.reservoir import FOLDER as RESERVOIR
from slipway.monitoring.captures.subjects import Subject
from slipway.monitoring.captures.subscriptions import unpacked

HISTORY = "history"
UNPROCESSED = "aws/lambda/async"
"""The folder of the events that the function `capture` gave up on."""

Line = dict[str, Any]
_PLAIN = re.compile(r"[\w.@:+-]+", re.ASCII)
_GROUP = re.compile(r"/group=([^/]+)/")


@dataclass(frozen=True, slots=True)
class Split:
    """What is left of a file without an entity, and the lines that were taken out of it."""

    left: bytes
    taken: list[Line] = field(default_factory=list)


class UnreadableError(Exception):
    """A file is not what its folder says."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of files; ``split`` takes the key and content of one, and returns it without an entity.

    ``holds`` says what its lines are, in the plural.
    """

    folder: str
    holds: str
    split: Callable[[str, bytes, Subject], Split]


def shelves(groups: Collection[str]) -> tuple[Shelf, ...]:
    """All folders; ``groups`` are the feature groups of the entity."""

    def history(key: str, content: bytes, subject: Subject) -> Split:
        if (group := _GROUP.search(key)) is None or group[1] not in groups:
            return Split(content)
        return _split_lines(content, subject, lambda line: line.get("entity_id") == subject.id)

    return (
        Shelf(f"{CAPTURES}/", "captured predictions", _captures),
        Shelf(f"{RESERVOIR}/", "captures of the reservoir", _captures),
        Shelf(f"{UNPROCESSED}/", "captures that could not be stored", _events),
        Shelf(f"{HISTORY}/", "rows of the feature history", history),
    )


def is_about(capture: Mapping[str, Any], subject: Subject) -> bool:
    """Whether a captured record named an entity."""
    named = capture.get("entities")
    return isinstance(named, Mapping) and named.get(subject.entity) == subject.id


def _captures(_key: str, content: bytes, subject: Subject) -> Split:
    return _split_lines(content, subject, lambda line: is_about(line, subject))


def _split_lines(content: bytes, subject: Subject, is_its: Callable[[Line], bool]) -> Split:
    try:
        text = gzip.decompress(content)
        if _cannot_hold(text, subject):
            return Split(content)
        lines = [(line, _object(line)) for line in text.split(b"\n") if line]
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableError(str(error)) from error
    taken = [read for _, read in lines if is_its(read)]
    if not taken:
        return Split(content)
    return Split(gzip.compress(b"".join(line + b"\n" for line, read in lines if not is_its(read)), mtime=0), taken)


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

