"""Whole runs in one process: what is registered, declined and refused, and what a killed run does when it goes on."""

import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression
from support.training import MODEL, START, Workplace, flipped, frame_of, points, workplace

from slipway.config import GatesConfig
from slipway.config.training import TrainingGates
from slipway.errors import CheckFailedError
from slipway.models.measurements.golden import read_golden
from slipway.models.prediction.predictor import Predictor
from slipway.training import fitting, judging
from slipway.training.decision import Declined
from slipway.training.local import Trained, run_all
from slipway.training.ports import Offered
from slipway.training.steps import assemble, check, register

MOVED = 0.4


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Workplace:
    """The boundary has moved, and the version that serves does not know."""
    return workplace(tmp_path, f"recipe_of_{request.node.name}", points(600, boundary=MOVED), window_days=365)


def trained(outcome: Trained | Declined) -> Trained:
    assert isinstance(outcome, Trained), outcome
    return outcome


def declined(outcome: object) -> str:
    assert isinstance(outcome, Declined), outcome
    return outcome.reason


def failed(outcome: Trained | Declined) -> set[str]:
    return {result.name for result in trained(outcome).check.failed}


def calls(place: Workplace) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = sys.modules[place.module].calls
    return found


def test_a_better_version_is_registered_with_its_lineage(place: Workplace) -> None:
    run = place.run()
    done = trained(run_all(place.ports, run, place.settings(run)))
    assert done.version == 2, done.check.failed
    package = place.versions.package(MODEL, 2)
    [data] = package.manifest.training.data
    assert (data.rows, data.sha256) == (600, done.data.sha256)
    assert (package.manifest.training.parent, package.manifest.training.seed) == (1, 1)
    [offered] = place.versions.offered(MODEL)
    assert offered.lineage.trigger == "hand: a test"
    assert (offered.lineage.run, offered.lineage.data_sha256) == (run.id, done.data.sha256)
    assert package.manifest.inputs == place.versions.package(MODEL, 1).manifest.inputs
    assert (place.root / "build" / "states" / "2" / "seen.txt").read_text() == "480"


def test_a_retrained_model_is_that_which_a_person_trains_on_the_same_rows(place: Workplace) -> None:
    run = place.run()
    done = trained(run_all(place.ports, run, place.settings(run)))
    rows = frame_of(place.examples.given)
    by_hand = LogisticRegression().fit(rows[["x", "y"]][:480], rows["label"][:480])
    newest = [dict(record) for record in rows[["x", "y"]][480:].to_dict("records")]
    answers = Predictor(place.versions.package(MODEL, done.version or 0)).predict(newest)
    expected = by_hand.predict_proba(rows[["x", "y"]][480:])[:, list(by_hand.classes_).index("right")]
    assert [answer["scores"]["right"] for answer in answers] == pytest.approx(list(expected), abs=2e-6)


def test_golden_records_are_those_of_the_version_that_serves_and_no_users(place: Workplace) -> None:
    run = place.run()
    run_all(place.ports, run, place.settings(run))
    before, after = (read_golden(place.versions.package(MODEL, at).path("golden.json")) for at in (1, 2))
    assert [each.record for each in after.records] == [each.record for each in before.records]
    assert [each.expected for each in after.records] != [each.expected for each in before.records]


def test_too_few_new_labels_end_a_run_with_the_reason(place: Workplace) -> None:
    run = place.run(min_new_labels=601)
    reason = declined(run_all(place.ports, run, place.settings(run)))
    assert "has 600 new labels, and `training.min_new_labels` asks for 601" in reason
    assert place.module not in sys.modules


def test_labels_that_the_last_version_learned_from_are_not_new(place: Workplace) -> None:
    run = place.run()
    run_all(place.ports, run, place.settings(run))
    place.examples.given += points(49, boundary=MOVED, start=START + timedelta(days=9))
    again = place.run("two", parent=2)
    assert "has 49 new labels" in declined(assemble(place.ports, again))
    place.examples.given += points(1, boundary=MOVED, start=START + timedelta(days=10))
    assert not isinstance(assemble(place.ports, place.run("three", parent=2)), Declined)


def test_labels_of_one_moment_cannot_be_split_in_time(place: Workplace) -> None:
    place.examples.given = [
        each for each in points(100) for each in [type(each)(each.id, START, each.record, each.true)]
    ]
    assert "of one moment" in declined(assemble(place.ports, place.run()))


