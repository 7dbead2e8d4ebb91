"""One ranking: chooses the versions that score its items, assigns ids, and orders the items by their scores."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from slipway.errors import InputError, UnavailableError
from slipway.features.cache import Output
from slipway.models.manifest import BUILT_IN_TASKS, Manifest
from slipway.monitoring.feedback.prediction_ids import PredictionId, new_random, release_tag, with_bucket
from slipway.monitoring.telemetry import metrics
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.buckets import bucket_of
from slipway.releases.routing.release import Release
from slipway.releases.statistics.interleaving import Team, team_draft
from slipway.serving.prediction.live_releases import Releases
from slipway.serving.prediction.request import Place, Prediction, PredictionRequest

_LOG = logging.getLogger("slipway")
# Copied from `slipway.releases.record.phases`, because importing that would slow a cold start.
_RUNNING = "running"


@dataclass(frozen=True, slots=True)
class RankedItem:
    """An item of the answer: its index in the request, its score, and the prediction that gave the score."""

    index: int
    score: float
    made: Prediction


class Ranking:
    """A `Placing` that assigns all items to one version, or to both versions while a release interleaves.

    Args:
        releases: the releases of the models.
        manifest: returns the manifest of a version.
        by: the label or target that ranks, or the number of a user's own task; None if not given.
        limit: how many items to return.
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

    def place(self, request: PredictionRequest) -> list[Place]:
        release = self._releases.of(request.model)
        self._salt = release.salt
        sticky = self._releases.sticky(request.model)
        key = self._key(request, sticky)
        bucket = bucket_of(key) if sticky else None
        if bucket is not None:
            self.impression = with_bucket(self.impression, bucket)
        self._versions = (request.version,) if request.version is not None else self._assigned(request, release, key)
        return [
            Place(self._id(request.model, version, item), version, bucket=bucket)
            for version in self._versions
            for item in range(len(request.records))
        ]

    def drop_version(self, request: PredictionRequest, version: int) -> bool:
        """Drop a failed candidate from an interleaved ranking, which then is the stable version's and no impression."""
        stable, *others = self._versions
        if version not in others:
            return False
        self._versions = (stable,)
        request.places = [place for place in request.places if place.version == stable]
        for item, place in enumerate(request.places):
            place.id = self._id(request.model, stable, item)
        return True

    def can_use(self, output: Output) -> bool:
        """Whether an output has a number to rank by."""
        try:
            score(output, self._manifest(self._versions[0]), self._by)
        except InputError:
            return False
        return True

    def misfits(self, request: PredictionRequest) -> list[Place]:  # noqa: ARG002 - as `Placing` has it
        return []

    def ranked(self, predictions: Sequence[Prediction], count: Callable[..., None]) -> list[RankedItem]:
        """Return up to ``limit`` items, best first; ``count`` records an impression if two versions ranked.

        Raises:
            InputError: a user's own task does not predict the requested number.
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

    def _key(self, request: PredictionRequest, sticky: str | None) -> str:
        """Return the sticky value of the list's user, or else the impression."""
        sent = {record.sent(sticky) for record in request.records} if sticky else {None}
        # If the items differ in the sticky field, it does not identify the list's user.
        value = sent.pop() if len(sent) == 1 else None
        return self.impression if value is None else str(value)

    def _assigned(self, request: PredictionRequest, release: Release, key: str) -> tuple[int, ...]:
        """Return one version for the whole list, since versions' scores are not comparable, or both to interleave."""
        known = self._releases.known(request.model)
        interleaves = known is not None and known.phase == _RUNNING and release.strategy == "interleave"
        if interleaves and release.candidates and self._can_rank(release.candidates[0].version):
            return (release.stable, release.candidates[0].version)
        assigned = assign(release, key)
        return (assigned if self._can_rank(assigned) else release.stable,)

    def _can_rank(self, version: int) -> bool:
        """Whether a candidate knows the label; the stable version has been checked before."""
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
        """Sort by score. The manifest is that of the assigned version, even if another slot's version answered."""
        manifest = self._manifest(version)
        ranked = [
            RankedItem(index, score(made.output, manifest, self._by), made) for index, made in enumerate(predictions)
        ]
        return sorted(ranked, key=lambda item: (-item.score, item.index))


def _by_item(ranked: Sequence[RankedItem]) -> dict[int, RankedItem]:
    return {each.index: each for each in ranked}


def rank_names(manifest: Manifest) -> tuple[str, ...]:
    """The labels or targets of which a request names the one to rank by; none if its answer has only one number."""
    if manifest.task not in BUILT_IN_TASKS:
        return ()
    return manifest.outputs.labels or manifest.outputs.target_names


def check_by(manifest: Manifest, by: str | None) -> None:
    """Raise InputError if a version cannot rank by the requested label or target."""
    if manifest.task not in BUILT_IN_TASKS:
        return
    names = rank_names(manifest)
    if not names:
        if by is not None:
            raise InputError.of("by", f"has no meaning here: {manifest.name} predicts a value, and items rank by it")
    elif by not in names:
        what, number = ("label", "probability") if manifest.outputs.labels else ("target", "value")
        said = "is required" if by is None else f"must be a {what} of {manifest.name} {manifest.version}"
        raise InputError.of("by", f"{said}: the {what} whose {number} ranks, of {', '.join(names)}")


def score(output: Output, manifest: Manifest, by: str | None) -> float:
    """Return the number that ranks an item: a regression's value, that of a target, or a label's probability.

    Raises:
        InputError: the output has no such number, because a user's own task does not predict it or another slot's
            version does not have the label.
    """
    if manifest.task in BUILT_IN_TASKS and by is not None:
        numbers = output.get("scores") or output.get("values") or {}
    else:
        numbers = output
    found = numbers.get(by or "value")
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise InputError.of("by", f"must name a number among the outputs of {manifest.name}: {', '.join(output)}")
    return float(found)
