"""The SSM parameters of a heavy model's slots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from slipway.aws.clients import answered_by, new_client
from slipway.config.heavy import SLOTS, Slot, SlotNames, names_parameter, slot_parameter
from slipway.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class StoredSlot:
    """The stored version of a slot, the time it was set, and the weight that the next deploy applies."""

    version: int
    since: datetime
    weight: int


class SlotParameters:
    """Reads and writes the slot parameters of a project; ``options`` are passed to the boto3 client."""

    def __init__(self, project: str, options: Mapping[str, Any]) -> None:
        self._project = project
        self._client = new_client("ssm", options)

    def names(self, model: str) -> SlotNames:
        """The resource names of a model's slots.

        Raises:
            NotFoundError: the model is not deployed.
            UnavailableError: Parameter Store cannot be read.
        """
        name = names_parameter(self._project, model)
        with answered_by("Parameter Store"):
            found = self._client.get_parameters(Names=[name])["Parameters"]
        if not found:
            raise NotFoundError("parameter of a deployed heavy model", name, ())
        return SlotNames(**json.loads(found[0]["Value"]))

    def versions(self, model: str) -> dict[str, int]:
        """The stored version of each slot that has one; raises UnavailableError."""
        return {slot: int(found["Value"]) for slot, found in self._values(model, "version").items()}

    def kept(self, model: str) -> dict[str, StoredSlot]:
        """The stored state of each slot; raises UnavailableError."""
        versions, weights = self._values(model, "version"), self._values(model, "weight")
        return {
            slot: StoredSlot(int(found["Value"]), found["LastModifiedDate"], int(weights[slot]["Value"]))
            for slot, found in versions.items()
        }

    def keep_version(self, model: str, slot: str, version: int) -> None:
        """Store the version that a slot's next tasks serve; raises UnavailableError."""
        self._put(model, slot, "version", version)

    def keep_weight(self, model: str, slot: str, weight: int) -> None:
        """Store the weight that the next deploy gives a slot; raises UnavailableError."""
        self._put(model, slot, "weight", weight)

    def _values(self, model: str, value: Literal["version", "weight"]) -> dict[str, Mapping[str, Any]]:
        slots: dict[str, str] = {slot_parameter(self._project, model, slot, value): slot for slot in SLOTS}
        with answered_by("Parameter Store"):
            found = self._client.get_parameters(Names=list(slots))["Parameters"]
        return {slots[each["Name"]]: each for each in found}

    def _put(self, model: str, slot: str, value: Literal["version", "weight"], number: int) -> None:
        name = slot_parameter(self._project, model, _slot(slot), value)
        with answered_by("Parameter Store"):
            self._client.put_parameter(Name=name, Value=str(number), Overwrite=True)


def _slot(name: str) -> Slot:
    return next(slot for slot in SLOTS if slot == name)
