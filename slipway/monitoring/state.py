"""The monitor's state: JSON objects beside the captures, which only `slipway.monitoring.monitor` reads and writes."""

import json

from slipway.errors import InputError
from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.steps import State

MONITORING = "monitoring"


class StateStore:
    """JSON objects by name. Every method raises UnavailableError if the bucket cannot be reached."""

    def __init__(self, bucket: ObjectBucket) -> None:
        self._bucket = bucket

    def read(self, name: str) -> State | None:
        """The object of a name, or None; raises InputError if it is not one that Slipway wrote."""
        content = self._bucket.get(_key(name))
        if content is None:
            return None
        try:
            found = json.loads(content)
        except ValueError as error:
            raise InputError.of(_key(name), f"is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise InputError.of(_key(name), "is not a JSON object")
        return found

    def write(self, name: str, state: State) -> None:
        """Store an object in place of the one of its name."""
        content = json.dumps(state, separators=(",", ":"), allow_nan=False).encode()
        self._bucket.put(_key(name), content, content_type="application/json")


def model_state(model: str, name: str) -> str:
    """The name of an object about a model."""
    return f"model={model}/{name}"


def version_state(model: str, version: int, name: str) -> str:
    """The name of an object about a version, such as a step's state."""
    return f"model={model}/version={version}/{name}"


def _key(name: str) -> str:
    return f"{MONITORING}/{name}.json"
