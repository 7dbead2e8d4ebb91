"""The queue of captures to label: the next one of the draw, and what becomes of an answer.

Labels go through the feedback route with the probability of the draw, and answers of the shadow into the file of
`slipway monitor label --shadow`; the commands and the pages go on with each other's draw.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from slipway.cli.api import Api
from slipway.cli.monitor.labelling.drawn_labels import Given, known_labels, with_chances
from slipway.cli.monitor.labelling.sending import Sent, send
from slipway.cli.monitor.labelling.shadow_answers import add_shadow, read_shadow, shadow_file
from slipway.cli.monitor.labelling.source import Source
from slipway.cli.monitor.labelling.typed import parse_typed
from slipway.cli.monitor.watched import Watched
from slipway.errors import ConflictError, InputError
from slipway.models.manifest import Form, Outputs
from slipway.monitoring.accuracy.drawing import Candidate, candidate
from slipway.monitoring.accuracy.human import HumanAnswer
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.steps import Labelled

DRAWN = 500
"""The records of one draw; labels that are known count among them."""
_AT_ONCE = 8

Order = Sequence[Candidate[Capture]]


@dataclass
class Session:
    """What was done at one queue since the console was started: the last answer, and what was skipped and sent."""

    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    sent: dict[str, float | None] = field(default_factory=dict)
    last: Capture | None = None
    note: str = ""
    lock: Lock = field(default_factory=Lock, repr=False)

    def keep(self, record: Capture, answer: dict[str, Any], note: str = "") -> None:
        """Remember the answer to a record, and what there is to say about it."""
        self.answered[record.id] = answer
        self.last, self.note = record, note


@dataclass
class Sessions:
    """The sessions of a console, by model, version and whether the model's answer is hidden."""

    _found: dict[tuple[str, int, bool], Session] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def of(self, model: str, version: int, *, shadow: bool) -> Session:
        """The session of one queue."""
        with self._lock:
            return self._found.setdefault((model, version, shadow), Session())


@dataclass(frozen=True, slots=True)
class Queue:
    """The record to ask about, or None after the last; ``done`` were answered before, here or elsewhere."""

    record: Capture | None
    outputs: Outputs
    done: int
    drawn: int


def shadow_place(watched: Watched) -> Path:
    """The file of the shadow's answers, which the command run beside slipway.yaml goes on with."""
    return watched.root / shadow_file(watched.model, watched.version)


def draw(watched: Watched, *, shadow: bool) -> Order:
    """The first captures of a version in the order in which they are labelled; raises UnavailableError."""
    source = Source(watched)
    if shadow:
        return [candidate(each.id, each, None) for each in source.for_shadow(DRAWN)]
    return source.for_labels(DRAWN)


def answered_before(watched: Watched, *, shadow: bool) -> Mapping[str, Labelled | HumanAnswer]:
    """The records that have an answer already, by id; raises UnavailableError."""
    if shadow:
        return {each.id: each for each in read_shadow(shadow_place(watched))}
    return known_labels(watched)


def queue_of(watched: Watched, order: Order, session: Session, before: Mapping[str, object]) -> Queue:
    """Where a queue is, given the answers of `answered_before`."""
    done = {*before, *session.answered, *session.skipped}
    record = next((each.record for each in order if each.record.id not in done), None)
    answered = len({*before, *session.answered} & {each.record.id for each in order})
    return Queue(record, watched.package.manifest.outputs, answered, len(order))


def skip(watched: Watched, order: Order, session: Session, identifier: str, *, shadow: bool) -> None:
    """Leave a record out of the draw; raises ConflictError if another one is next."""
    with session.lock:
        before = answered_before(watched, shadow=shadow)
        _require_next(queue_of(watched, order, session, before), identifier)
        session.skipped.add(identifier)
        session.last, session.note = None, ""


def give_label(watched: Watched, order: Order, session: Session, identifier: str, typed: str, *, api: Api) -> None:
    """Send the answer to the next record of a queue; raises as `give_shadow`, and ApiError if the API refuses it."""
    with session.lock:
        known = known_labels(watched)
        queue = queue_of(watched, order, session, known)
        record = _require_next(queue, identifier)
        answer = answer_typed(typed, queue.outputs)
        session.keep(record, answer, _send(order, session, {identifier: answer}, known, api))


def give_shadow(watched: Watched, order: Order, session: Session, identifier: str, typed: str) -> None:
    """Keep the answer to the next record of a queue as the shadow's.

    Raises:
        InputError: that is no answer of the model's outputs.
        ConflictError: another record is next.
        UnavailableError: a store cannot be reached.
    """
    with session.lock:
        queue = queue_of(watched, order, session, answered_before(watched, shadow=True))
        record = _require_next(queue, identifier)
        answer = answer_typed(typed, queue.outputs)
        add_shadow(shadow_place(watched), [record], {identifier: answer})
        session.keep(record, answer)


def answer_typed(typed: str, outputs: Outputs) -> dict[str, Any]:
    """An answer as feedback has it; raises InputError for what is none."""
    if outputs.form is Form.LABEL and typed in (outputs.labels or ()):
        return {"label": typed}
    answer = parse_typed(typed, outputs).answer
    if answer is None:
        raise InputError.of("answer", f"{typed!r} is no answer")
    return answer


def _require_next(queue: Queue, identifier: str) -> Capture:
    if queue.record is None or queue.record.id != identifier:
        raise ConflictError("this record was answered or skipped already; the queue has gone on to another one")
    return queue.record


def _send(
    order: Order, session: Session, new: dict[str, dict[str, Any]], known: Mapping[str, Labelled], api: Api
) -> str:
    """Send an answer, and anew those before whose probability has grown with it; returns what to say about it."""
    given = with_chances(order, {**session.answered, **new}, session.skipped, known)
    changed = [each for each in given if session.sent.get(each[0], -1.0) != each[2]]
    sent = _send_at_once(api, changed)
    session.sent |= {identifier: probability for identifier, _, probability in changed}
    return "It had another label already, which is kept and counts." if sent.conflicts else ""


def _send_at_once(api: Api, given: Sequence[Given]) -> Sent:
    total = Sent()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = [given[first::_AT_ONCE] for first in range(_AT_ONCE)]
        for each in pool.map(lambda part: send(api, part), parts):
            total.stored, total.known = total.stored + each.stored, total.known + each.known
            total.conflicts += each.conflicts
    return total
