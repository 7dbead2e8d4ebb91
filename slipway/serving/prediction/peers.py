"""The interface to the other slot, which predicts the records that a sticky release assigns to it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from slipway.serving.prediction.request import Place, PredictionRequest

PredictHere = Callable[[Sequence[Place]], Awaitable[None]]


class Peers(Protocol):
    """The other slots, as the pipeline sees them."""

    def reassign(self, request: PredictionRequest) -> None:
        """Move each place to the version that its sticky value assigns."""
        ...

    async def predict(self, request: PredictionRequest, places: Sequence[Place], here: PredictHere) -> Sequence[Place]:
        """Predict the places of other slots there and, concurrently, the rest ``here``.

        Returns the places that still have no output; this slot must predict them.
        """
        ...


class NoPeers:
    """`Peers` of a process that predicts every record itself."""

    def reassign(self, request: PredictionRequest) -> None:
        """Leave every record in place."""

    async def predict(
        self,
        request: PredictionRequest,  # noqa: ARG002 - as `Peers` has it
        places: Sequence[Place],
        here: PredictHere,  # noqa: ARG002 - as `Peers` has it
    ) -> Sequence[Place]:
        return places
