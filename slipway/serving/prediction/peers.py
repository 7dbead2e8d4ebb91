"""Who else predicts: the records that a sticky release has assigned to another slot are predicted there."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from slipway.serving.prediction.request import Place, PredictionRequest

PredictHere = Callable[[Sequence[Place]], Awaitable[None]]


class Peers(Protocol):
    """The other slots, as the pipeline asks them."""

    def reassign(self, request: PredictionRequest) -> None:
        """Place records at the version of their sticky value."""
        ...

    async def predict(self, request: PredictionRequest, places: Sequence[Place], here: PredictHere) -> Sequence[Place]:
        """Have the places of other slots predicted there and, meanwhile, the rest ``here``.

        Returns the places that are still without an output and have become this slot's own.
        """
        ...


class NoPeers:
    """This process predicts every record."""

    def reassign(self, request: PredictionRequest) -> None:
        """Every record stays."""

    async def predict(
        self,
        request: PredictionRequest,  # noqa: ARG002 - as `Peers` has it
        places: Sequence[Place],
        here: PredictHere,  # noqa: ARG002 - as `Peers` has it
    ) -> Sequence[Place]:
        return places
