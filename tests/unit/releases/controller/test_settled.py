"""What the controller keeps as a settled release left it, after a deploy or a person has changed it."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from support.faults import Killed
from support.releases.records import NOW, make_release
from support.releases.stage import MODEL, Stage

from slipway.config.releases.options import BlueGreen, JudgeConfig, Shadow
from slipway.errors import NotFoundError, UnavailableError
from slipway.releases.controller.heavy import HeavyTier
from slipway.releases.controller.task_metrics import task_lines
from slipway.releases.record.phases import Phase

AFTER_RELEASE = {"blue": 0, "green": 100}
BEFORE_RELEASE = {"blue": 100, "green": 0}


@pytest.fixture
def settled() -> Stage:
    """A model whose version 2 has all traffic in green, while blue is retired."""
    staged = Stage("heavy")
    options = BlueGreen(bake_minutes=1)
    staged.store.start(
        make_release(MODEL, tier="heavy", options=options, labels=(), now=NOW, judge=JudgeConfig(), candidates=(2,))
    )
    staged.run()
    staged.cloud.settle()
    assert staged.record.phase is Phase.PROMOTED
    assert staged.cloud.weights() == AFTER_RELEASE
    assert staged.cloud.slots["blue"].desired == 0
    staged.subscribers.told.clear()
    return staged


def tick(staged: Stage) -> list[str]:
    """A minute passes; returns the errors of the pass."""
    staged.cloud.now += timedelta(minutes=1)
    staged.cloud.settle()
    return [problem for done in staged.controller.tick([MODEL]) for problem in done.errors]


def told(staged: Stage) -> list[str]:
    return [what for _, what in staged.subscribers.told]


def test_a_settled_release_that_nobody_touched_is_left_alone(settled: Stage) -> None:
    before = settled.record
    assert settled.controller.tick([MODEL]) == []
    assert settled.record == before


def test_weights_that_a_failed_deploy_put_back_are_undone_in_one_pass(
    settled: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    settled.cloud.set_weights(BEFORE_RELEASE)
    settled.faults.check = lambda: None  # until the pass, traffic goes where nothing is healthy
    assert tick(settled) == []
    assert settled.cloud.weights() == AFTER_RELEASE
    assert told(settled) == ["traffic put back to 100 % at 2, from 100 % at 1"]
    assert "a deploy that failed" in settled.record.history[-1].evidence[0]
    assert "traffic put back to 100 % at 2" in caplog.text
    assert settled.record.settled
    assert settled.store.past(MODEL) == [settled.record]


def test_it_is_told_once_and_is_over_when_the_traffic_is_back(settled: Stage) -> None:
    settled.faults.check = lambda: None
    settled.cloud.set_weights(BEFORE_RELEASE)
    tick(settled)
    assert settled.record.conflict
    tick(settled)
    assert not settled.record.conflict
    settled.cloud.set_weights(BEFORE_RELEASE)
    tick(settled)
    assert len(told(settled)) == 2


def test_traffic_is_not_put_back_to_a_slot_that_cannot_take_it(settled: Stage) -> None:
    settled.faults.check = lambda: None
    blue, green = settled.cloud.slots["blue"], settled.cloud.slots["green"]
    settled.cloud.set_weights(BEFORE_RELEASE)
    blue.desired = blue.running = blue.healthy = 1
    for _ in range(3):
        green.healthy = 0
        errors = [problem for done in settled.controller.tick([MODEL]) for problem in done.errors]
        assert "no healthy task" in errors[0]
    assert settled.cloud.weights() == BEFORE_RELEASE
    assert len(told(settled)) == 1


def test_traffic_that_a_person_moved_in_rule_and_parameters_stays_and_is_told(settled: Stage) -> None:
    settled.faults.check = lambda: None
    blue = settled.cloud.slots["blue"]
    blue.desired = blue.running = blue.healthy = 1
    settled.cloud.set_weights({"blue": 30, "green": 70})
    settled.cloud.keep_weight(MODEL, "blue", 30)
    settled.cloud.keep_weight(MODEL, "green", 70)
    for _ in range(3):
        assert tick(settled) == []
    assert settled.cloud.weights() == {"blue": 30, "green": 70}
    assert blue.desired == 1
    assert told(settled) == ["held: traffic was moved to 30 % at 1, 70 % at 2"]


def test_parameters_that_were_changed_alone_are_put_back(settled: Stage) -> None:
    settled.cloud.keep_weight(MODEL, "blue", 100)
    settled.cloud.keep_weight(MODEL, "green", 0)
    settled.faults.check = lambda: None
    assert tick(settled) == []
    assert {name: slot.kept_weight for name, slot in settled.cloud.slots.items()} == AFTER_RELEASE


def test_a_retired_slot_that_a_deploy_started_again_is_retired_again(settled: Stage) -> None:
    settled.cloud.slots["blue"].desired = 2
    assert tick(settled) == []
    assert settled.cloud.slots["blue"].desired == 0
    assert settled.cloud.slots["green"].desired
    assert told(settled) == ["retired version 1 again"]


def test_a_slot_that_cannot_be_retired_is_told_of_once_in_an_hour(settled: Stage) -> None:
    settled.cloud.slots["blue"].desired = 2
    settled.cloud.run = refuse  # type: ignore[method-assign, assignment]
    for _ in range(50):
        assert "ECS" in tick(settled)[0]
    assert told(settled) == ["retired version 1 again"]


def refuse(*_: object, **__: object) -> None:
    raise UnavailableError("ECS", "as the test wants")


def test_a_shadow_leaves_both_slots_their_tasks() -> None:
    staged = Stage("heavy")
    staged.store.start(make_release(MODEL, tier="heavy", options=Shadow(minutes=1), labels=(), judge=JudgeConfig()))
    staged.run()
    before = {name: slot.desired for name, slot in staged.cloud.slots.items()}
    assert tick(staged) == []
    assert {name: slot.desired for name, slot in staged.cloud.slots.items()} == before


def test_the_address_of_a_version_that_a_failed_deploy_put_back_is_set_again(settled: Stage) -> None:
    settled.cloud.slots["green"].addressed = 1
    assert tick(settled) == []
    assert settled.cloud.slots["green"].addressed == 2


def test_a_model_that_has_no_slots_any_more_needs_none(settled: Stage) -> None:
    def gone(_: str) -> None:
        raise NotFoundError("heavy model", MODEL, ())

    settled.controller._world.tiers["heavy"]._slots = gone  # type: ignore[attr-defined]
    assert settled.controller.tick([MODEL]) == []


def test_what_a_slot_wants_is_written_as_a_metric(settled: Stage) -> None:
    heavy = settled.controller._world.tiers["heavy"]
    assert isinstance(heavy, HeavyTier)
    lines = [json.loads(line) for line in task_lines("demo", MODEL, heavy.wanted_tasks(MODEL), NOW)]
    assert {line["Slot"]: line["WantedTasks"] for line in lines} == {"blue": 0, "green": 2}
    (directive,) = lines[0]["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Project", "Model", "Slot"]]


@pytest.mark.parametrize("after", [False, True])
def test_a_pass_that_fails_at_any_call_is_made_good_by_the_next(settled: Stage, after: bool) -> None:
    settled.cloud.set_weights(BEFORE_RELEASE)
    settled.cloud.slots["blue"].desired = 1
    counting = settled.copy()
    counting.faults.check, counting.faults.calls = (lambda: None), 0
    tick(counting)
    assert counting.faults.calls > 5
    for call in range(1, counting.faults.calls + 1):
        staged = settled.copy()
        staged.faults.check = lambda: None
        staged.faults.at, staged.faults.after, staged.faults.calls = call, after, 0
        with suppress(Killed):
            tick(staged)
        staged.faults.at = None
        for _ in range(3):
            tick(staged)
        assert staged.cloud.weights() == AFTER_RELEASE
        assert staged.cloud.slots["blue"].desired == 0
        assert "traffic put back to 100 % at 2, from 100 % at 1" in told(staged)


def test_the_next_release_starts_from_a_model_that_was_put_back(settled: Stage) -> None:
    settled.faults.check = lambda: None
    settled.cloud.set_weights(BEFORE_RELEASE)
    tick(settled)
    settled.faults.check = settled.check
    settled.store.start(
        make_release(MODEL, tier="heavy", stable=2, candidates=(3,), options=BlueGreen(bake_minutes=1), labels=())
    )
    settled.tick()
    assert not settled.record.phase.ended
