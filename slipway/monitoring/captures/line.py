"""Captures: the sampled record of inputs, outputs, version and id, as a JSON line of the log."""

import os
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

_RANDOM_BYTES = 7
_RESOLUTION = 256**_RANDOM_BYTES


def is_sampled(share: float) -> bool:
    """Whether this request is captured. Uses the kernel's randomness, because snapshot clones share a process's own."""
    return share > 0 and int.from_bytes(os.urandom(_RANDOM_BYTES)) < share * _RESOLUTION


def capture_line(
    *,
    prediction_id: str,
    model: str,
    version: int,
    time_ms: int,
    request_id: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    kept: bool = True,
) -> str:
    """Return one prediction as JSON without a newline; ``inputs`` is the record with its features filled in.

    A capture with kept=False exceeds the share configured in slipway.yaml; shadows score it, then it is dropped.
    """
    capture = {
        "id": prediction_id,
        "model": model,
        "version": version,
        "time": time_ms,
        "request": request_id,
        "inputs": inputs,
        "outputs": outputs,
        **({} if kept else {"kept": False}),
    }
    return to_json({"capture": capture}).decode()
