"""Forwards the records that a sticky release assigns to the other slot.

The load balancer picks a slot at random. If a record's value decides its version, this slot asks the other version at
its own address. Requests that name a version are never forwarded, so there is one hop and no loop.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from pydantic_core import from_json, to_json

from slipway.config.api import CALLER_HEADER
from slipway.models.schema import RequestRecord
from slipway.monitoring.telemetry import metrics
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.release import Release
from slipway.serving.prediction.peers import PredictHere
from slipway.serving.prediction.request import Place, PredictionRequest
from slipway.serving.slot.releases import SlotReleases

Part = list[tuple[Place, RequestRecord]]
"""The places of one version, each with its record as the client sent it."""

# The rest of the time is for predicting here if forwarding fails.
_SHARE_OF_TIME = 0.5
_NAMES = ("id", "version", "cached", "precomputed", "precomputed_at")
_OK = 200
_LOG = logging.getLogger("slipway")


class Peer(Protocol):
    """Reaches the other slot through the load balancer."""

    async def post(
        self, path: str, body: bytes, seconds: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Post JSON, and return the answer's status and body; raises OSError without an answer within ``seconds``."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Forwarding:
    """Forwards records to the slot whose version their sticky value assigns.

    Args:
        releases: this slot's view of the release.
        peer: reaches the other slot.
    """

    def __init__(self, releases: SlotReleases, peer: Peer) -> None:
        self._releases = releases
        self._peer = peer

    def reassign(self, request: PredictionRequest) -> None:
        """Move each place to the version that its sticky value assigns, unless the request names a version."""
        known = self._releases.known(request.model)
        if known is None or known.release.sticky is None or request.version is not None:
            return
        versions = [self._assigned(known.release, record) for record in request.records]
        if request.placing.is_one_choice and len(set(versions)) > 1:
            return
        for place, version in zip(request.places, versions, strict=True):
            place.move(version)

    async def predict(self, request: PredictionRequest, places: Sequence[Place], here: PredictHere) -> Sequence[Place]:
        parts = self._elsewhere(request, places)
        if not parts:
            return places
        away = [place for part in parts for place, _ in part]
        gone = set(map(id, away))
        own = [place for place in places if id(place) not in gone]
        await asyncio.gather(here(own), *(self._ask(request, part) for part in parts))
        return [place for place in away if place.output is None]

    def _elsewhere(self, request: PredictionRequest, places: Sequence[Place]) -> list[Part]:
        """Return the places without an output that belong to other versions, by version."""
        own = self._releases.version
        if all(place.version == own for place in places):
            return []
        parts: dict[int, Part] = {}
        for place, asked in zip(request.places, request.records, strict=True):
            if place.version != own and place.output is None:
                parts.setdefault(place.version, []).append((place, asked))
        return list(parts.values())

    async def _ask(self, request: PredictionRequest, pairs: Part) -> None:
        """Forward the places of one other version; if that fails, reassign them to this slot."""
        version = pairs[0][0].version
        body = to_json({"inputs": [asked.model_dump(by_alias=True, exclude_unset=True) for _, asked in pairs]})
        try:
            path = f"/v1/models/{request.model}/versions/{version}/predict"
            seconds = max(request.deadline - monotonic(), 0) * _SHARE_OF_TIME
            # The other slot's queue is shared by callers too, and not by slots.
            headers = {CALLER_HEADER: caller} if (caller := request.context.caller) else None
            status, answer = await self._peer.post(path, body, seconds, headers)
            predictions = [_usable(request, made) for made in _predictions(status, answer, version, len(pairs))]
        except (OSError, ValueError) as error:
            _LOG.warning("version %s of %s is not reached, so this slot answers: %r", version, request.model, error)
            request.event.count(metrics.NOT_FORWARDED, len(pairs))
            for place, _ in pairs:
                place.move(self._releases.version)
            return
        request.event.count(metrics.FORWARDED, len(pairs))
        # The other slot times this request, so that each slot's latency is that of its own version.
        request.event.timed = False
        for (place, _), made in zip(pairs, predictions, strict=True):
            _take(place, made, keeps_id=request.placing.is_one_choice)

    async def close(self) -> None:
        """Close the connections to the other slot."""
        await self._peer.close()

    def _assigned(self, release: Release, record: RequestRecord) -> int:
        value = record.sent(release.sticky) if release.sticky else None
        return self._releases.version if value is None else assign(release, str(value))


def _predictions(status: int, answer: bytes, version: int, count: int) -> list[Mapping[str, Any]]:
    """Parse the predictions of an answer; raises ValueError if it is not a complete answer of that version."""
    if status != _OK:
        raise ValueError(f"it answered {status}")
    try:
        predictions: list[Mapping[str, Any]] = from_json(answer)["predictions"]
        if len(predictions) == count and all(made["version"] == version for made in predictions):
            return predictions
    except (KeyError, TypeError) as error:
        raise ValueError("it answered something else") from error
    raise ValueError("it answered something else")


def _usable(request: PredictionRequest, made: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the prediction if the request can use it; raises ValueError if it lacks the label to rank by."""
    if not request.placing.can_use(_output(made)):
        raise ValueError("its output is not what the request is about")
    return made


def _output(made: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name not in _NAMES}


def _take(place: Place, made: Mapping[str, Any], *, keeps_id: bool) -> None:
    """Fill a place with the other slot's prediction. It keeps the other slot's id, under which it may be captured."""
    place.elsewhere = True
    place.cached = bool(made["cached"])
    place.made_at = datetime.fromisoformat(made["precomputed_at"]) if made.get("precomputed") else None
    place.output = _output(made)
    if not keeps_id:
        place.id = str(made["id"])
