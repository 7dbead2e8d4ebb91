"""`slipway monitor skew`, on folders of captures and of a history."""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from support.packages import make_tabular_package

from slipway.cli import main
from slipway.cli.skew import capture_files
from slipway.features.history.files import HistoryFolder, pack_rows
from slipway.features.history.rows import Change, HistoryRow
from slipway.monitoring.captures.parsing import Capture, pack
from slipway.monitoring.captures.reading import BrokenLine, captures_in
from slipway.monitoring.skew.fields import ServedGroup

CONFIG = """
models: {tiny-tabular: {versions: [1], stable: 1, capture: {sample: 1}}}
features:
  tumour: {entity: patient, history: true, features: {radius: {type: float}, smooth: {type: float}}}
"""
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def row(number: int, at: datetime, values: dict[str, float]) -> HistoryRow:
    written, text = int(at.timestamp() * 1000), json.dumps(values, separators=(",", ":"))
    return HistoryRow("tumour", "patient", f"p{number}", Change.WRITE, written, f"{number:040}", written, None, text)


def captured(number: int, at: datetime, inputs: dict[str, Any], entities: dict[str, str] | None = None) -> Capture:
    return Capture(
        id=f"tiny-tabular.1.{int(at.timestamp()):08x}{number:016x}",
        model="tiny-tabular",
        version=1,
        time=int(at.timestamp() * 1000),
        request="r",
        inputs={**inputs, "age": 40},
        outputs={"label": "yes"},
        entities={"patient": f"p{number}"} if entities is None else entities,
    )


