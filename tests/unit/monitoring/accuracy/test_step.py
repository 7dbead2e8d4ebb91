"""The step finds nothing while nothing changes, and a fall of accuracy by scores or by either kind of label."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.calibrated import MODEL, answers, calibration, captures_of, labelled_of
from support.captures import HOUR, MemoryBucket
from support.packages import make_text_package

from slipway.errors import StaleError
from slipway.models.measurements.calibrating import Scored
from slipway.models.measurements.calibration import write_calibration
from slipway.models.package import Package
from slipway.monitoring.accuracy.evidence import Hour
from slipway.monitoring.accuracy.labelled_table import made_at
from slipway.monitoring.accuracy.limits import AccuracyLimits
from slipway.monitoring.accuracy.normal import BucketNormals, Figure, NormalAccuracy, normal_of, references_of
from slipway.monitoring.accuracy.score_sums import score_summing
from slipway.monitoring.accuracy.step import AccuracyStep
from slipway.monitoring.profiles.making import profile_of
from slipway.monitoring.steps import Event, Findings, Labelled, Period

ONE = timedelta(hours=1)


@dataclass
class Labels:
    """A `LabelReader` in memory."""

    known: list[Labelled] = field(default_factory=list)

    def labelled(self, model: str, since: datetime, until: datetime) -> Sequence[Labelled]:
        return [each for each in self.known if since <= made_at(each) < until]

    def drawn(self, model: str) -> list[Labelled]:
        return [each for each in self.known if each.probability is not None]


class Traffic:
    """Hours of captures, given to the step one after another, as the monitor does."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.package = make_text_package(folder / "1")
        write_calibration(self.package.folder / "calibration.json", calibration())
        self.labels = Labels()
        self.limits = AccuracyLimits(**{"max_drop": 0.05, **limits})
        self.normals = BucketNormals(MemoryBucket())
        self.state: dict[str, Any] | None = None
        self.hour = HOUR
        self.events: list[Event] = []
        self.reminders: list[Event] = []
        self.metrics: list[dict[str, float]] = []

    def pass_hour(self, scored: Scored, label: "Callable[[list[Labelled]], list[Labelled]] | None" = None) -> Findings:
        captures = captures_of(scored, self.hour)
        if label is not None:
            self.labels.known += label(labelled_of(captures, scored))
        profile = profile_of(self.package, captures, start=self.hour, minutes=60, sums=score_summing(self.package))
        self.hour += ONE
        period = Period(self.package, (), profile, lambda: iter(captures), lambda: (), self.hour)
        step = AccuracyStep(lambda _model: self.limits, self.labels, self.normals)
        self.state, found = step.after(json.loads(json.dumps(self.state)), period)
        self.events += [each for each in found.events if each.is_new]
        self.reminders += [each for each in found.events if not each.is_new]
        self.metrics.append(dict(found.metrics))
        return found


@pytest.fixture
def traffic(tmp_path: Path) -> Traffic:
    return Traffic(tmp_path)


def worse(by: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda scores: np.clip(scores - by, 0, 1)


def every(labelled: list[Labelled]) -> list[Labelled]:
    return labelled


def complaints(labelled: list[Labelled]) -> list[Labelled]:
    """Users say something of half of the wrong answers, and nothing of right ones."""
    wrong = [each for each in labelled if each.predicted != each.true]
    return wrong[::2]


def sample(share: float) -> Callable[[list[Labelled]], list[Labelled]]:
    """Labels of a sample with known probabilities."""
    from dataclasses import replace

    return lambda labelled: [replace(each, probability=share) for each in labelled[:: round(1 / share)]]


def test_nothing_is_found_while_nothing_changes(traffic: Traffic) -> None:
    for seed in range(60):
        traffic.pass_hour(answers(40, seed=seed), every)
    assert traffic.events == []
    estimated = [each["EstimatedAccuracy"] for each in traffic.metrics]
    labelled = [each["LabelledAccuracy"] for each in traffic.metrics]
    assert np.mean(estimated) == pytest.approx(0.75, abs=0.02)
    assert np.mean(labelled) == pytest.approx(0.75, abs=0.03)


def test_a_fall_is_found_by_complete_labels_once(traffic: Traffic) -> None:
    for seed in range(24):
        traffic.pass_hour(answers(40, seed=seed), every)
    fell = traffic.hour
    for seed in range(24, 72):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.15)), every)
    (event,) = traffic.events
    assert event.kind == "accuracy"
    assert (event.detail["model"], event.detail["version"], event.detail["by"]) == (MODEL, 1, "feedback")
    assert fell < datetime.fromisoformat(str(event.detail["period"])) <= fell + 30 * ONE
    assert event.detail["found"] < 0.7
    json.dumps(event.detail)


