"""Two slots of one model that reach each other, as the load balancer lets them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from fakes.releases import MemoryReleaseStore
from starlette.testclient import TestClient

from slipway.config import parse_config
from slipway.config.api import CALLER_HEADER
from slipway.errors import PredictionError
from slipway.monitoring.telemetry.attempts import BatchedAttempts
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.assignment import assign
from slipway.serving.apis.health import Readiness
from slipway.serving.batching.executor import Executor, Plan
from slipway.serving.batching.threaded import ThreadedRunner
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels
from slipway.serving.slot.app import slot_app
from slipway.serving.slot.forwarding import Forwarding
from slipway.serving.slot.lifecycle import Housekeeping
from slipway.serving.slot.releases import SlotReleases

MODEL, FIELD = "price", "rooms"
PREDICT = f"/v1/models/{MODEL}/predict"
CONFIG = """
models:
  price: {tier: heavy, versions: [1, 2], stable: 1, capture: {sample: 1}, cache: {enabled: false}}
"""


class OutOfReach(OSError):
    """The other slot cannot be reached."""


@dataclass
class Slot:
    """One version as its container serves it; ``asked`` are the paths that the other slot asked, for ``callers``."""

    version: int
    client: TestClient
    telemetry: BufferedTelemetry
    written: list[str]
    releases: SlotReleases
    predictor: Any
    asked: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)

    def metrics(self) -> str:
        return "".join(self.written) + self.telemetry.drain()


class Failing:
    """A version that answers while it does not fail."""

    def __init__(self, predictor: Any) -> None:
        self.manifest = predictor.manifest
        self.fails = False
        self._predictor = predictor

    def predict_batch(self, records: Any) -> Any:
        if self.fails:
            raise PredictionError("the graph failed")
        return self._predictor.predict_batch(records)


@dataclass
class Slots:
    """Both slots, what they know of the release, and whether they reach each other."""

    by_version: dict[int, Slot]
    store: MemoryReleaseStore
    record: ReleaseRecord
    reached: bool = True
    answers: bytes | None = None

    def version_of(self, value: float) -> int:
        return assign(self.record.serving, str(float(value)))

    def ask(self, slot: int, *values: float, path: str = PREDICT) -> list[dict[str, Any]]:
        answer = self.by_version[slot].client.post(path, json={"inputs": [home(value) for value in values]})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["predictions"]
        return found


def home(rooms: float, area: float = 10.0) -> dict[str, float]:
    return {"rooms": rooms, "area": area}


@dataclass
class Peer:
    """The way to the slot of a version."""

    slots: Slots
    version: int
    is_closed: bool = False

    async def post(
        self, path: str, body: bytes, seconds: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        slots, other = self.slots, self.slots.by_version[self.version]
        if not slots.reached:
            raise OutOfReach("nobody listens")
        if slots.answers is not None:
            return 200, slots.answers
        other.asked.append(path)
        other.callers.append((headers or {}).get(CALLER_HEADER, ""))
        assert seconds > 0
        transport = httpx.ASGITransport(other.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://balancer") as client:
            answer = await client.post(
                path, content=body, headers={"content-type": "application/json", **(headers or {})}
            )
        return answer.status_code, answer.content

    async def close(self) -> None:
        self.is_closed = True


def start(slots: Slots, version: int, predictor: Any, store: Any) -> Slot:
    config = parse_config(CONFIG)
    only = config.models[MODEL].model_copy(update={"versions": (version,), "stable": version})
    config = config.model_copy(update={"models": {MODEL: only}})
    releases = SlotReleases(config, MODEL, version, store)
    releases.refresh()
    written: list[str] = []
    telemetry = BufferedTelemetry("demo", MODEL, {"Slot": "blue", "Version": str(version)}, write=written.append)
    failing = Failing(predictor)

    attempts = BatchedAttempts("demo", MODEL, version, watched=releases.is_comparing, write=written.append)
    executor = Executor(MODEL, failing, Plan(1, 1, 1, 0.0, 64), around=attempts.write)
    runner = ThreadedRunner(executor, telemetry, attempts, version=version, timeout=20)
    forwarding = Forwarding(releases, Peer(slots, 3 - version))
    served = ServedModels(config, {(MODEL, version): predictor}, releases=releases)
    pipeline = PredictionPipeline(served, runner, peers=forwarding)
    app = slot_app(pipeline, Housekeeping(runner, telemetry, releases, forwarding), Readiness())
    client = TestClient(app, raise_server_exceptions=False)
    client.__enter__()
    return Slot(version, client, telemetry, written, releases, failing)
