"""`slipway monitor accuracy` and `label` against a bucket and a table in moto."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws
from support.calibrated import MODEL, answers, calibration, captures_of
from support.moto_account import create_keyed_table, use_test_credentials
from support.packages import LABELS, make_text_package
from typer.testing import CliRunner

from slipway.aws.table import DynamoTable
from slipway.cli import app
from slipway.cli.api import ApiError
from slipway.cli.deployed import Deployed
from slipway.errors import ConflictError, InputError, NotFoundError
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import load_package, seal_package
from slipway.monitoring.accuracy.drawing import draw_chance
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.accuracy.labels import captured_labels
from slipway.monitoring.accuracy.labels_table import DynamoLabelStore
from slipway.monitoring.accuracy.score_sums import score_summing
from slipway.monitoring.accuracy.state import AccuracyState
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture, pack
from slipway.monitoring.captures.reservoir import reservoir_of
from slipway.monitoring.captures.reservoir_store import BucketReservoir
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.monitoring.feedback.store import Feedback
from slipway.monitoring.feedback.table import DynamoFeedbackStore
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state

CONFIG = f"""
models:
  {MODEL}: {{versions: [1], stable: 1, capture: {{sample: 1.0}}}}
  unwatched: {{versions: [1], stable: 1}}
"""
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
COUNT = 40
SCORED = answers(COUNT, seed=5)


class Feedbacks:
    """The API's feedback route, over the same table."""

    def __init__(self) -> None:
        self.store = DynamoFeedbackStore("control")

    def __enter__(self) -> "Feedbacks":
        return self

    def __exit__(self, *_: object) -> None: ...

    def call_patiently(self, method: str, path: str, body: dict[str, Any]) -> Any:
        assert (method, path) == ("POST", "/v1/feedback")
        answer = {name: body.get(name) for name in ("label", "value", "probability")}
        try:
            stored = self.store.put(Feedback(parse_prediction_id(body["prediction_id"]), **answer))
        except ConflictError as error:
            raise ApiError(409, {"title": str(error)}) from error
        return {"status": "stored" if stored else "already stored"}


@pytest.fixture(autouse=True)
def captures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Capture]]:
    use_test_credentials(monkeypatch)
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    outputs = {"CaptureBucket": "captures", "ControlTable": "control", "ModelBucket": "models"}
    monkeypatch.setattr("slipway.cli.deployed.find_deployed", lambda _project: Deployed("this account", outputs))
    package = make_text_package(tmp_path / "models" / MODEL / "1")
    write_calibration(package.folder / "calibration.json", calibration())
    package = seal_package(package.folder, package.manifest.model_dump(mode="json", exclude_unset=True))
    made = captures_of(SCORED, HOUR)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="captures")
        create_keyed_table("control")
        bucket = CaptureBucket("captures")
        for key, content in pack(made).items():
            bucket.put(key, content)
        DynamoLabelStore(table()).captured(captured_labels(made, timedelta(days=30)))
        sums = score_summing(load_package(package.folder))
        BucketProfiles(bucket).write(profile_of(package, made, start=HOUR, minutes=60, sums=sums))
        feedback = Feedbacks()
        monkeypatch.setattr("slipway.cli.monitor.label.connect", lambda _api, _token, **_: feedback)
        yield made


def table() -> DynamoTable:
    return DynamoTable("control", dependency="control table")


def tell(captures: list[Capture], right: np.ndarray, probability: float | None = None) -> None:
    store = DynamoFeedbackStore("control")
    for capture, is_right in zip(captures, right, strict=False):
        said = "positive" if is_right else "negative"
        store.put(Feedback(capture.prediction, label=said, probability=probability))


def run(*arguments: str, typed: str = "") -> str:
    window = () if "--window" in arguments or arguments[0] == "acknowledge" else ("--window", "6h")
    done = CliRunner().invoke(
        app, ["monitor", *arguments, *window], input=typed, catch_exceptions=False, env={"COLUMNS": "120"}
    )
    assert done.exit_code == 0, done.output
    return done.output


def figures(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("accuracy", MODEL, "--json", *arguments))
    return found


