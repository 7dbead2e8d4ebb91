"""Captures are read back as they were written, and laid where the same captures always lie."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.config.releases.segments import SegmentConfig
from slipway.monitoring.accuracy.labels import captured_labels
from slipway.monitoring.captures.line import capture_line
from slipway.monitoring.captures.parsing import MARK, pack, read_captures

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
TEXTS = st.text() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


def line(number: int = 0, *, model: str = "mood", version: int = 1, time_ms: int = NOON, **changed: Any) -> str:
    fields: dict[str, Any] = {
        "prediction_id": f"{model}.{version}.{number:024x}",
        "model": model,
        "version": version,
        "time_ms": time_ms,
        "request_id": "r",
        "inputs": {"text": f"tweet {number}"},
        "outputs": {"label": "positive", "score": 0.5},
    }
    return capture_line(**{**fields, **changed})


@given(inputs=st.dictionaries(st.text(), TEXTS), text=st.text())
def test_a_capture_is_read_as_it_was_written(inputs: dict[str, Any], text: str) -> None:
    read = read_captures([line(inputs=inputs, outputs={"label": text}) + "\n"])
    (capture,) = read.captures
    assert (capture.inputs, capture.label, capture.time, read.broken) == (inputs, text, NOON, 0)
    assert str(capture.prediction) == capture.id


def test_what_else_is_logged_is_passed_over() -> None:
    metric = '{"_aws": {}, "text": "a capture"}'
    read = read_captures(["START RequestId", metric, "", '{"captured": 1}', line(1), line(1), line(2)])
    assert [capture.prediction.random[-1] for capture in read.captures] == ["1", "2"]
    assert read.broken == 0


@pytest.mark.parametrize(
    "broken",
    [
        line()[:-10],
        MARK + "}",
        line(prediction_id="mood.1.x"),
        line(prediction_id="other.1." + "0" * 24),
        line(version=2, prediction_id="mood.1." + "0" * 24),
        line(model="../x"),
        line(time_ms=-1),
        line(time_ms=10**18),
        line(inputs=[]),
    ],
)
def test_what_is_not_whole_is_counted_and_left_out(broken: str) -> None:
    read = read_captures([broken, line(1)])
    assert (len(read.captures), read.broken) == (1, 1)


def test_files_are_by_model_and_hour() -> None:
    hour = 3_600_000
    lines = [line(1), line(2, model="other"), line(3, time_ms=NOON + hour), line(4, time_ms=NOON + hour - 1)]
    files = pack(read_captures(lines).captures)
    folders = {key.rpartition("/")[0]: content for key, content in files.items()}
    assert set(folders) == {
        "captures/model=mood/date=2026-11-21/hour=12",
        "captures/model=mood/date=2026-11-21/hour=13",
        "captures/model=other/date=2026-11-21/hour=12",
    }
    noon = gzip.decompress(folders["captures/model=mood/date=2026-11-21/hour=12"]).decode().splitlines()
    assert [json.loads(each) for each in noon] == [json.loads(lines[place])["capture"] for place in (0, 3)]


def test_the_same_captures_are_the_same_file_in_whatever_order() -> None:
    first, second = (pack(read_captures(lines).captures) for lines in ([line(1), line(2)], [line(2), line(1), line(1)]))
    assert first == second
    assert pack(read_captures([line(1)]).captures).keys().isdisjoint(first)


def test_what_is_for_shadows_only_says_so_and_files_do_not() -> None:
    kept, other = read_captures([line(1), line(2, kept=False)]).captures
    assert (kept.kept, other.kept) == (True, False)
    assert b"kept" not in gzip.decompress(next(iter(pack([kept]).values())))


def test_a_regression_has_no_label_to_count_and_its_value_waits_for_the_true_one() -> None:
    read = read_captures([line(1, outputs={"value": 0.5}), line(2), line(3, outputs={"odd": 1})])
    value, label = captured_labels(read.captures, timedelta(days=2))
    assert (value.label, value.answer, value.score) == (None, {"value": 0.5}, None)
    assert (label.label, label.answer, label.score) == ("positive", {"label": "positive"}, 0.5)
    assert label.expires - read.captures[1].made_at == timedelta(days=2)


def test_the_values_of_segments_wait_with_the_answer_and_no_other_input() -> None:
    inputs = {"text": "secret", "carrier": "UA", "late": True, "origin": "XYZ"}
    segments = [SegmentConfig(input=name) for name in ("carrier", "late", "gone")]
    segments.append(SegmentConfig(input="origin", values=("JFK",)))
    read = read_captures([line(1, inputs=inputs)])
    (label,) = captured_labels(read.captures, timedelta(days=2), {"mood": segments})
    assert label.segments == {"carrier": "UA", "late": "true", "gone": "other values", "origin": "other values"}