@pytest.fixture
def slipway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    make_tabular_package(tmp_path / "models/tiny-tabular/1")
    monkeypatch.chdir(tmp_path)
    files = HistoryFolder(tmp_path / "history")
    for key, content in pack_rows(row(n, NOON, {"radius": n / 3}) for n in range(100)).items():
        files.put(key, content)

    def run(*arguments: str) -> int:
        given = ["slipway", "monitor", "skew", "tiny-tabular", "--captures", "captures", "--from", "history"]
        monkeypatch.setattr(sys, "argv", [*given, *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


def predict(*captures: Capture) -> None:
    for key, content in pack(captures).items():
        file = Path("captures") / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


LATER = NOON + timedelta(minutes=10)
RIGHT = [captured(n, LATER, {"radius": n / 3, "smooth": 0.5}) for n in range(100)]


def test_an_altered_feature_is_named(slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    wrong = captured(42, LATER, {"radius": 15.0, "smooth": 0.5})
    predict(*RIGHT[:42], wrong, *RIGHT[43:])
    assert slipway("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {name: found[name] for name in ("captures", "rows", "values", "differing", "raced", "unknown")} == {
        "captures": 100,
        "rows": 100,
        "values": 200,
        "differing": 1,
        "raced": 0,
        "unknown": 0,
    }
    (difference,) = found["differences"]
    assert difference == {
        "prediction": wrong.id,
        "time": "2026-11-21T12:10:00.000+00:00",
        "entity": "patient",
        "id": "p42",
        "group": "tumour",
        "feature": "radius",
        "served": 15.0,
        "expected": 14.0,
        "written_at": "2026-11-21T12:00:00.000+00:00",
        "place": None,
    }
    assert slipway() == 0
    said = capsys.readouterr().out
    assert "1 differ, 0 raced with a write" in said
    assert "100 predictions of captures:" in said
    assert "tumour.radius of patient p42: served 15.0, expected 14.0 (written 2026-11-21T12:00:00.000+00:00)" in said


def test_records_that_named_no_entity_are_not_compared(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    predict(captured(1, LATER, {"radius": 9.0, "smooth": 0.5}, entities={}))
    assert slipway("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["captures"], found["rows"], found["differing"]) == (1, 0, 0)


def test_a_compacted_history_is_read_too(slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    from slipway.config import load_config
    from slipway.features.history.compaction import compact_days

    compact_days(
        HistoryFolder(Path("history")),
        "tumour",
        load_config(Path("slipway.yaml")).features["tumour"],
        LATER.date() + timedelta(days=1),
    )
    predict(*RIGHT[:2], captured(2, LATER, {"radius": 3.0, "smooth": 0.5}))
    assert slipway("--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["unknown"], [each["id"] for each in found["differences"]]) == (3, 0, ["p2"])


def test_an_offline_file_is_compared_by_schema_shares_and_rows(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    predict(*RIGHT)
    lines = [
        {"patient": f"p{n}", "time": "2026-11-21T12:10:00Z", "radius": n / 3 + (n == 7), "height": 1.8, "age": "40"}
        for n in range(100)
    ]
    Path("train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert slipway("--file", "train.jsonl", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    (difference,) = found["differences"]
    assert (difference["id"], difference["feature"], difference["place"]) == ("p7", "radius", "record 8")
    assert difference["expected"] == pytest.approx(10 / 3)
    problems = {each["name"]: each["problem"] for each in found["schema"]}
    assert problems.keys() == {"smooth", "age", "height"}
    assert "the file lacks" in problems["smooth"]
    assert "is a str in the file and a integer of the model" in problems["age"]
    assert {each["name"] for each in found["distances"]} == {"radius", "age"}
    assert slipway("--file", "train.jsonl") == 0
    assert "record 8" in capsys.readouterr().out


@pytest.mark.parametrize("window", ["24", "h", "0h", "1y", "-1h", "1.5h", f"{10**30}h", "2026-01-02/2026-01-01"])
def test_a_window_is_hours_days_or_weeks(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str], window: str
) -> None:
    assert slipway("--window", window) == 1
    assert "--window" in capsys.readouterr().err


def test_a_model_without_grouped_inputs_is_refused(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "slipway.yaml").write_text(CONFIG.replace("tumour:", "other:"), encoding="utf-8")
    assert slipway() == 1
    assert "history: true" in capsys.readouterr().err


def test_a_file_of_captures_is_read_as_its_folder_is(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    predict(*RIGHT)
    (file,) = Path("captures").rglob("*.jsonl.gz")
    assert slipway("--captures", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 100


def test_a_capture_in_two_files_counts_once(slipway: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    predict(*RIGHT[:60])
    predict(*RIGHT[40:])
    assert len([*Path("captures").rglob("*.jsonl.gz")]) == 2
    assert slipway("--json") == 0
    assert json.loads(capsys.readouterr().out)["captures"] == 100


@pytest.mark.parametrize(
    ("place", "said"), [("nowhere", "there is no nowhere"), ("history", "no file"), ("plain.jsonl", "no captures")]
)
def test_a_place_without_captures_is_refused(
    slipway: Callable[..., int], capsys: pytest.CaptureFixture[str], place: str, said: str
) -> None:
    Path("plain.jsonl").write_text(RIGHT[0].line(), encoding="utf-8")
    for file in Path("history").rglob("*.gz"):
        file.unlink()
    assert slipway("--captures", place) == 1
    error = capsys.readouterr().err
    assert "--captures" in error
    assert said in " ".join(error.split())


@pytest.mark.parametrize("against", [(), ("--file", "train.csv")])
def test_few_captures_are_in_memory_at_once(
    slipway: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    against: tuple[str, ...],
) -> None:
    hours = [LATER + timedelta(hours=hour) for hour in range(4)]
    predict(*(captured(n, at, {"radius": n % 100 / 3, "smooth": 0.5}) for at in hours for n in range(1000)))
    Path("train.csv").write_text("patient,time,radius\np1,2026-11-21T12:10:00Z,0.3\n", encoding="utf-8")
    read, alive = 0, list[int]()

    def counted(stream: BinaryIO) -> Iterator[Capture | BrokenLine]:
        nonlocal read
        for each in captures_in(stream):
            read += 1
            if read % 500 == 0:
                alive.append(sum(isinstance(found, Capture | ServedGroup) for found in gc.get_objects()))
            yield each

    monkeypatch.setattr(capture_files, "captures_in", counted)
    before = sum(isinstance(found, Capture | ServedGroup) for found in gc.get_objects())
    assert slipway(*against, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["captures"], found["rows"] + found["unknown"]) == (4000, 4000)
    assert len(alive) >= 8
    assert max(alive) - before < 10