def test_a_fall_that_stands_is_an_event_again_each_day(traffic: Traffic) -> None:
    for seed in range(40):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.3)), every)
    (event,) = traffic.events
    reminded = len(traffic.reminders)
    for seed in range(40, 40 + 72):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.3)), every)
    assert len(traffic.events) == 1
    assert len(traffic.reminders) - reminded == 3
    assert traffic.reminders[-1].detail["model"] == event.detail["model"]


def test_labels_that_come_a_day_late_are_waited_for(traffic: Traffic) -> None:
    for seed in range(20):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.25)))
    late = [labelled for each in range(20) for labelled in _labels_of(HOUR + each * ONE, each, worse(0.25))]
    traffic.labels.known += late
    assert traffic.events == []
    traffic.pass_hour(answers(40, seed=20, truth=worse(0.25)))
    assert [event.detail["by"] for event in traffic.events] == ["feedback"]


def test_complaints_alone_raise_no_alarm_and_do_not_move_the_estimate(traffic: Traffic) -> None:
    for seed in range(80):
        traffic.pass_hour(answers(40, seed=seed), complaints)
    assert traffic.events == []
    assert np.mean([each["EstimatedAccuracy"] for each in traffic.metrics]) == pytest.approx(0.75, abs=0.02)
    labelled = [each["LabelledAccuracy"] for each in traffic.metrics if "LabelledAccuracy" in each]
    assert labelled
    assert set(labelled) == {0.0}


def test_complaints_of_more_answers_than_may_be_wrong_raise_one(traffic: Traffic) -> None:
    for seed in range(80):
        wrong = answers(40, seed=seed, truth=worse(0.3))
        traffic.pass_hour(wrong, lambda labelled: [each for each in labelled if each.predicted != each.true])
    assert [event.detail["by"] for event in traffic.events] == ["feedback"]


def test_representative_labels_need_not_be_complete(tmp_path: Path) -> None:
    found = {}
    for representative in (False, True):
        traffic = Traffic(tmp_path / str(representative), representative=representative, wait_hours=0)
        for seed in range(60):
            traffic.pass_hour(answers(60, seed=seed, truth=worse(0.2)), lambda labelled: labelled[::3])
        found[representative] = len(traffic.events)
    assert found == {False: 0, True: 1}


def test_a_fall_is_found_by_drawn_labels_which_correct_the_estimate(traffic: Traffic) -> None:
    for seed in range(40):
        traffic.pass_hour(answers(100, seed=seed, truth=worse(0.2)), sample(0.1))
    assert [event.detail["by"] for event in traffic.events] == ["drawn"]
    assert np.mean([each["EstimatedAccuracy"] for each in traffic.metrics[-10:]]) == pytest.approx(0.55, abs=0.06)
    # 400 labels are there of those that a share of 0.55 needs, less what the scores are worth.
    assert traffic.metrics[-1]["LabelsNeeded"] + 400 == pytest.approx(1.96**2 * 0.2475 / 0.02**2, rel=0.15)


def test_drawn_labels_are_bet_on_once_whenever_they_come(traffic: Traffic) -> None:
    for seed in range(5):
        traffic.pass_hour(answers(100, seed=seed))
    traffic.labels.known += sample(0.2)(_labels_of(HOUR, 0, worse(0), n=100))
    traffic.pass_hour(answers(100, seed=5))
    seen = traffic.state["streams"]["drawn"]["seen"]
    assert seen[0] == 20
    traffic.pass_hour(answers(100, seed=6))
    assert traffic.state["streams"]["drawn"]["seen"] == seen


def test_a_fall_is_found_by_scores_alone(traffic: Traffic) -> None:
    for seed in range(60):
        scored = answers(100, seed=seed)
        low = Scored(scored.labels, 0.5 + (scored.scores - 0.5) / 3, scored.right)
        traffic.pass_hour(low)
    assert [event.detail["by"] for event in traffic.events] == ["estimated"]


def test_a_drop_that_is_allowed_raises_none(traffic: Traffic) -> None:
    for seed in range(150):
        traffic.pass_hour(answers(60, seed=seed, truth=worse(0.02)), every)
    assert traffic.events == []


