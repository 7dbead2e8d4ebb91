"""Scoring captures: with values for versions that answer, fail, dawdle and hang."""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.releases import MemoryReleaseStore
from support.releases.records import make_release

from slipway.config import Config, parse_config
from slipway.config.releases.options import Shadow
from slipway.errors import UnavailableError
from slipway.models.prediction.answers import agree
from slipway.monitoring.captures.parsing import Capture
from slipway.releases.record.phases import Phase
from slipway.releases.shadow.runner import ShadowRunner, is_chosen

MODEL = "sentiment"
CONFIG = """
models:
  sentiment: {{versions: [1, 2, 3], stable: 1, capture: {{sample: {}}}}}
  other: {{versions: [1], stable: 1}}
"""


def config(sample: float = 0) -> Config:
    return parse_config(CONFIG.format(sample))


def capture(number: int, *, version: int = 1, model: str = MODEL, outputs: Any = None) -> Capture:
    # Spread over all values, as random ones are.
    random = (number * 0x9E3779B97F4A7C15) % 2**64
    made = {
        "id": f"{model}.{version}.00000000{random:016x}",
        "model": model,
        "version": version,
        "time": 0,
        "request": "r",
        "inputs": {"text": str(number)},
        "outputs": outputs or {"label": "positive", "score": 0.9},
    }
    return Capture.model_validate(made)


class Version:
    """Answers one label; notes whose turn it was."""

    def __init__(self, label: str = "positive", turns: list[str] | None = None, name: str = "") -> None:
        self.label, self.turns, self.name = label, turns, name

    def predict(self, records: Sequence[Any]) -> list[dict[str, Any]]:
        if self.turns is not None:
            self.turns.append(self.name)
        return [{"label": self.label, "score": 0.75} for _ in records]


@dataclass
class Bench:
    """A shadower with versions, and what it wrote."""

    versions: dict[int, Any]
    options: Shadow = field(default_factory=Shadow)
    sample: float = 0
    written: list[str] = field(default_factory=list)
    loads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryReleaseStore()
        candidates = tuple(number for number in self.versions if number != 1)
        self.record = self.store.start(make_release(MODEL, options=self.options, candidates=candidates))
        self.shadower = ShadowRunner(
            config(self.sample), self.store, self.load, self.written.append, clock=lambda: 1000.0
        )
        self.put(Phase.RUNNING)

    def put(self, phase: Phase) -> None:
        self.record = self.store.save(self.record.model_copy(update={"phase": phase}))

    def load(self, model: str, number: int) -> Any:
        self.loads.append(number)
        version = self.versions[number]
        if isinstance(version, Exception):
            raise version
        return version

    def score(self, captures: Iterable[Capture], seconds: float = 20) -> int:
        return self.shadower.score(list(captures), seconds)

    def sums(self, metric: str) -> dict[str, float]:
        """A metric's sum by version, of labels by version and label; of a list the number of its values."""
        found: dict[str, float] = {}
        for line in map(json.loads, "".join(self.written).splitlines()):
            assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0][:3] == ["Project", "Model", "Shadow"]
            assert line["_aws"]["Timestamp"] == 1_000_000
            if metric in line:
                key = "/".join(filter(None, (line["Shadow"], line.get("Label"))))
                value = line[metric]
                found[key] = found.get(key, 0) + (len(value) if isinstance(value, list) else value)
        return found


def many(number: int = 200) -> Iterator[Capture]:
    return map(capture, range(number))


def test_candidates_and_the_stable_version_are_counted_alike_and_compared_with_what_was_answered() -> None:
    bench = Bench({1: Version(), 2: Version("negative"), 3: Version()})
    assert bench.score(many(120)) == 120
    assert bench.sums("Predictions") == {"1": 120, "2": 120, "3": 120}
    assert bench.sums("InferenceLatency") == {"1": 120, "2": 120, "3": 120}
    assert bench.sums("Labels") == {"1/positive": 120, "2/negative": 120, "3/positive": 120}
    assert bench.sums("Scores") == {"1": 90, "2": 90, "3": 90}
    assert bench.sums("Compared") == {"2": 120, "3": 120}
    assert bench.sums("Disagreements") == {"2": 120}
    assert bench.sums("Failures") == bench.sums("Skipped") == {}


def test_each_version_is_first_in_its_turn_and_loaded_once() -> None:
    turns: list[str] = []
    bench = Bench({number: Version(turns=turns, name=str(number)) for number in (1, 2, 3)})
    bench.score(many(300))
    bench.score(many(300))
    first = turns[::3]
    assert {name: 150 < first.count(name) < 250 for name in "123"} == dict.fromkeys("123", True)
    assert sorted(bench.loads) == [1, 2, 3]


