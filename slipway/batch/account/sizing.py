"""How many rows a worker scores at once: enough to be worth its start, few enough for its time limit."""

from slipway.config import ModelConfig

LIGHT_SECONDS, HEAVY_SECONDS = 120.0, 300.0
"""What a shard should take: a task takes a minute to start, a function a second."""

_LIGHT_MS, _HEAVY_MS = 2.0, 20.0
"""What a record takes at the most, unless `gates.max_latency_ms` says it."""


def shard_rows(model: ModelConfig) -> int:
    """The rows of a shard of a model, by the latency that its gates allow."""
    light = model.tier == "light"
    latency = model.gates.max_latency_ms or (_LIGHT_MS if light else _HEAVY_MS)
    return max(1, int((LIGHT_SECONDS if light else HEAVY_SECONDS) * 1000 / latency))