def test_before_labels_there_is_an_estimate_and_how_many_labels_are_needed() -> None:
    found = figures()
    assert (found["captures"], found["labelled"], found["corrected"]) == (COUNT, None, None)
    assert found["estimated"]["low"] < SCORED.right.mean() < found["estimated"]["high"]
    assert found["needed"] > 1000
    shown = run("accuracy", MODEL)
    assert "estimated before labels" in shown
    assert f"slipway monitor label {MODEL}" in shown


def test_labels_that_come_of_themselves_are_shown_and_correct_nothing(captures: list[Capture]) -> None:
    before = figures()
    tell([each for each, right in zip(captures, SCORED.right, strict=True) if not right], np.zeros(COUNT))
    after = figures()
    assert after["estimated"] == before["estimated"]
    assert after["corrected"] is None
    assert (after["labelled"]["value"], after["labelled"]["units"]) == (0.0, "records")
    assert "came of themselves" in run("accuracy", MODEL)


def test_drawn_labels_correct_it(captures: list[Capture]) -> None:
    tell(captures[::2], SCORED.right[::2], probability=0.5)
    found = figures()
    assert found["corrected"]["labels"] == 20
    assert found["corrected"]["once"]["low"] < SCORED.right.mean() < found["corrected"]["once"]["high"]
    assert "corrected by 20 drawn labels" in run("accuracy", MODEL)


def test_labels_are_asked_for_sent_and_asked_for_no_more(captures: list[Capture]) -> None:
    right = {each.id: bool(is_right) for each, is_right in zip(captures, SCORED.right, strict=True)}
    shown = run("label", MODEL, "--number", "3", typed="3\nnonsense\nnegative\n<\npositive\n1\n")
    assert "'nonsense' is none of negative, neutral, positive" in shown
    assert "the model: positive" in shown
    assert "3 labels stored" in shown
    first = DynamoLabelled(table()).drawn(MODEL)
    assert sorted(each.true for each in first) == ["negative", "positive", "positive"]
    assert all(0 < each.probability < 0.5 for each in first)
    assert all(each.id in right for each in first)
    assert "2 labels stored, 3 known before" in run("label", MODEL, "--number", "2", typed="3\n3\n")
    second = {each.id: each.probability for each in DynamoLabelled(table()).drawn(MODEL)}
    assert len(second) == 5
    assert all(second[each.id] > each.probability for each in first)


def test_labels_are_drawn_from_the_reservoir_by_their_probability(captures: list[Capture]) -> None:
    reservoir = reservoir_of(captures, 10)
    BucketReservoir(CaptureBucket("captures")).write(MODEL, 1, HOUR, reservoir)
    assert "4 labels stored" in run("label", MODEL, "--reservoir", "--number", "4", typed="3\n3\n1\n3\n")
    drawn = {each.id: each.probability for each in DynamoLabelled(table()).drawn(MODEL)}
    ceiling = max(draw_chance(each.id) for each in reservoir.captures)
    assert drawn.keys() <= {each.id for each in reservoir.captures}
    assert all(probability is not None and 0 < probability <= ceiling for probability in drawn.values())
    assert "5 labels stored, 4 known before" in run("label", MODEL, "--reservoir", typed="3\n" * 9)
    drawn = {each.id: each.probability for each in DynamoLabelled(table()).drawn(MODEL)}
    assert len(drawn) == 9
    assert {round(probability or 0.0, 9) for probability in drawn.values()} == {round(ceiling, 9)}


def test_the_shadow_may_draw_from_the_reservoir(captures: list[Capture]) -> None:
    BucketReservoir(CaptureBucket("captures")).write(MODEL, 1, HOUR, reservoir_of(captures, 10))
    shown = run("label", MODEL, "--shadow", "--reservoir", typed="3\n" * 20)
    assert "agrees with the model on 9 records" in shown


def test_who_quits_has_labelled_what_came_before() -> None:
    assert "2 labels stored" in run("label", MODEL, typed="3\n-\n3\n.\n")
    assert "0 labels stored" in run("label", MODEL, "--number", "0")
    assert len(DynamoLabelled(table()).drawn(MODEL)) == 2


def test_a_record_that_a_user_spoke_of_is_drawn_with_what_the_user_said(captures: list[Capture]) -> None:
    tell(captures, np.ones(COUNT))
    assert "0 labels stored, 40 known before" in run("label", MODEL)
    drawn = DynamoLabelled(table()).drawn(MODEL)
    assert {each.probability for each in drawn} == {1.0}


