"""The light tier follows the releases of the control table."""

import asyncio
import gc
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from support.releases.records import make_release
from support.serving import PREDICT, Api

from slipway.config import parse_config
from slipway.config.releases.options import AbTest, Shadow
from slipway.errors import NotFoundError, UnavailableError
from slipway.monitoring.telemetry.attempts import Attempts
from slipway.monitoring.telemetry.outputs import count_output
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.release import Candidate
from slipway.releases.routing.serving import Serving
from slipway.serving.prediction.live_releases import FRESH_SECONDS, LiveReleases
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.request import Ask, PredictionRequest, RequestContext
from slipway.serving.prediction.served import ServedModels

MODEL = "tiny-sentiment"
CONFIG = parse_config("models: {tiny-sentiment: {versions: [1, 2], stable: 1}}")


@dataclass
class Table(MemoryReleaseStore):
    """A store that counts its reads, and can be down; its clock is the test's."""

    reads: int = 0
    is_down: bool = False
    now: float = 1000.0

    def __post_init__(self) -> None:
        MemoryReleaseStore.__init__(self)

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:
        self.reads += 1
        if self.is_down:
            raise UnavailableError("release store", "no answer")
        return super().serving(models)

    def running(self, *shares: float, **changes: Any) -> ReleaseRecord:
        """A release whose candidates have these shares."""
        record = self.start(make_release(MODEL, candidates=tuple(range(2, 2 + len(shares))), **changes))
        return self.save(record.model_copy(update={"phase": Phase.RUNNING, "shares": shares}))


def live(table: Table) -> LiveReleases:
    return LiveReleases(CONFIG, table, clock=lambda: table.now)


def test_without_a_release_slipway_yaml_decides() -> None:
    releases = live(Table())
    assert releases.of(MODEL).stable == 1
    assert releases.known(MODEL) is None
    assert not releases.is_watched(MODEL)


def test_a_fresh_copy_costs_no_read_and_an_old_one_costs_one() -> None:
    table = Table()
    releases = live(table)
    for _ in range(100):
        releases.of(MODEL)
    assert table.reads == 1
    table.running(0.25)
    table.now += FRESH_SECONDS
    assert releases.of(MODEL).candidates == (Candidate(2, 0.25),)
    assert releases.is_watched(MODEL)
    table.now -= 3600  # the clock was set back
    releases.of(MODEL)
    assert table.reads == 3


def test_while_the_table_is_down_the_last_copy_holds(caplog: pytest.LogCaptureFixture) -> None:
    table = Table(is_down=True)
    releases = live(table)
    assert releases.of(MODEL).stable == 1
    table.is_down = False
    table.running(0.25)
    table.now += FRESH_SECONDS
    assert releases.of(MODEL).candidates
    table.is_down = True
    table.now += 3600
    assert releases.of(MODEL).candidates
    assert "no answer" in caplog.text


def test_a_rollback_and_a_promotion_are_followed() -> None:
    table = Table()
    record = table.running(0.5)
    releases = live(table)
    assert releases.of(MODEL).candidate_share == 0.5
    table.save(record.model_copy(update={"phase": Phase.ROLLED_BACK, "shares": (0.0,)}))
    table.now += FRESH_SECONDS
    assert (releases.of(MODEL).stable, releases.of(MODEL).candidates) == (1, ())
    ended = table.current([MODEL])[0]
    table.save(ended.model_copy(update={"phase": Phase.PROMOTED, "winner": 2, "settled": True}))
    table.now += FRESH_SECONDS
    assert (releases.of(MODEL).stable, releases.is_watched(MODEL)) == (2, False)


def test_versions_that_were_not_deployed_here_get_nothing(caplog: pytest.LogCaptureFixture) -> None:
    table = Table()
    record = table.running(0.3, 0.3)
    releases = live(table)
    assert releases.of(MODEL).candidates == (Candidate(2, 0.3),)
    table.save(record.model_copy(update={"phase": Phase.PROMOTED, "winner": 3}))
    table.now += FRESH_SECONDS
    assert releases.of(MODEL).stable == 1
    assert "version 3" in caplog.text


RETRAINED = parse_config('models: {tiny-sentiment: {versions: [1, 2], stable: 1, training: "recipe:train"}}')


def test_a_retrained_model_has_the_later_versions_of_its_release_too() -> None:
    table = Table()
    record = table.running(0.3, 0.3)
    releases = LiveReleases(RETRAINED, table, clock=lambda: table.now)
    assert releases.of(MODEL).candidates == (Candidate(2, 0.3), Candidate(3, 0.3))
    table.save(record.model_copy(update={"phase": Phase.PROMOTED, "winner": 3}))
    table.now += FRESH_SECONDS
    assert releases.of(MODEL).stable == 3
    assert ServedModels(RETRAINED, {}, releases=releases).versions(MODEL) == (1, 2, 3)