@pytest.mark.parametrize(
    "broken", [RuntimeError("broken"), KeyError("radius"), UnavailableError("model registry", "no such version")]
)
def test_a_candidate_that_fails_is_counted_and_breaks_nobody_else(
    broken: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def predict(self, records: Sequence[Any]) -> Any:
            raise broken

    bench = Bench({1: Version(), 2: Broken(), 3: broken})
    assert bench.score(many(10)) == 10
    assert bench.sums("Failures") == {"2": 10, "3": 10}
    assert bench.sums("Predictions") == {"1": 10}
    assert len(caplog.messages) == 2  # once for each version, and not for each record
    assert all(str(broken) in message for message in caplog.messages)


def test_a_candidate_that_hangs_fails_and_then_is_left_alone() -> None:
    released = threading.Event()

    class Hanging(Version):
        def predict(self, records: Sequence[Any]) -> list[dict[str, Any]]:
            released.wait(30)
            return super().predict(records)

    bench = Bench({1: Version(), 2: Hanging(), 3: Version()})
    assert bench.score(many(20), seconds=6) == 20
    assert bench.sums("Predictions") == {"1": 20, "3": 20}
    assert (bench.sums("Failures"), bench.sums("Skipped")) == ({"2": 1}, {"2": 19})
    bench.score(many(5), seconds=6)
    assert bench.sums("Skipped") == {"2": 24}
    released.set()
    deadline = time.monotonic() + 60
    while not bench.sums("Predictions").get("2") and time.monotonic() < deadline:
        bench.score(many(1))
    assert bench.sums("Predictions")["2"] == 1


def test_a_version_that_is_slow_to_load_has_not_failed() -> None:
    opened = threading.Event()
    bench = Bench({1: Version(), 2: Version()})
    quick = bench.load

    def load(model: str, number: int) -> Any:
        if number == 2:
            opened.wait(30)
        return quick(model, number)

    bench.shadower = ShadowRunner(config(), bench.store, load, bench.written.append, clock=lambda: 1000.0)
    bench.score(many(3), seconds=0.4)
    assert (bench.sums("Skipped"), bench.sums("Failures")) == ({"2": 3}, {})
    opened.set()
    bench.score(many(3))
    assert bench.sums("Predictions") == {"1": 6, "2": 3}


def test_what_nobody_shadows_is_passed_over() -> None:
    bench = Bench({1: Version(), 2: Version()})
    elsewhere = [capture(1, model="other"), capture(2, version=2), capture(3, model="unknown"), capture(4)]
    assert bench.score(elsewhere) == 1
    bench.put(Phase.FINISHED)
    assert bench.score(many(5)) == 0
    assert bench.sums("Predictions") == {"1": 1, "2": 1}


@pytest.mark.parametrize(
    ("sample", "captured", "share"), [(1.0, 0.1, 1.0), (0.25, 0.0, 1.0), (0.25, 0.5, 0.5), (0.1, 1.0, 0.1)]
)
def test_the_sample_is_a_share_of_the_requests_whatever_is_captured(
    sample: float, captured: float, share: float
) -> None:
    bench = Bench({1: Version(), 2: Version()}, Shadow(sample=sample), captured)
    assert bench.score(many(2000)) == pytest.approx(2000 * share, rel=0.1)


def test_what_is_chosen_depends_on_nothing_but_the_id() -> None:
    ids = [capture(number).id for number in range(1000)]
    fifth, half = ({id_ for id_ in ids if is_chosen(id_, share)} for share in (0.2, 0.5))
    assert fifth < half
    assert all(is_chosen(id_, 1.0) for id_ in ids)


AB = {"a": 0.9, "b": 0.6}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({"label": "a", "score": 0.5}, {"label": "a", "score": 0.9}, True),
        ({"label": "a"}, {"label": "b"}, False),
        ({"value": 10.0}, {"label": "b"}, False),
        ({"value": 10.4}, {"value": 10.0}, True),
        ({"value": 10.6}, {"value": 10.0}, False),
        ({"value": -10.4}, {"value": -10.0}, True),
        ({"value": 0.0}, {"value": 0.0}, True),
        ({"value": 0.001}, {"value": 0.0}, False),
        ({"value": float("nan")}, {"value": 1.0}, False),
        ({"labels": ["a", "b"], "scores": AB}, {"labels": ["b", "a"], "scores": {**AB, "a": 0.7}}, True),
        ({"labels": ["a"], "scores": AB}, {"labels": ["a", "b"], "scores": AB}, False),
        ({"labels": ["a", "b"]}, {"labels": ["b", "a"]}, False),
        ({"labels": [], "scores": {"a": 0.1}}, {"labels": [], "scores": {"a": 0.4}}, True),
        ({"label": "a"}, {"labels": ["a"], "scores": AB}, False),
        ({"values": {"x": 1.0}, "own": 1}, {"values": {"x": 1.01}, "own": 1}, False),
        ({"labels": [{"x": 1}]}, {"labels": [{"x": 1}]}, True),
        ({"values": {"x": 10.4, "y": 1.0}}, {"values": {"x": 10.0, "y": 1.0}}, True),
        ({"values": {"x": 10.4, "y": 1.0}}, {"values": {"x": 10.0, "y": 2.0}}, False),
        ({"values": {"x": 1.0}}, {"values": {"x": 1.0, "y": 2.0}}, False),
        ({"values": [1.0]}, {"values": [1.0]}, True),
        ({"ranks": [1, 2]}, {"ranks": [1, 2]}, True),
        ({"ranks": [2, 1]}, {"ranks": [1, 2]}, False),
    ],
)
def test_labels_agree_that_are_equal_and_values_that_are_close(ours: Any, theirs: Any, same: bool) -> None:
    assert agree(ours, theirs, 0.05) is same


def test_regressions_are_compared_by_their_values() -> None:
    class Price:
        def __init__(self, value: float) -> None:
            self.value = value

        def predict(self, records: Sequence[Any]) -> Any:
            return [{"value": self.value} for _ in records]

    bench = Bench({1: Price(100.0), 2: Price(-104.0)}, Shadow(tolerance=0.1))
    bench.score(capture(number, outputs={"value": 100.0}) for number in range(250))
    assert bench.sums("Values") == {"1": 250}
    assert bench.sums("NegativeValues") == {"2": 250}
    assert bench.sums("Disagreements") == {"2": 250}


def test_without_the_table_nothing_is_scored() -> None:
    class Down(MemoryReleaseStore):
        def serving(self, models: Iterable[str], *, consistent: bool = False) -> Any:
            raise UnavailableError("release store", "no answer")

    written: list[str] = []
    with pytest.raises(UnavailableError):
        ShadowRunner(config(), Down(), lambda *_: Version(), written.append).score([capture(1)], 1)
    assert written == []