def test_a_version_without_calibration_has_no_figures(tmp_path: Path) -> None:
    traffic = Traffic(tmp_path)
    (traffic.package.folder / "calibration.json").unlink()
    traffic.package = Package(traffic.package.folder, traffic.package.manifest)
    assert traffic.pass_hour(answers(40, seed=0), every) == Findings()


def test_evidence_of_another_calibration_is_dropped(traffic: Traffic) -> None:
    for seed in range(30):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.25)), every)
    write_calibration(traffic.package.folder / "calibration.json", calibration(n=4000))
    traffic.package = Package(traffic.package.folder, traffic.package.manifest)
    traffic.pass_hour(answers(40, seed=0), every)
    assert traffic.state["alarmed"] is None


def acknowledge(traffic: Traffic, since: datetime, *, n: int) -> None:
    """Take what was labelled since then as normal, as `slipway monitor acknowledge --accuracy` does."""
    known = traffic.labels.labelled(MODEL, since, traffic.hour)
    calibrated = traffic.package.calibration
    assert calibrated is not None
    captured = Hour(n, n, 0.75 * n)
    window = {"start": since, "end": traffic.hour}
    normal = normal_of(calibrated, captured, known, None, representative=False, **window)
    traffic.normals.write(MODEL, 1, normal, before=None)


def test_what_was_acknowledged_raises_no_alarm_until_accuracy_falls_again(traffic: Traffic) -> None:
    for seed in range(40):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.2)), every)
    assert len(traffic.events) == 1
    assert traffic.events[0].detail["acknowledged"] is False
    acknowledge(traffic, HOUR, n=1600)
    for seed in range(40, 120):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.2)), every)
    assert len(traffic.events) == 1
    assert traffic.state["alarmed"] is None
    for seed in range(120, 200):
        traffic.pass_hour(answers(40, seed=seed, truth=worse(0.4)), every)
    again = traffic.events[1].detail
    assert (again["by"], again["acknowledged"]) == ("feedback", True)
    assert again["reference"] == pytest.approx(0.55, abs=0.04)
    assert len(traffic.events) == 2


def test_labels_that_were_bet_on_are_known_after_an_acknowledgement(traffic: Traffic) -> None:
    for seed in range(40):
        traffic.pass_hour(answers(100, seed=seed, truth=worse(0.2)), sample(0.1))
    acknowledge(traffic, HOUR, n=4000)
    traffic.pass_hour(answers(100, seed=40))
    assert traffic.state["streams"]["drawn"]["seen"][0] == 0
    traffic.normals.write(MODEL, 1, None, before=traffic.normals.read(MODEL, 1))
    traffic.pass_hour(answers(100, seed=41))
    assert traffic.state["normal"] == ""
    assert traffic.state["streams"]["drawn"]["seen"][0] == 0


def test_a_stream_of_which_nothing_was_known_is_compared_with_the_least_of_the_others(traffic: Traffic) -> None:
    known = calibration()
    window = {"start": HOUR, "end": HOUR + ONE}
    normal = normal_of(known, Hour(100, 100, 60.0), (), None, representative=False, **window)
    assert {name: each.accuracy for name, each in references_of(known, normal).items()} == {
        "estimated": 0.6,
        "drawn": 0.6,
        "feedback": 0.6,
    }
    assert {each.accuracy for each in references_of(calibration(n=4000), normal).values()} == {
        calibration(n=4000).accuracy
    }
    assert normal_of(known, Hour(), (), None, representative=False, **window) is None


def test_only_one_of_two_people_says_what_is_normal_at_once(traffic: Traffic) -> None:
    class Overtaken(MemoryBucket):
        def replace(self, key: str, content: bytes, tag: str | None) -> bool:
            return False

    with pytest.raises(StaleError):
        BucketNormals(Overtaken()).write(MODEL, 1, None, before=None)


def test_an_acknowledgement_since_the_reading_is_not_overwritten() -> None:
    normals = BucketNormals(MemoryBucket())
    figures = {"estimated": Figure(accuracy=0.9, records=100)}
    theirs = NormalAccuracy(calibration="c", start=HOUR, end=HOUR + ONE, figures=figures)
    normals.write(MODEL, 1, theirs, before=None)
    with pytest.raises(StaleError):
        normals.write(MODEL, 1, theirs.model_copy(update={"end": HOUR + 2 * ONE}), before=None)
    assert normals.read(MODEL, 1) == theirs


def _labels_of(hour: datetime, seed: int, truth: Callable[[np.ndarray], np.ndarray], n: int = 40) -> list[Labelled]:
    scored = answers(n, seed=seed, truth=truth)
    return labelled_of(captures_of(scored, hour), scored)
