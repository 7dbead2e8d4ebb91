"""The parameters of a heavy model's slots."""

from collections.abc import Mapping
from typing import Any

from slipway.boto import answered_by, new_client
from slipway.heavy_tier import SLOTS, slot_parameter


class SlotParameters:
    """What the slots of a project's models serve; ``options`` are those of boto3's client."""

    def __init__(self, project: str, options: Mapping[str, Any]) -> None:
        self._project = project
        self._client = new_client("ssm", options)

    def versions(self, model: str) -> dict[str, int]:
        """The version of each slot that has one; raises UnavailableError."""
        slots = {slot_parameter(self._project, model, slot, "version"): slot for slot in SLOTS}
        with answered_by("Parameter Store"):
            found = self._client.get_parameters(Names=list(slots))["Parameters"]
        return {slots[each["Name"]]: int(each["Value"]) for each in found}
