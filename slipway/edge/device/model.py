"""A model that predicts on the device and keeps a share of its predictions for home."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slipway.edge.outbox import Entry, Kept, Outbox, Said
from slipway.models.embedded import Model, load
from slipway.models.manifest import Record
from slipway.models.prediction.tasks import Output
from slipway.monitoring.feedback.prediction_ids import new_random


class DeviceModel:
    """A loaded model and an outbox; safe to use from several threads and processes."""

    def __init__(self, model: Model, outbox: Outbox, *, share: float = 1.0) -> None:
        self.model = model
        self._outbox = outbox
        self._share = share
        self._dice = random.SystemRandom()

    @classmethod
    def open(cls, package: Path, outbox: Path, *, share: float = 1.0, threads: int = 1) -> "DeviceModel":
        """Load a package, which proves itself, and open the outbox in a folder.

        Raises:
            GoldenError, PackageError: as `slipway.load` does with ``verify``.
        """
        return cls(load(package, threads=threads, verify=True), Outbox(outbox), share=share)

    def predict(self, records: Iterable[Record]) -> list[Output]:
        """Predict whole records, as `slipway.Model.predict` does; each output has an ``id`` that feedback may name.

        The id is the device's own and not signed: the API gives a signed one when the prediction is sent.
        """
        given = [dict(record) for record in records]
        outputs = self.model.predict(given)
        keep = self._dice.random() < self._share
        return [self._answer(record, output, keep=keep) for record, output in zip(given, outputs, strict=True)]

    def give_feedback(self, prediction_id: str, **body: Any) -> bool:
        """Keep feedback, e.g. ``label="late"``, for home; False if the outbox is full."""
        return self._outbox.add(Entry(feedback=Said(prediction_id=prediction_id, body=body)))

    def _answer(self, record: dict[str, Any], output: Output, *, keep: bool) -> Output:
        kept = Kept(model=self.model.name, version=self.model.version, random=new_random(), record=record)
        if keep:
            self._outbox.add(Entry(prediction=kept))
        return {"id": kept.id, **output}