def test_a_label_that_never_came_is_not_forgotten_silently(place: Workplace) -> None:
    place.examples.given = [each for each in points(400) if each.true == "left"]
    reason = declined(assemble(place.ports, place.run()))
    assert reason == "no record to train on is labelled 'right', which the model answers"


class TestPoisonedLabels:
    def test_a_feed_with_opposite_labels_is_stopped(self, place: Workplace) -> None:
        place.examples.given = flipped(points(600))
        run = place.run()
        outcome = run_all(place.ports, run, place.settings(run))
        assert trained(outcome).version is None
        assert {"agreement", "label order"} <= failed(outcome)
        assert not (place.root / "models" / MODEL / "2").exists()

    def test_the_figures_alone_would_not_have_stopped_it(self, place: Workplace) -> None:
        place.examples.given = flipped(points(600))
        run = place.run()
        assert "log_loss max_drop" not in failed(run_all(place.ports, run, place.settings(run)))

    def test_a_feed_that_turns_in_the_newest_slice_is_stopped(self, place: Workplace) -> None:
        examples = points(600)
        place.examples.given = [*examples[:450], *flipped(examples[450:])]
        run = place.run()
        assert "label order" in failed(run_all(place.ports, run, place.settings(run)))

    def test_a_feed_that_says_the_same_of_all_is_stopped(self, place: Workplace) -> None:
        examples = points(600)
        place.examples.given = [type(each)(each.id, each.time, each.record, "left") for each in examples[300:]]
        place.examples.given += examples[:100]
        run = place.run()
        assert "label shift" in failed(run_all(place.ports, run, place.settings(run)))

    def test_a_trusted_file_stops_what_no_check_of_labels_can_see(self, place: Workplace) -> None:
        place.examples.given = points(600, boundary=MOVED)  # as if half of the right ones were wrongly left
        frame_of(points(300, seed=5)).to_csv(place.root / "trusted.csv", index=False)
        run = place.run()
        gates = TrainingGates(labelled="trusted.csv")
        assert failed(run_all(place.ports, run, place.settings(run, gates))) == {"log_loss max_drop"}


