"""Counts a request by segment, while its model's release has segments."""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from slipway.monitoring.telemetry import segments as names
from slipway.monitoring.telemetry.segments import Group
from slipway.releases.routing.segments import Segmenting
from slipway.serving.prediction.request import Place, PredictionRequest


def count_answered(request: PredictionRequest, segmenting: Segmenting) -> None:
    """Count what this process answered. In each group, a version's part of a request has weight 1."""
    answered = [place for place in request.places if not place.elsewhere]
    for group, places in _grouped(answered, segmenting).items():
        request.event.count_group(group, _counts(places, group.version, segmenting))


def count_failed(request: PredictionRequest, batch: Iterable[Place], segmenting: Segmenting) -> None:
    """Count a batch that its version failed."""
    for group in _grouped(batch, segmenting):
        request.event.count_group(group, {names.PARTS: 1, names.FAILED: 1})


def _grouped(places: Iterable[Place], segmenting: Segmenting) -> dict[Group, list[Place]]:
    grouped: dict[Group, list[Place]] = {}
    for place in places:
        for number, segment in enumerate(segmenting.segments):
            group = Group(segmenting.tag, place.version, number, segment.group_of(place.record))
            grouped.setdefault(group, []).append(place)
    return grouped


def _counts(places: list[Place], version: int, segmenting: Segmenting) -> dict[str, float]:
    counts: dict[str, float] = {names.PARTS: 1}
    limits = segmenting.latency.get(version)
    # Records of one part ran in one batch; cached ones did not run.
    ran = next((place.milliseconds for place in places if place.milliseconds is not None), None)
    if limits is not None and ran is not None:
        counts |= {names.TIMED: 1, names.OVER_P50: ran > limits[0], names.OVER_P99: ran > limits[1]}
    for place in places:
        for name, count in _of_output(place.output or {}, segmenting):
            counts[name] = counts.get(name, 0) + count / len(places)
    return counts


def _of_output(output: Mapping[str, Any], segmenting: Segmenting) -> Iterator[tuple[str, float]]:
    label, score, value = output.get("label"), output.get("score"), output.get("value")
    if segmenting.labels and label is not None:
        yield names.LABELED, 1
    if label in segmenting.labels:
        yield names.label_count(segmenting.labels.index(label)), 1
    if isinstance(score, float):
        yield from ((names.SCORED, 1), (names.SCORES, score))
    if segmenting.value_limits and isinstance(value, float) and isfinite(value):
        yield names.VALUED, 1
        yield from ((names.value_count(place), value > limit) for place, limit in enumerate(segmenting.value_limits))