def test_a_later_version_is_loaded_when_a_request_asks_for_it_and_only_if_it_is_released(api: Api) -> None:
    table, asked = Table(), list[tuple[str, int]]()
    loaded = api.models[MODEL, 2]

    def load(model: str, number: int) -> Any:
        asked.append((model, number))
        return loaded

    releases = LiveReleases(RETRAINED, table, clock=lambda: table.now)
    models = ServedModels(RETRAINED, {}, releases=releases, load=load)
    with pytest.raises(NotFoundError):
        models.version(MODEL, 3)
    table.running(0.3, 0.3)
    table.now += FRESH_SECONDS
    assert models.version(MODEL, 3).predictor is loaded
    models.version(MODEL, 3)
    assert asked == [(MODEL, 3)]


@dataclass
class Watched:
    """An API over a table of releases."""

    api: Api
    table: Table = field(default_factory=Table)

    def client(self) -> Any:
        releases = LiveReleases(self.api.config, self.table, clock=lambda: self.table.now)
        return self.api.client(releases=releases)

    def counts(self, metric: str) -> dict[tuple[str, str], float]:
        """The sums of a metric by version and label."""
        found: dict[tuple[str, str], float] = {}
        for line in self.api.lines():
            if metric in line:
                key = (line.get("Version", ""), line.get("Label", ""))
                found[key] = found.get(key, 0) + line[metric]
        return found


def test_requests_are_shared_and_what_they_answer_is_counted(api: Api) -> None:
    watched = Watched(api)
    watched.table.running(0.5)
    client = watched.client()
    answers = [client.post(PREDICT, json={"inputs": [{"text": "good day"}]}).json() for _ in range(60)]
    versions = [answer["predictions"][0]["version"] for answer in answers]
    assert set(versions) == {1, 2}
    labels = watched.counts("Labels")
    assert sum(labels.values()) == 60
    assert sum(count for (version, _), count in labels.items() if version == "2") == versions.count(2)
    assert sum(watched.counts("Scored").values()) == 60
    shown = client.get(f"/v1/models/{MODEL}").json()["release"]
    assert (shown["strategy"], shown["phase"]) == ("canary", "running")
    assert shown["candidates"] == [{"version": 2, "share": 0.5}]


def test_an_answered_request_is_freed_at_once_while_a_release_runs(api: Api) -> None:
    watched = Watched(api)
    watched.table.running(0.5)
    client = watched.client()
    gc.collect()
    gc.disable()  # cycles would keep the body, of up to a megabyte, until the next collection of the oldest generation
    try:
        assert client.post(PREDICT, json={"inputs": [{"text": "good day"}]}).status_code == 200
        kept = [each for each in gc.get_objects() if isinstance(each, PredictionRequest)]
    finally:
        gc.enable()
    assert kept == []


def test_without_a_release_no_outputs_are_counted(api: Api) -> None:
    watched = Watched(api)
    watched.client().post(PREDICT, json={"inputs": [{"text": "good day"}]})
    assert watched.counts("Labels") == {}


def test_a_sticky_field_keeps_its_version(api: Api) -> None:
    watched = Watched(api)
    watched.table.running(0.5, options=AbTest(sticky="text"))
    client = watched.client()
    seen = {
        text: {
            client.post(PREDICT, json={"inputs": [{"text": text}]}).json()["predictions"][0]["version"]
            for _ in range(8)
        }
        for text in map(str, range(12))
    }
    assert all(len(versions) == 1 for versions in seen.values())
    assert set.union(*seen.values()) == {1, 2}


def test_a_version_that_fails_is_counted_as_failing(api: Api) -> None:
    watched = Watched(api)
    watched.table.running(1.0)

    class Broken:
        manifest = api.models[MODEL, 2].manifest

        def predict(self, records: Any) -> Any:
            raise RuntimeError("broken")

    models = {**api.models, (MODEL, 2): Broken()}
    releases = LiveReleases(api.config, watched.table, clock=lambda: watched.table.now)
    client = replace(api, written=api.written).client(models=models, releases=releases)
    assert client.post(PREDICT, json={"inputs": [{"text": "good"}, {"text": "day"}]}).status_code == 500
    assert watched.counts("Failures") == {("2", ""): 1}


def test_the_records_of_a_request_go_to_one_version_and_count_once(api: Api) -> None:
    watched = Watched(api)
    watched.table.running(0.5)
    client = watched.client()
    inputs = [{"text": text} for text in ("good", "bad", "good")]
    answers = [client.post(PREDICT, json={"inputs": inputs}).json()["predictions"] for _ in range(20)]
    assert {len({made["version"] for made in answer}) for answer in answers} == {1}
    assert {made["version"] for answer in answers for made in answer} == {1, 2}
    assert len({made["id"] for answer in answers for made in answer}) == 60
    labels = watched.counts("Labels")
    assert sum(labels.values()) == pytest.approx(20)
    assert sum(count for (_, label), count in labels.items() if label == "positive") == pytest.approx(40 / 3)
    assert sum(watched.counts("Scored").values()) == pytest.approx(20)
    assert sum(watched.counts("Predictions").values()) == 60


