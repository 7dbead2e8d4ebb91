"""Captures: the sampled record of inputs, outputs, version and id, as a JSON line of the log."""

import os
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

_RANDOM_BYTES = 7
_RESOLUTION = float(256**_RANDOM_BYTES)


def drawn_by_chance() -> float:
    """A number in [0, 1): what is below the share is captured. Snapshot clones share all but the kernel's chance."""
    return int.from_bytes(os.urandom(_RANDOM_BYTES)) / _RESOLUTION


def capture_line(
    *,
    prediction_id: str,
    model: str,
    version: int,
    time_ms: int,
    request_id: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    entities: Mapping[str, str] | None = None,
    precomputed_ms: int | None = None,
    kept: bool = True,
) -> str:
    """Return one prediction as JSON without a newline; ``inputs`` is the record with its features filled in.

    ``entities`` has the id of each entity that the record names, and ``precomputed_ms`` is when a batch job made the
    outputs ahead. A capture with kept=False exceeds the share
    configured in slipway.yaml; shadows score it, then it is dropped.
    """
    capture = {
        "id": prediction_id,
        "model": model,
        "version": version,
        "time": time_ms,
        "request": request_id,
        "inputs": inputs,
        "outputs": outputs,
        **({"entities": entities} if entities else {}),
        **({} if precomputed_ms is None else {"precomputed": precomputed_ms}),
        **({} if kept else {"kept": False}),
    }
    return to_json({"capture": capture}).decode()
