"""Results by segment, from requests to flight-delay over the log of the emulator to the history of the release."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore
from fakes.feedback import MemoryFeedbackStore
from fakes.releases import MemoryReleaseStore
from rich.console import Console
from support.releases.records import with_traffic
from support.serving import Api

from local.environment import settings
from slipway.cli.release.segments import segment_table
from slipway.config import Config, parse_config
from slipway.errors import PredictionError
from slipway.features.definitions import FeatureDefinitions
from slipway.models.bundle import load_models
from slipway.models.manifest import Record
from slipway.models.package import load_package
from slipway.models.prediction.predictor import Predictor
from slipway.releases.evidence.cloudwatch import CloudWatchEvidence
from slipway.releases.evidence.log_groups import LogGroups
from slipway.releases.evidence.log_queries import CloudWatchLogQueries
from slipway.releases.evidence.outputs import Outputs
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.record.request import ReleaseRequest, start_record
from slipway.releases.record.stored_evidence import LatencyLimits
from slipway.releases.strategies.decide import decide
from slipway.serving.prediction.live_releases import LiveReleases

Aws = Callable[[str], Any]
ROOT = Path(__file__).parents[3]
MODEL = "flight-delay"
NOW = datetime.now(UTC).replace(second=30, microsecond=0)
EACH = 210
AT = int((NOW - timedelta(minutes=5)).timestamp() * 1000)
FLIGHT = {
    "origin": "JFK",
    "destination": "LAX",
    "departure": 600,
    "arrival": 780,
    "weekday": 1,
    "distance": 2475.0,
    "airport": "JFK",
}


class FailsFor:
    """A version that fails the flights of one airline."""

    def __init__(self, predictor: Predictor, carrier: str) -> None:
        self._predictor = predictor
        self._carrier = carrier

    def __getattr__(self, name: str) -> Any:
        return getattr(self._predictor, name)

    def predict(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        if any(record["carrier"] == self._carrier for record in records):
            raise PredictionError("an airline that the graph does not know")
        return self._predictor.predict(records)


@pytest.fixture
def config() -> Config:
    text = (ROOT / "slipway.yaml").read_text(encoding="utf-8").partition("\nenvironments:")[0]
    segments = "release: {segments: [origin, {input: carrier, values: [AA, UA]}]}"
    return parse_config(text.replace("    stable: 1 # version 2 is better", f"    {segments}\n    stable: 1 #"))


@pytest.fixture
def record(config: Config) -> ReleaseRecord:
    package = load_package(ROOT / "models" / MODEL / "1")
    request = ReleaseRequest(MODEL, (2,), "canary", {"share": "0.5"}, "ann")
    asked = start_record(
        config,
        request,
        stable=1,
        labels=Outputs.of(package).labels,
        package=package,
        fields={}.__getitem__,
        now=NOW - timedelta(minutes=15),
    )
    began = NOW - timedelta(minutes=10)
    running = {
        "phase": Phase.RUNNING,
        "shares": (0.5,),
        "judged_until": began,
        "limits": LatencyLimits(p50_ms=1e-6, p99_ms=1e6),
    }
    return with_traffic(asked, began).model_copy(update=running)


@pytest.fixture
def lines(config: Config, record: ReleaseRecord) -> list[str]:
    """What a process writes that serves both versions, of which the candidate fails every flight of AA."""
    models = {key: each for key, each in load_models(config, ROOT).items() if key[0] == MODEL}
    models[MODEL, 2] = FailsFor(models[MODEL, 2], "AA")  # type: ignore[assignment]
    table = MemoryReleaseStore()
    table.save(replaced := table.start(record).model_copy(update={"phase": Phase.RUNNING, "shares": (0.5,)}))
    assert replaced.segments
    api = Api(config, models, MemoryFeatureStore(FeatureDefinitions(config.features)))
    with api.client(releases=LiveReleases(config, table)) as client:
        for carrier in ("AA", "UA", "invented by a caller"):
            for version in (1, 2):
                for _ in range(EACH):
                    body = {"inputs": [{**FLIGHT, "carrier": carrier}]}
                    client.post(f"/v1/models/{MODEL}/versions/{version}/predict", json=body)
    found = [line for text in api.written for line in text.splitlines()]
    # Requests of some minutes ago, so that a look finds them whole.
    return [re.sub(r'"time":\d+', f'"time":{AT}', line) for line in found]


@pytest.fixture
def group(aws: Aws, lines: list[str]) -> Iterator[str]:
    """The log group that has the lines, three minutes old."""
    logs, group = aws("logs"), f"/test/segments/{NOW.timestamp()}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    events = [{"timestamp": AT, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    yield group
    logs.delete_log_group(logGroupName=group)


@dataclass
class Reader:
    """What the controller reads by."""

    evidence: CloudWatchEvidence
    groups: LogGroups


def reader(emulator: str, logs: Mapping[str, str]) -> Reader:
    options = {
        "endpoint_url": emulator,
        "region_name": settings.REGION,
        "aws_access_key_id": settings.ACCESS_KEY,
        "aws_secret_access_key": settings.SECRET_KEY,
    }
    evidence = CloudWatchEvidence("segmented", MemoryFeedbackStore(), options)
    return Reader(evidence, LogGroups(logs, CloudWatchLogQueries(options)))


def looked(record: ReleaseRecord, reader: Reader, now: datetime) -> ReleaseRecord:
    windows = reader.evidence.windows(record, now)
    last = reader.groups.with_groups(record, windows[-1])
    observed = Observed({2: Readiness.READY})
    return decide(record, Evidence(observed, (*windows[:-1], last)), now).record


def test_a_candidate_that_fails_one_airline_is_shown_and_not_judged_by_it(
    emulator: str, group: str, record: ReleaseRecord
) -> None:
    evidence = reader(emulator, {MODEL: group})

    once = looked(record, evidence, NOW)
    twice = looked(once, evidence, NOW + timedelta(minutes=2))

    assert twice.phase is Phase.RUNNING
    assert twice.groups == once.groups
    sums = {(each.version, record.segments[each.segment].input, each.group): each.tallies for each in twice.groups}
    assert sums[2, "carrier", 0]["errors"] == (EACH, EACH)
    assert sums[1, "carrier", 0]["errors"] == (EACH, 0)
    assert sums[2, "carrier", 1]["errors"] == sums[2, "carrier", 2]["errors"] == (EACH, 0)
    assert sums[1, "carrier", 1]["p50"] == (EACH, EACH)
    assert sums[1, "carrier", 1]["p99"] == (EACH, 0)
    assert sum(sums[1, "carrier", 1][f"label:{label}"][1] for label in record.labels) == EACH
    shown = show(twice)
    assert "version 2 is worse for carrier=AA: errors 100 % of 210 against 0 % of 210" in shown
    assert "for carrier=UA" not in shown
    assert "carrier: other values" in shown
    assert "invented" not in shown


def test_the_history_of_a_release_ends_with_its_segments(emulator: str, group: str, record: ReleaseRecord) -> None:
    evidence = reader(emulator, {MODEL: group})
    order = OperatorOrder(action="rollback", by="ann", at=NOW, why="seen enough")

    ended = looked(looked(record, evidence, NOW).with_order(order), evidence, NOW + timedelta(minutes=2))

    assert ended.phase is Phase.ROLLED_BACK
    (entry,) = [each for each in ended.history if each.what == "results by segment"]
    assert any(line.startswith("version 2 is worse for carrier=AA") for line in entry.evidence)
    assert "corrected for 7 segments in 42 comparisons, and nothing is decided on them" in entry.evidence[-1]


def test_a_log_that_cannot_be_read_is_read_later(emulator: str, group: str, record: ReleaseRecord) -> None:
    once = looked(record, reader(emulator, {MODEL: "/test/none"}), NOW)
    assert (once.groups, once.grouped_until) == ((), None)

    later = looked(once, reader(emulator, {MODEL: group}), NOW + timedelta(minutes=2))

    assert later.groups


def show(record: ReleaseRecord) -> str:
    table = segment_table(record)
    assert table is not None
    written = StringIO()
    Console(width=250, file=written).print(table)
    return written.getvalue()
