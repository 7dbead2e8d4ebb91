"""What becomes of requests that are slow, hang or crash their process: from the lines to the failures counted."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fakes.feedback import MemoryFeedbackStore
from fakes.releases import MemoryReleaseStore
from support.packages import make_text_package
from support.releases.records import NOW, make_release, with_traffic

from local.emulator.embedded_metrics import parse
from slipway.config import parse_config
from slipway.errors import PredictionError
from slipway.models.bundle import load_models
from slipway.monitoring.telemetry.attempts import Attempts
from slipway.monitoring.telemetry.requests import Telemetry
from slipway.releases.evidence.cloudwatch import CloudWatchEvidence
from slipway.releases.evidence.tallies import NOTHING, Tally
from slipway.serving.prediction.live_releases import LiveReleases
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.request import Ask, RequestContext
from slipway.serving.prediction.served import ServedModels

OPTIONS = {"region_name": "eu-west-1"}
CONFIG = parse_config("{project: shop, models: {sentiment: {versions: [1, 2], stable: 1}}}")
RECORD = with_traffic(make_release()).model_copy(update={"judged_until": NOW})
TICKS = 12


class Killed(BaseException):
    """The end of a process, as Lambda ends one that takes too long."""


@dataclass
class Environment:
    """One process of the light tier on a simulated clock, with the lines it wrote and when."""

    models: dict[Any, Any]
    now: float = 0.0
    is_alive: bool = True
    written: list[tuple[float, str]] = field(default_factory=list)

    def predict(self, began: float, seconds: float, end: type[BaseException] | None) -> None:
        self.now, self.is_alive = began, True
        telemetry = Telemetry("shop", "predict", write=self.write, clock=lambda: self.now)
        table = MemoryReleaseStore()
        table.save(table.start(RECORD))
        environment = self

        class Slow:
            manifest = self.models["sentiment", 2].manifest

            def predict(self, records: Sequence[Any]) -> Any:
                environment.now += seconds
                if end is not None:
                    environment.is_alive = end is not Killed
                    raise end("as the test wants it")
                return environment.models["sentiment", 2].predict(records)

        releases = LiveReleases(CONFIG, table, clock=lambda: self.now)
        served = ServedModels(CONFIG, {**self.models, ("sentiment", 2): Slow()}, releases=releases)
        pipeline = PredictionPipeline(served, attempt=Attempts("shop", write=telemetry.write))
        ask = Ask("sentiment", 2, lambda reader: reader.from_records([{"text": "good"}]))
        try:
            with telemetry.request() as event:
                self.now += 0.4  # features, ids and parsing come before the attempt
                asyncio.run(pipeline.predict(ask, RequestContext(event)))
                self.now += 0.3
        except (PredictionError, Killed):
            pass

    def write(self, text: str) -> None:
        if self.is_alive:
            self.written.append((self.now, text))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    root = tmp_path_factory.mktemp("bundle")
    for version in (1, 2):
        make_text_package(root / f"models/sentiment/{version}", name="sentiment", version=version)
    return dict(load_models(CONFIG, root))


def put(client: Any, line: str) -> None:
    for datum in parse(line):
        dimensions = [{"Name": name, "Value": value} for name, value in datum.dimensions.items()]
        data = [
            {
                "MetricName": datum.name,
                "Dimensions": dimensions,
                "Value": value,
                "Timestamp": datum.timestamp_ms / 1000,
            }
            for value in datum.values
        ]
        client.put_metric_data(Namespace=datum.namespace, MetricData=data)


def judged(client: Any, written: list[tuple[float, str]]) -> Tally:
    """The candidate's errors in a look each minute; a line arrives up to 25 seconds after it was written."""
    chance = np.random.default_rng(7)
    coming = sorted((at + chance.uniform(0, 25), text) for at, text in written)
    evidence = CloudWatchEvidence("shop", MemoryFeedbackStore(), OPTIONS)
    record, errors = RECORD, NOTHING
    for tick in range(1, TICKS):
        now = NOW + timedelta(minutes=tick, seconds=5)
        while coming and coming[0][0] <= now.timestamp():
            for line in coming.pop(0)[1].splitlines():
                put(client, line)
        windows = evidence.windows(record, now)
        errors = sum((window.tally(2, "errors") for window in windows), errors)
        if windows:
            record = record.model_copy(update={"judged_until": windows[-1].end})
    assert not coming
    return errors


def traffic(count: int) -> list[tuple[float, float]]:
    """When requests begin in the first six minutes, most of them near a minute's end, and how long they take."""
    chance = np.random.default_rng(3)
    ends = NOW.timestamp() + 60 * (1 + chance.integers(6, size=count))
    began = ends - chance.exponential(1.0, size=count)
    return list(zip(began.tolist(), chance.choice((0.02, 2.0, 15.0, 28.0), size=count).tolist(), strict=True))


def test_no_request_that_succeeds_counts_as_a_failure(cloudwatch: Any, models: dict[Any, Any]) -> None:
    environment = Environment(models)
    for began, seconds in traffic(60):
        environment.predict(began, seconds, None)
    assert judged(cloudwatch, environment.written) == Tally(60, 0)


def test_those_that_fail_or_take_their_process_along_count_once_each(cloudwatch: Any, models: dict[Any, Any]) -> None:
    environment = Environment(models)
    for number, (began, seconds) in enumerate(traffic(60)):
        environment.predict(began, seconds, {0: Killed, 1: PredictionError}.get(number % 10))
    assert judged(cloudwatch, environment.written) == Tally(60, 12)
