"""The labels of drawn records with the probabilities of the draw, whether a terminal or a page asks for them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from slipway.cli.monitor.watched import Watched
from slipway.monitoring.accuracy.drawing import Candidate, limit_after
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.steps import Labelled

Given = tuple[str, dict[str, Any], float | None]
"""The id of a prediction, its true answer as feedback has it, and the probability with which it was drawn."""


def known_labels(watched: Watched) -> Mapping[str, Labelled]:
    """The captures of the window that have a true answer, by id; raises UnavailableError."""
    found = watched.labels.labelled(watched.model, watched.since, watched.until)
    return {each.id: each for each in found if each.version == watched.version}


def with_chances(
    ordered: Sequence[Candidate[Capture]],
    answers: Mapping[str, dict[str, Any]],
    skipped: Collection[str],
    known: Mapping[str, Labelled],
) -> list[Given]:
    """The answers to all records that come before the first one that has none, with their probabilities to be drawn.

    Known ones are among them: their probability has grown with the number of records that were drawn.
    """
    done = {*answers, *skipped, *known}
    taken = next((place for place, each in enumerate(ordered) if each.record.id not in done), len(ordered))
    limit = limit_after(ordered, taken)
    said = {**{identifier: as_feedback(each) for identifier, each in known.items()}, **answers}
    return [
        (each.record.id, said[each.record.id], each.probability(limit))
        for each in ordered[:taken]
        if each.record.id in said
    ]


def as_feedback(labelled: Labelled) -> dict[str, Any]:
    """A stored true answer as the body of feedback has it."""
    match labelled.true:
        case tuple() as labels:
            return {"labels": list(labels)}
        case dict() as values:
            return {"values": values}
        case str() as one:
            return {"label": one}
        case value:
            return {"value": value}