def test_a_version_that_was_withdrawn_is_not_offered_again(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = place.run()
    run_all(place.ports, run, place.settings(run))
    [offered] = place.versions.offered(MODEL)
    mark = Offered(offered.version, offered.lineage, "rolled back: accuracy fell by 0.1")
    ports = place.ports
    monkeypatch.setattr(ports.versions, "offered", lambda _: [mark])
    reason = declined(assemble(ports, place.run("two", min_new_labels=1)))
    assert "0 new labels" in reason
    monkeypatch.setattr(type(ports.data), "of_digest", lambda *_: None)  # the data set has expired
    reason = declined(assemble(ports, place.run("three")))
    assert reason.endswith("made of the same data by the same recipe, and withdrawn: rolled back: accuracy fell by 0.1")
    changed = place.run("four", parameters={"C": 0.5})
    assert not isinstance(assemble(ports, changed), Declined)


class TestGoingOn:
    def test_a_run_keeps_its_data_whatever_labels_come_meanwhile(self, place: Workplace) -> None:
        run = place.run()
        first = assemble(place.ports, run)
        place.examples.given += points(10, boundary=MOVED, start=START - timedelta(days=1))
        assert assemble(place.ports, run) == first

    def test_a_run_that_is_over_does_nothing_again(self, place: Workplace) -> None:
        run = place.run()
        first = trained(run_all(place.ports, run, place.settings(run)))
        again = trained(run_all(place.ports, run, place.settings(run)))
        assert (again.version, again.data) == (first.version, first.data)
        assert len(calls(place)) == 1
        assert sorted(path.name for path in (place.root / "models" / MODEL).iterdir()) == ["1", "2"]

    def test_a_recipe_that_was_killed_starts_again_and_finds_its_checkpoints(self, place: Workplace) -> None:
        source = (place.root / f"{place.module}.py").read_text()
        killed = "    (draft.checkpoints / 'half').write_text('')\n    raise KeyboardInterrupt\n"
        guard = "    if not (draft.checkpoints / 'half').exists():\n" + killed.replace("    ", "        ")
        body = "def train(data, draft, parent):\n"
        (place.root / f"{place.module}.py").write_text(source.replace(body, body + guard))
        run = place.run()
        with pytest.raises(KeyboardInterrupt):
            run_all(place.ports, run, place.settings(run))
        assert trained(run_all(place.ports, run, place.settings(run))).version == 2

    def test_a_package_without_the_end_of_its_recipe_is_made_again(self, place: Workplace) -> None:
        run = place.run()
        data = assemble(place.ports, run)
        assert not isinstance(data, Declined)
        folder, like = place.settings(run).folder, place.versions.package(MODEL, 1)
        fitting.train(run, data, folder, like=like, state=None, project=place.root)
        (folder / "whole").unlink()
        fitting.train(run, data, folder, like=like, state=None, project=place.root)
        assert len(calls(place)) == 2

    def test_a_package_that_was_stored_in_part_is_made_again(self, place: Workplace) -> None:
        run = place.run()
        data = assemble(place.ports, run)
        assert not isinstance(data, Declined)
        folder, like = place.settings(run).folder, place.versions.package(MODEL, 1)
        package = fitting.train(run, data, folder, like=like, state=None, project=place.root)
        (package.folder / "model.yaml").unlink()
        again = fitting.train(run, data, folder, like=like, state=None, project=place.root)
        assert again.path("model.yaml").is_file()
        assert len(calls(place)) == 2


FEWER = """
from sklearn.linear_model import LogisticRegression


def train(data, draft, parent):
    frame = data.train().to_pandas()
    draft.from_sklearn(LogisticRegression().fit(frame[["x"]], frame["label"]), seed=1)
"""


def test_a_recipe_may_use_fewer_inputs_than_the_version_that_serves(place: Workplace) -> None:
    (place.root / f"{place.module}.py").write_text(FEWER, encoding="utf-8")
    frame_of(points(300, boundary=MOVED, seed=5)).to_csv(place.root / "trusted.csv", index=False)
    run = place.run()
    done = trained(run_all(place.ports, run, place.settings(run, TrainingGates(labelled="trusted.csv"))))
    assert done.version == 2, done.check.failed


def test_of_a_long_slice_the_gates_judge_a_part_that_is_evenly_chosen(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "MOST_RECORDS", 50)
    run = place.run()
    done = trained(run_all(place.ports, run, place.settings(run)))
    assert done.data.validation_rows == 120
    assert done.check.data is not None
    assert done.check.data.rows == 50
    assert done.check.data.name == f"50 of the newest 120 of data {done.data.sha256[:12]}"


def test_only_a_stateful_run_gets_the_version_before_it(place: Workplace) -> None:
    run = place.run()
    run_all(place.ports, run, place.settings(run))
    place.examples.given += points(100, boundary=MOVED, seed=3, start=START + timedelta(days=9))
    second = place.run("two", parent=2, mode="stateful")
    run_all(place.ports, second, place.settings(second))
    (_, none), (_, parent) = calls(place)
    assert none is None
    assert (parent.package.manifest.version, (parent.state / "seen.txt").read_text()) == (2, "480")


def test_the_models_own_limits_hold_and_its_figures_on_fixed_data_do_not(place: Workplace) -> None:
    run = place.run()
    own = GatesConfig.model_validate(
        {"max_package_bytes": 1, "quality": [{"metric": "accuracy", "data": "of last year", "min": 0.99}]}
    )
    assert failed(run_all(place.ports, run, place.settings(run, own=own))) == {"package bytes"}


def test_a_drop_is_a_share_of_the_serving_versions_figure(place: Workplace) -> None:
    place.examples.given = points(600)
    run = place.run(parameters={"C": 0.02})  # a model that hardly dares to differ from one half
    results = trained(run_all(place.ports, run, place.settings(run))).check.results
    [drop] = [result for result in results if result.name == "log_loss max_drop"]
    assert not drop.passed
    found = re.search(r"is ([\d.]+) after ([\d.]+), and", drop.sentence)
    assert found is not None
    after, before = float(found[1]), float(found[2])
    assert drop.allowed == pytest.approx(0.02 * before, rel=1e-3)
    assert drop.measured == pytest.approx(after - before, abs=2e-4)


def test_what_did_not_pass_is_not_registered(place: Workplace) -> None:
    run = place.run()
    data = assemble(place.ports, run)
    assert not isinstance(data, Declined)
    like = place.versions.package(MODEL, 1)
    package = fitting.train(run, data, place.settings(run).folder, like=like, state=None, project=place.root)
    gates = TrainingGates.model_validate({"quality": [{"metric": "accuracy", "min": 0.999}]})
    found = check(run, data, package, serving=like, gates=gates, own=GatesConfig(), root=place.root)
    with pytest.raises(CheckFailedError, match=r"did not pass its gates:\n  accuracy min: "):
        register(place.ports, run, data, package, found, state=None)