def test_a_file_of_labels_is_sent_as_labels_that_came_of_themselves(captures: list[Capture], tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(f"id,label\n{captures[0].id},positive\n{captures[1].id},negative\n", encoding="utf-8")
    assert "2 labels stored" in run("label", MODEL, "--file", str(file))
    assert "2 known before" in run("label", MODEL, "--file", str(file))
    assert DynamoLabelled(table()).drawn(MODEL) == []
    file.write_text("id,label\n,positive\n", encoding="utf-8")
    with pytest.raises(InputError, match="needs an id"):
        run("label", MODEL, "--file", str(file))


def test_in_the_shadow_the_models_answer_is_hidden_and_nothing_is_sent(captures: list[Capture]) -> None:
    shown = run("label", MODEL, "--shadow", "--number", "4", typed="3\n3\n3\n1\n")
    assert "the model: positive" not in shown
    assert "agrees with the model on 4 records" in shown
    assert DynamoLabelled(table()).drawn(MODEL) == []
    kept = [json.loads(line) for line in Path(f"human-{MODEL}-1.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [each["human"]["label"] for each in kept] == ["positive"] * 3 + ["negative"]
    tell(captures, SCORED.right)
    later = run("label", MODEL, "--shadow", "--number", "0")
    assert "the human is right, of 4 records with a true answer" in later
    assert LABELS[2] == "positive"


def alarm(**changed: Any) -> None:
    """The state of a monitor that found a fall, an hour after the captures."""
    known = load_package(Path("models") / MODEL / "1").calibration
    assert known is not None
    state = AccuracyState(known.digest, alarmed=HOUR + timedelta(hours=1), **changed)
    StateStore(CaptureBucket("captures")).write(version_state(MODEL, 1, "accuracy"), {"state": state.dump()})


def test_a_fall_is_acknowledged_and_taken_back(captures: list[Capture]) -> None:
    with pytest.raises(InputError, match="no alarm says"):
        run("acknowledge", MODEL, "--accuracy")
    alarm()
    tell(captures, np.zeros(COUNT), probability=0.5)
    assert "Accuracy has fallen" in run("accuracy", MODEL)
    shown = " ".join(run("acknowledge", MODEL, "--accuracy").split())
    assert "0.000 by labels of drawn records" in shown
    assert "0.000 by labels of feedback" in shown
    found = figures()
    assert (found["alarmed"], found["normal"], found["least"]) == (None, 0.0, -0.05)
    assert "acknowledged" in run("accuracy", MODEL)
    with pytest.raises(InputError, match="no alarm says"):
        run("acknowledge", MODEL, "--accuracy")
    document = json.loads(run("acknowledge", MODEL, "--accuracy", "--baseline", "--json"))
    assert document == {"model": MODEL, "version": 1, "accuracy": None}
    assert (figures()["alarmed"], figures()["normal"]) == ((HOUR + timedelta(hours=1)).isoformat(), None)


def test_accuracy_has_no_columns_and_needs_captures_to_be_acknowledged() -> None:
    with pytest.raises(InputError, match="accuracy has no columns"):
        run("acknowledge", MODEL, "--accuracy", "--columns", "outputs.label")
    alarm()
    with pytest.raises(InputError, match="nothing of tiny-sentiment 1 was captured"):
        run("acknowledge", MODEL, "--accuracy", "--window", "1m")


def test_a_window_may_be_two_moments() -> None:
    end = HOUR + timedelta(hours=1)
    assert figures("--window", f"{HOUR.isoformat()}/{end.isoformat()}")["captures"] == COUNT
    assert figures("--window", f"{end.isoformat()}/{(end + timedelta(hours=1)).isoformat()}")["captures"] == 0


def test_a_plot_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run("accuracy", MODEL, "--plot", str(tmp_path / "accuracy.svg"))
    assert "</svg>" in (tmp_path / "accuracy.svg").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"\.pdf"):
        run("accuracy", MODEL, "--plot", str(tmp_path / "accuracy.txt"))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((MODEL, "--window", "soon"), InputError, "7d"),
        ((MODEL, "--segment", "origin"), NotFoundError, "origin"),
        (("unwatched",), InputError, r"models\.unwatched\.capture\.sample"),
        (("nothing",), NotFoundError, "nothing"),
    ],
)
def test_what_is_wrong_is_named(arguments: tuple[str, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        run("accuracy", *arguments)
