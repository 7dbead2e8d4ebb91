"""One ranking on its way: which versions score its items, by which ids, and the list that comes of their scores."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from slipway.errors import InputError, UnavailableError
from slipway.features.cache import Output
from slipway.models.manifest import BUILT_IN_TASKS, Manifest, Record
from slipway.monitoring.feedback.prediction_ids import PredictionId, new_random, release_tag
from slipway.monitoring.telemetry import metrics
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.release import Release
from slipway.releases.statistics.interleaving import Team, team_draft
from slipway.serving.prediction.live_releases import Releases
from slipway.serving.prediction.request import Place, Prediction, PredictionRequest

_LOG = logging.getLogger("slipway")
# As `slipway.releases.record.phases` has it, whose import a cold start would pay for.
_RUNNING = "running"


@dataclass(frozen=True, slots=True)
class RankedItem:
    """An item of the answer: its place in the request, what ranked it, and the prediction that did."""

    index: int
    score: float
    made: Prediction


class Ranking:
    """Places each item with the one version that ranks, or while a release interleaves with both; is `Placing`.

    Args:
        releases: what serves the model.
        manifest: gives the manifest of a version.
        by: the label whose probability ranks, or of a task of one's own the number; None where it was not given.
        limit: how many items are wanted.
    """

    field = "items"
    is_one_choice = True

    def __init__(
        self, releases: Releases, manifest: Callable[[int], Manifest], *, by: str | None, limit: int | None
    ) -> None:
        self.impression = new_random()
        self._releases = releases
        self._manifest = manifest
        self._by = by
        self._limit = limit
        self._versions: tuple[int, ...] = ()
        self._salt = ""

    def place(self, request: PredictionRequest, records: Sequence[Record]) -> list[Place]:
        release = self._releases.of(request.model)
        self._salt = release.salt
        self._versions = (request.version,) if request.version is not None else self._assigned(request, release)
        return [
            Place(record, self._id(request.model, version, item), version)
            for version in self._versions
            for item, record in enumerate(records)
        ]

    def drop_version(self, request: PredictionRequest, version: int) -> bool:
        """Of two versions that rank, the candidate may fail; the list is then the stable one's, and no impression."""
        stable, *others = self._versions
        if version not in others:
            return False
        self._versions = (stable,)
        request.places = [place for place in request.places if place.version == stable]
        for item, place in enumerate(request.places):
            place.id = self._id(request.model, stable, item)
        return True

    def can_use(self, output: Output) -> bool:
        """Whether there is a number in it to rank by."""
        try:
            score(output, self._manifest(self._versions[0]), self._by)
        except InputError:
            return False
        return True

    def ranked(self, predictions: Sequence[Prediction], count: Callable[..., None]) -> list[RankedItem]:
        """The wanted items, best first; ``count`` notes a list that two versions made.

        Raises:
            InputError: a task of one's own does not predict the number that was asked for.
        """
        size = len(predictions) // len(self._versions)
        parts = [predictions[first : first + size] for first in range(0, len(predictions), size)]
        lists = {version: self._sorted(version, part) for version, part in zip(self._versions, parts, strict=True)}
        if len(self._versions) == 1:
            return lists[self._versions[0]][: self._limit]
        stable, candidate = (lists[version] for version in self._versions)
        count(metrics.IMPRESSIONS, 1, Version=str(self._versions[1]))
        by_item = {Team.STABLE: _by_item(stable), Team.CANDIDATE: _by_item(candidate)}
        orders = ([each.index for each in ranked] for ranked in (stable, candidate))
        picks = team_draft(*orders, salt=self._salt, key=self.impression, length=self._limit)
        return [by_item[pick.team][pick.item] for pick in picks]

    def _assigned(self, request: PredictionRequest, release: Release) -> tuple[int, ...]:
        """The version of the whole list, since scores of different versions do not compare; or both."""
        known = self._releases.known(request.model)
        interleaves = known is not None and known.phase == _RUNNING and release.strategy == "interleave"
        if interleaves and release.candidates and self._can_rank(release.candidates[0].version):
            return (release.stable, release.candidates[0].version)
        sent = {record.sent(release.sticky) for record in request.records} if release.sticky else {None}
        # Items that differ in the sticky field say nothing of whose list it is.
        key = sent.pop() if len(sent) == 1 else None
        assigned = assign(release, self.impression if key is None else str(key))
        return (assigned if self._can_rank(assigned) else release.stable,)

    def _can_rank(self, version: int) -> bool:
        """Whether a version knows the label; the stable one was asked before."""
        try:
            check_by(self._manifest(version), self._by)
        except (InputError, UnavailableError) as error:
            _LOG.warning("version %s cannot rank: %s", version, error)
            return False
        return True

    def _id(self, model: str, version: int, item: int) -> str:
        tag = release_tag(self._salt) if len(self._versions) > 1 else ""
        return str(PredictionId(model, version, self.impression, item, tag))

    def _sorted(self, version: int, predictions: Sequence[Prediction]) -> list[RankedItem]:
        """By the manifest of the version that was asked here, even if another slot has answered for its own."""
        manifest = self._manifest(version)
        ranked = [
            RankedItem(index, score(made.output, manifest, self._by), made) for index, made in enumerate(predictions)
        ]
        return sorted(ranked, key=lambda item: (-item.score, item.index))


def _by_item(ranked: Sequence[RankedItem]) -> dict[int, RankedItem]:
    return {each.index: each for each in ranked}


def check_by(manifest: Manifest, by: str | None) -> None:
    """Whether a version ranks by what was asked for; raises InputError."""
    labels = manifest.outputs.labels
    if manifest.task not in BUILT_IN_TASKS:
        return
    if labels is None:
        if by is not None:
            raise InputError.of("by", f"has no meaning here: {manifest.name} predicts a value, and items rank by it")
    elif by not in labels:
        said = "is required" if by is None else f"must be a label of {manifest.name} {manifest.version}"
        raise InputError.of("by", f"{said}: the label whose probability ranks, of {', '.join(labels)}")


def score(output: Output, manifest: Manifest, by: str | None) -> float:
    """The number that ranks an item: a regression's value, or a label's probability.

    Raises:
        InputError: there is no such number: a task of one's own predicts others, or another slot's version has no such
            label.
    """
    scores = output.get("scores", {}) if manifest.task in BUILT_IN_TASKS and by is not None else output
    found = scores.get(by or "value")
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise InputError.of("by", f"must name a number among the outputs of {manifest.name}: {', '.join(output)}")
    return float(found)