def test_what_a_version_of_a_release_begins_is_told_before_it_is_done(api: Api) -> None:
    watched = Watched(api)
    watched.table.running(0.5)
    releases = LiveReleases(api.config, watched.table, clock=lambda: watched.table.now)
    told: list[str] = []
    attempts = Attempts("demo", write=told.append)
    pipeline = PredictionPipeline(ServedModels(api.config, api.models, releases=releases), attempt=attempts)

    def predict(version: int | None) -> list[int]:
        ask = Ask(MODEL, version, lambda reader: reader.from_records([{"text": "good"}]))
        return [made.version for made in asyncio.run(pipeline.predict(ask, RequestContext(RequestEvent(began=7.0))))]

    versions = [version for _ in range(30) for version in predict(None)]
    lines = [json.loads(line) for line in told]
    assert [line["Unfinished"] for line in lines] == [1, -1] * 30
    # Both versions', since a request that kills every process must not count against the candidate alone.
    assert [int(line["Version"]) for line in lines[::2]] == versions
    assert set(versions) == {1, 2}
    assert {(line["Model"], line["_aws"]["Timestamp"]) for line in lines} == {(MODEL, 7000)}
    watched.table.save(watched.table.current([MODEL])[0].model_copy(update={"settled": True}))
    watched.table.now += FRESH_SECONDS
    told.clear()
    predict(2)
    assert told == []


def test_a_candidate_is_not_blamed_for_a_stable_version_that_crashes_after_it(api: Api) -> None:
    """The records of one request are split over two versions."""
    watched = Watched(api)
    watched.table.running(0.5, options=AbTest(sticky="text"))
    told: list[str] = []

    class Crashes:
        manifest = api.models[MODEL, 1].manifest

        def predict(self, records: Any) -> Any:
            raise KeyboardInterrupt

    releases = LiveReleases(api.config, watched.table, clock=lambda: watched.table.now)
    models = ServedModels(api.config, {**api.models, (MODEL, 1): Crashes()}, releases=releases)
    pipeline = PredictionPipeline(models, attempt=Attempts("demo", write=told.append))
    release = releases.of(MODEL)
    texts = sorted(map(str, range(12)), key=lambda text: -assign(release, text))
    ask = Ask(MODEL, None, lambda reader: reader.from_records([{"text": text} for text in texts]))
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(pipeline.predict(ask, RequestContext(RequestEvent(began=7.0))))
    lines = [json.loads(line) for line in told]
    assert [(line["Version"], line["Unfinished"]) for line in lines] == [("2", 1), ("2", -1), ("1", 1), ("1", -1)]


def test_each_value_of_a_regression_is_counted_apart_from_those_below_zero(api: Api) -> None:
    watched = Watched(api)
    watched.table.start(make_release("tiny-price", labels=(), value_limits=(2.0,)))
    inputs = [{"rooms": float(rooms), "area": 1.0} for rooms in range(3)]
    assert watched.client().post("/v1/models/tiny-price/predict", json={"inputs": inputs}).status_code == 200
    lists = [line["Values"] for line in api.lines() if "Values" in line]
    assert lists == [[1.0, 2.0, 3.0]]
    event = RequestEvent()
    for value in (-1.5, 0.0, float("nan")):
        count_output(event, {"value": value}, Version="2")
    assert event.values == {(("Version", "2"),): {"NegativeValues": [1.5], "Values": [0.0]}}


def test_while_shadows_score_more_is_captured_and_nothing_else_changes(api: Api) -> None:
    watched = Watched(api)
    record = watched.table.running(0.0, options=Shadow(sample=1))
    client = watched.client()
    for _ in range(5):
        answer = client.post(PREDICT, json={"inputs": [{"text": "good day"}]}).json()
        assert answer["predictions"][0]["version"] == 1
    captures = [line["capture"] for line in api.lines() if "capture" in line]
    assert [capture["version"] for capture in captures] == [1] * 5
    assert [capture["kept"] for capture in captures] == [False] * 5
    assert watched.counts("Labels") == {}
    watched.table.save(record.model_copy(update={"phase": Phase.FINISHED}))
    watched.table.now += FRESH_SECONDS
    client.post(PREDICT, json={"inputs": [{"text": "good day"}]})
    assert sum("capture" in line for line in api.lines()) == 5


def test_slipway_yaml_is_captured_where_shadows_want_less() -> None:
    table = Table()
    table.running(0.0, options=Shadow(sample=0.25))
    releases = live(table)
    releases.of(MODEL)
    assert releases.captured(MODEL) == 0.25
    more = f"models: {{{MODEL}: {{versions: [1, 2], stable: 1, capture: {{sample: 0.5}}}}}}"
    releases = LiveReleases(parse_config(more), table)
    releases.of(MODEL)
    assert releases.captured(MODEL) == 0.5
