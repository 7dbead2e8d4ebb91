"""Examples: captures with the labels that came for them, rows of files, and features as of the time of a prediction."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.captures import HOUR, MemoryBucket, capture
from support.training import START, workplace

from slipway.config import FeatureGroupConfig
from slipway.errors import InputError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.history.backfill import backfill
from slipway.features.history.files import HistoryFolder
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.models.manifest import Manifest
from slipway.monitoring.captures.parsing import Capture, pack
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.captures.reservoir import reservoir_of
from slipway.monitoring.captures.reservoir_store import BucketReservoir
from slipway.monitoring.steps import Labelled
from slipway.records.rows import Position
from slipway.training.as_of import WithHistory
from slipway.training.captured import CapturedExamples, example_of
from slipway.training.file_examples import FileExamples
from slipway.training.ports import Example
from slipway.training.run import Run, Window

MODEL = "tiny-price"


class GivenLabels:
    def __init__(self, labels: list[Labelled]) -> None:
        self._labels = labels

    def labelled(self, model: str, since: datetime, until: datetime) -> list[Labelled]:
        assert (model, since, until) == (MODEL, HOUR - timedelta(days=1), HOUR + timedelta(days=1))
        return self._labels


def label(each: Capture, true: Any, probability: float | None = None) -> Labelled:
    return Labelled(each.id, each.version, 1.0, true, probability=probability)


def window_of(since: datetime, until: datetime, model: str = MODEL) -> Run:
    return Run.model_validate(
        {
            "id": "one",
            "model": model,
            "trigger": {},
            "recipe": "a:b",
            "parent": 1,
            "window": Window(since=since, until=until),
            "min_new_labels": 1,
            "validation": 0.2,
            "started_at": until,
            "by": "a tester",
        }
    )


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    place = workplace(tmp_path_factory.mktemp("examples"), "examples_recipe", [])
    return place.versions.package("points", 1).manifest


class TestCaptures:
    def captured(self, count: int = 6) -> list[Capture]:
        hours = (HOUR + timedelta(hours=number // 2) for number in range(count))
        return [
            capture(number, inputs={"rooms": float(number)}, outputs={"value": 1.0}, at=at)
            for number, at in enumerate(hours)
        ]

    def read(self, stored: list[Capture], labels: list[Labelled], manifest: Manifest, kept: Sequence[Capture] = ()):
        bucket = MemoryBucket()
        bucket.objects |= pack(stored)
        reservoir = BucketReservoir(bucket)
        if kept:
            reservoir.write(MODEL, 1, HOUR, reservoir_of(kept, 10))
        read = CapturedExamples(CaptureReader(bucket), reservoir, GivenLabels(labels), manifest)
        examples = list(read.examples(window_of(HOUR - timedelta(days=1), HOUR + timedelta(days=1))))
        return sorted(examples, key=lambda example: example.id), bucket

    def test_a_label_is_joined_with_what_was_served(self, manifest: Manifest) -> None:
        captures = self.captured()
        examples, _ = self.read(captures, [label(captures[1], 3.5), label(captures[4], 2.5)], manifest)
        assert [(each.record, each.true, each.weight) for each in examples] == [
            ({"rooms": 1.0}, 3.5, 1.0),
            ({"rooms": 4.0}, 2.5, 1.0),
        ]
        assert examples[0].time == captures[1].made_at

    def test_one_drawn_with_a_known_probability_weighs_as_many_as_it_stands_for(self, manifest: Manifest) -> None:
        captures = self.captured()
        examples, _ = self.read(captures, [label(captures[0], 1.0, 0.05), label(captures[1], 1.0)], manifest)
        assert [each.weight for each in examples] == [pytest.approx(20), 1.0]

    def test_hours_without_labels_are_not_read(self, manifest: Manifest) -> None:
        captures = self.captured()
        _, bucket = self.read(captures, [label(captures[4], 2.5)], manifest)
        assert bucket.read
        assert all("hour=14" in key for key in bucket.read)

    def test_a_capture_that_has_expired_is_taken_from_the_reservoir(self, manifest: Manifest) -> None:
        captures = self.captured()
        labels = [label(captures[0], 1.0), label(captures[5], 2.0)]
        examples, _ = self.read(captures[2:], labels, manifest, kept=captures[:1])
        assert [each.true for each in examples] == [1.0, 2.0]

    def test_a_label_without_its_capture_is_left_out(self, manifest: Manifest) -> None:
        captures = self.captured()
        examples, _ = self.read(captures[1:], [label(captures[0], 1.0)], manifest)
        assert examples == []

    def test_values_by_target_are_put_in_the_manifests_order(self) -> None:
        [one] = self.captured(1)
        assert example_of(one, label(one, {"width": 2, "height": 1.5}), ("height", "width")).true == (1.5, 2.0)


class TestFiles:
    def write(self, folder: Path, text: str) -> Path:
        path = folder / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def test_rows_have_their_time_and_weight(self, manifest: Manifest, tmp_path: Path) -> None:
        text = "time,x,y,label,id,probability\n2026-03-01T00:00:00Z,1,2,left,a,0.25\n2026-03-02T00:00:00Z,3,4,right,,\n"
        found = FileExamples(self.write(tmp_path, text), manifest)
        assert list(found.examples(window_of(START, START + timedelta(days=5)))) == [
            Example("a", START, {"x": 1.0, "y": 2.0}, "left", 4.0),
            Example("labels.csv#2", START + timedelta(days=1), {"x": 3.0, "y": 4.0}, "right", 1.0),
        ]
        assert found.newest == START + timedelta(days=1)
        assert [each.id for each in found.examples(window_of(START, found.newest))] == ["a"]

    def test_an_entity_may_have_the_id_zero(self, manifest: Manifest, tmp_path: Path) -> None:
        rows = [
            {"time": "2026-03-01T00:00:00Z", "x": 1, "y": 2, "label": "left", "shop": shop} for shop in (0, "", None)
        ]
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        found = FileExamples(path, manifest, {"shop": "shop"})
        window = window_of(START, START + timedelta(days=1))
        assert [each.entities for each in found.examples(window)] == [{"shop": "0"}, {}, {}]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("time,x,y,label\n2026-03-01,1,2,left\n", r"labels.csv record 1 \(line 2\), time: .* time zone"),
            ("x,y,label\n1,2,left\n", r"record 1 \(line 2\), time: .* is neither ISO 8601"),
            ("time,x,y,label,probability\n2026-03-01T00:00:00Z,1,2,left,0\n", "probability: must be more than 0"),
            ("time,x,y,label\n2026-03-01T00:00:00Z,1,2,up\n", "label: must be one of left, right"),
        ],
    )
    def test_a_wrong_row_is_named(self, text: str, problem: str, manifest: Manifest, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=problem):
            FileExamples(self.write(tmp_path, text), manifest)


class TestHistory:
    def test_features_are_those_that_the_store_had_at_the_time(self, tmp_path: Path) -> None:
        group = FeatureGroupConfig.model_validate(
            {"entity": "shop", "history": True, "features": {"x": {"type": "float"}, "z": {"type": "integer"}}}
        )
        definitions, files = FeatureDefinitions({"stock": group}), HistoryFolder(tmp_path)
        writes = [
            (
                Position(at),
                FeatureWrite(FeatureKey("shop", "s1", "stock"), {"x": float(at), "z": at}, START + timedelta(hours=at)),
            )
            for at in (1, 3)
        ]
        backfill(writes, files, definitions, now=START + timedelta(days=1))
        served = [
            Example("early", START + timedelta(hours=2), {"x": 9.0, "y": 1.0}, "left", entities={"shop": "s1"}),
            Example("late", START + timedelta(hours=4), {"x": 9.0, "y": 2.0}, "left", entities={"shop": "s1"}),
            Example("unnamed", START + timedelta(hours=4), {"x": 9.0, "y": 3.0}, "left"),
            Example("other", START + timedelta(hours=4), {"x": 9.0, "y": 4.0}, "left", entities={"shop": "s2"}),
        ]
        read = SimpleNamespace(examples=lambda _: served)
        inputs = (SimpleNamespace(group="stock"), SimpleNamespace(group=None))
        joined = WithHistory(read, files, definitions, SimpleNamespace(inputs=inputs))
        found = {each.id: each.record for each in joined.examples(window_of(START, START + timedelta(days=1)))}
        assert found == {
            "early": {"x": 1.0, "y": 1.0, "z": 1},
            "late": {"x": 3.0, "y": 2.0, "z": 3},
            "unnamed": {"x": 9.0, "y": 3.0},
            "other": {"x": None, "y": 4.0, "z": None},
        }
