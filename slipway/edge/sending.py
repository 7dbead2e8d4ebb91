"""Sends an outbox home through the API, in batches, so that sending twice changes nothing.

Predictions go to the version's own route with the ids that the device made. The API predicts them again, captures them
like any request, and answers with its signed ids, which are always the same for the same device ids. So a capture that
is sent twice counts once. Feedback goes under the signed ids, and is idempotent by itself.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby
from typing import Any

from slipway.config.api import DEVICE_HEADER
from slipway.edge.outbox import Kept, Line, Outbox, Said
from slipway.errors import UnavailableError

BATCH = 50
# Nothing makes the API take these later. Its 404 of an unknown version has a title; one of a wrong address has none.
_FOR_GOOD = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_LOG = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True)
class HomeAnswer:
    """What the API answered: the status, and the JSON document."""

    status: int
    document: Any


Post = Callable[[str, Mapping[str, str], object], HomeAnswer]
"""Posts a JSON document to a path of the API with headers; raises UnavailableError if it cannot be reached."""


@dataclass(slots=True)
class Sent:
    """What was sent, and what the API refused for good, by reason."""

    predictions: int = 0
    feedback: int = 0
    refused: list[str] = field(default_factory=list)


def send(outbox: Outbox, post: Post, *, batch: int = BATCH) -> Sent:
    """Send all that waits. What was sent before an error stays sent.

    Raises:
        UnavailableError: the API cannot be reached, is busy, or does not accept the credentials; the rest waits.
    """
    sender = _Sender(outbox, post, outbox.signed())
    try:
        for lines in _batches(outbox, batch):
            entries = [line.entry for line in lines if line.entry]
            if predictions := [entry.prediction for entry in entries if entry.prediction]:
                sender.predictions(predictions)
            for said in (entry.feedback for entry in entries if entry.feedback):
                sender.feedback(said)
            outbox.sent_until(lines[-1].end)
    finally:
        outbox.drop_sent()
    return sender.sent


def _batches(outbox: Outbox, most: int) -> Iterator[list[Line]]:
    """Lines of one kind, and of one version, that lie together."""
    for _, group in groupby(outbox.waiting(), key=_kind):
        lines = list(group)
        yield from (lines[start : start + most] for start in range(0, len(lines), most))


def _kind(line: Line) -> tuple[str, int] | None:
    kept = line.entry.prediction if line.entry else None
    return (kept.model, kept.version) if kept else None


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends entries of an outbox, and counts them; ``signed`` has the API's ids by the device's."""

    outbox: Outbox
    post: Post
    signed: dict[str, str]
    sent: Sent = field(default_factory=Sent)

    def predictions(self, kept: Sequence[Kept]) -> None:
        """Send predictions of one version."""
        path = f"/v1/models/{kept[0].model}/versions/{kept[0].version}/predict"
        headers = {DEVICE_HEADER: ",".join(each.random for each in kept)}
        answer = self.post(path, headers, {"inputs": [each.record for each in kept]})
        if _is_taken(answer):
            new = dict(zip((each.id for each in kept), _signed_ids(answer, len(kept)), strict=True))
            self.outbox.add_signed(new)
            self.signed.update(new)
            self.sent.predictions += len(kept)
        elif len(kept) > 1:
            # One record that is refused must not take the others with it.
            for each in kept:
                self.predictions([each])
        else:
            self._refused(kept[0].id, answer)

    def feedback(self, said: Said) -> None:
        """Send feedback on one prediction."""
        id_ = self.signed.get(said.prediction_id)
        if id_ is None:
            self.sent.refused.append(f"{said.prediction_id}: its prediction was not sent")
            return
        answer = self.post("/v1/feedback", {}, {**said.body, "prediction_id": id_})
        if _is_taken(answer):
            self.sent.feedback += 1
        else:
            self._refused(said.prediction_id, answer)

    def _refused(self, id_: str, answer: HomeAnswer) -> None:
        self.sent.refused.append(f"{id_}: {_title(answer)} (HTTP {answer.status})")
        _LOG.warning("refused for good: %s", self.sent.refused[-1])


def _is_taken(answer: HomeAnswer) -> bool:
    """Whether the API took it; False if it never will. Raises UnavailableError if it may later."""
    if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
        return True
    if answer.status in _FOR_GOOD and _title(answer):
        return False
    raise UnavailableError("the API", f"it answered with status {answer.status}")


def _signed_ids(answer: HomeAnswer, count: int) -> list[str]:
    """The ids of an answer with ``count`` predictions; a proxy may answer with status 200 and a page of its own."""
    try:
        ids = [str(each["id"]) for each in answer.document["predictions"]]
    except (KeyError, TypeError) as error:
        raise UnavailableError("the API", "its answer has no predictions") from error
    if len(ids) != count:
        raise UnavailableError("the API", f"its answer has {len(ids)} predictions for {count} records")
    return ids


def _title(answer: HomeAnswer) -> str:
    document = answer.document
    return str(document.get("title", "")) if isinstance(document, Mapping) else ""
