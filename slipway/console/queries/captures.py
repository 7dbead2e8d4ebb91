"""Captures of a model: found by what is known of them, and one with all that came back on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest
from typing import Any

from slipway.aws.table import DynamoTable, lazy_client
from slipway.cli.deployed import Deployed
from slipway.console.workspace import Workspace
from slipway.errors import NotFoundError
from slipway.models.prediction.labels import confidence_of
from slipway.models.registry.bucket import s3_client
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import HOUR, CaptureReader, start_of_hour
from slipway.monitoring.entities.life import DynamoFeedbackReader
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id

SHOWN = 50
MOST_READ = 20_000
"""The captures that one search reads; it says up to where it came, and can go on from there."""


@dataclass(frozen=True, slots=True)
class Search:
    """What captures must be: made in [since, until), and of each condition that is given."""

    model: str
    since: datetime
    until: datetime
    version: int | None = None
    label: str = ""
    least: float | None = None
    most: float | None = None
    entity: str = ""

    def finds(self, capture: Capture) -> bool:
        """Whether a capture is what is searched for."""
        return (
            self.since <= capture.made_at < self.until
            and self.version in (None, capture.version)
            and (not self.label or self.label in _labels(capture))
            and (not self.entity or self.entity in capture.entities.values())
            and self._has_score(capture)
        )

    def _has_score(self, capture: Capture) -> bool:
        if self.least is None and self.most is None:
            return True
        score = confidence_of(capture.outputs)
        if score is None:
            return False
        return (self.least is None or score >= self.least) and (self.most is None or score <= self.most)


@dataclass(frozen=True, slots=True)
class Found:
    """The newest captures of a search, and the moment that an earlier page begins before; None if that was all."""

    captures: tuple[Capture, ...]
    read: int
    earlier: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One capture, and the feedback on it by the name of its field."""

    capture: Capture
    feedback: Mapping[str, Any]


def find_captures(workspace: Workspace, search: Search) -> Found:
    """The newest captures of a search; raises UnavailableError, and NotFoundError where nothing is deployed."""
    return search_hours(_reader(workspace.deployed()), search)


def search_hours(reader: CaptureReader, search: Search, *, shown: int = SHOWN, most: int = MOST_READ) -> Found:
    """Read hour by hour, the newest first, until enough are found or too many were read."""
    found: list[Capture] = []
    read = 0

    def matches(start: datetime, end: datetime) -> Iterator[Capture]:
        nonlocal read
        for capture in reader.captures(search.model, start, end):
            read += 1
            if search.finds(capture):
                yield capture

    for start, end in _hours(search.since, search.until):
        found += nlargest(shown + 1 - len(found), matches(start, end), key=lambda each: (each.time, each.id))
        if len(found) > shown:
            # What was made in the same millisecond as the last one shown is on the next page again.
            return Found(tuple(found[:shown]), read, found[shown - 1].made_at + timedelta(milliseconds=1))
        if read >= most and start > search.since:
            return Found(tuple(found), read, start)
    return Found(tuple(found), read, None)


def _hours(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The hours of a window, the newest first."""
    start = start_of_hour(until - timedelta(microseconds=1))
    while start + HOUR > since:
        yield max(start, since), min(start + HOUR, until)
        start -= HOUR


def open_capture(workspace: Workspace, model: str, identifier: str) -> Opened:
    """One capture.

    Raises:
        InputError: that is no id.
        NotFoundError: it is of another model, or was not captured, or has expired.
        UnavailableError: a store cannot be reached.
    """
    deployed, prediction = workspace.deployed(), parse_prediction_id(identifier)
    if prediction.model == model:
        start = start_of_hour(prediction.made_at)
        # The id has the second in which a request came, and the capture the moment of its answer.
        for capture in _reader(deployed).captures(model, start, start + 2 * HOUR):
            if capture.id == identifier:
                return Opened(capture, feedback_on(deployed, identifier))
    raise NotFoundError(f"capture of {model}", identifier, way_out="not every prediction is captured, and they expire")


def feedback_on(deployed: Deployed, identifier: str) -> Mapping[str, Any]:
    """What was said of a prediction; empty if nothing was."""
    client = lazy_client(**deployed.options)
    table = DynamoTable(deployed.output("ControlTable"), dependency="feedback store", client=client)
    return DynamoFeedbackReader(table).read([identifier]).get(identifier, {})


def _reader(deployed: Deployed) -> CaptureReader:
    return CaptureReader(CaptureBucket(deployed.output("CaptureBucket"), client=s3_client(**deployed.options)))


def _labels(capture: Capture) -> tuple[str, ...]:
    """The predicted label or labels."""
    label, labels = capture.outputs.get("label"), capture.outputs.get("labels")
    if isinstance(label, str):
        return (label,)
    return tuple(each for each in labels if isinstance(each, str)) if isinstance(labels, list) else ()
