"""What is decided where the world, or a person, says something: weights, tasks, orders, and what was not done."""

from dataclasses import replace

from support.releases.decisions import (
    BOTH_FAIL,
    GOOD,
    MINUTE,
    NOW,
    heavy,
    light,
    running,
    stable_arm,
)

from slipway.config.releases.options import AllAtOnce, Canary, Linear
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.strategies.actions import Notify, Prepare, SetShares, SetStable
from slipway.releases.strategies.decide import decide


def test_weights_that_somebody_else_set_are_not_built_on() -> None:
    world = running(heavy(Canary(bake_minutes=2)))
    world.shares = {1: 0.5, 2: 0.5}
    before = list(world.acted)
    for _ in range(5):
        decision = world.look(GOOD)
    assert decision.verdict is not None
    assert decision.verdict.held
    assert "somebody else has moved the traffic (50 % at 1, 50 % at 2)" in decision.verdict.sentence
    assert [type(action) for action in world.acted[len(before) :]] == [Notify]
    world.shares = {1: 0.95, 2: 0.05}
    world.run(GOOD)
    assert world.record.phase is Phase.PROMOTED


def test_a_candidate_without_a_healthy_task_is_rolled_back_though_nothing_counts_its_requests() -> None:
    world = running(heavy(Canary()))
    world.down = frozenset({1})
    world.look(GOOD)
    assert world.record.phase is Phase.RUNNING
    world.down = frozenset({2})
    verdict = world.look({1: stable_arm(5000)}).verdict
    assert verdict is not None
    assert verdict.sentence == "no task of version 2 is healthy, and other tasks are"
    assert (world.record.phase, world.shares) == (Phase.ROLLED_BACK, {1: 1.0, 2: 0.0})


def test_failures_that_come_and_go_leave_little_in_the_history() -> None:
    world = running(light(Canary(bake_minutes=60)))
    for _ in range(20):
        world.look(BOTH_FAIL)
        world.look(GOOD)
    held = [entry for entry in world.record.history if "held" in entry.what]
    assert len(held) == 40
    assert all(len(entry.evidence) == 1 for entry in held)


def test_an_order_to_roll_back_is_carried_out_whatever_is_live() -> None:
    world = running(heavy(Canary()))
    world.shares = {1: 0.5, 2: 0.5}
    world.record = world.record.with_order(OperatorOrder(action="rollback", by="ada", at=NOW, why="a hunch"))
    decision = world.look(GOOD)
    assert decision.record.history[-1].by == "ada"
    assert SetShares({1: 1.0, 2: 0.0}, {1: 0.5, 2: 0.5}) in decision.actions
    assert world.run().phase is Phase.ROLLED_BACK


def test_an_order_to_promote_prepares_first() -> None:
    world = heavy(Canary(warm_minutes=0))
    world.record = world.record.with_order(OperatorOrder(action="promote", by="ada", at=NOW))
    assert Prepare(2) in world.look().actions
    assert world.run().phase is Phase.PROMOTED
    assert world.shares == {1: 0.0, 2: 1.0}


def test_a_preparation_that_fails_or_never_ends_is_rolled_back() -> None:
    world = heavy(Canary())
    world.look()
    world.readiness[2] = Readiness.FAILED
    world.look()
    assert world.record.phase is Phase.ROLLED_BACK
    world = heavy(Canary())
    world.look(act=False)
    world.look(minutes=31, act=False)
    assert world.record.history[-1].what == "rolled back: not ready after 30 minutes"


def test_a_model_that_starts_slowly_has_that_time_in_addition() -> None:
    world = heavy(Canary())
    world.start_seconds = 1800
    world.look(act=False)
    world.look(minutes=59, act=False)
    assert world.record.phase is Phase.PREPARING
    world.look(minutes=2, act=False)
    assert world.record.history[-1].what == "rolled back: not ready after 60 minutes"


def test_what_was_not_done_is_asked_for_again() -> None:
    """The controller stores the record and dies before it acts, at every look."""
    world = heavy(Canary(share=0.2, bake_minutes=2, warm_minutes=1))
    for number in range(60):
        traffic = GOOD if world.record.phase in {Phase.RUNNING, Phase.BAKING} else None
        world.look(traffic, act=number % 2 == 1)
    assert world.record.settled
    assert world.shares == {1: 0.0, 2: 1.0}
    sent = [entry for action in world.acted if isinstance(action, Notify) for entry in action.entries]
    assert sent == list(world.record.history)


def test_a_step_is_not_left_before_the_traffic_has_moved() -> None:
    world = running(heavy(Linear(step=0.5, step_minutes=1)))
    world.shares = {1: 1.0, 2: 0.0}
    for _ in range(3):
        decision = world.look(GOOD, act=False)
    assert (world.record.step, world.record.phase) == (0, Phase.RUNNING)
    assert decision.verdict is not None
    assert decision.verdict.sentence == "live traffic is not where it should be yet"


def test_asking_again_changes_nothing() -> None:
    world = running(light(Canary()))
    world.look(GOOD)
    evidence = Evidence(Observed({2: Readiness.READY}), reference=world.reference)
    first = decide(world.record, evidence, world.now)
    again = decide(first.record, evidence, world.now)
    assert again.record == first.record == world.record
    assert again.actions == ()


def test_a_window_is_judged_once() -> None:
    world = running(light(Canary(bake_minutes=60)))
    world.look(GOOD)
    judged = world.record
    world.now -= MINUTE
    world.look(GOOD)
    assert world.record.capitals == judged.capitals
    assert world.record.minutes == judged.minutes == 1


def test_a_settled_release_is_left_alone() -> None:
    world = light(AllAtOnce())
    record = world.run()
    assert world.acted.count(SetStable(2)) >= 1
    assert decide(record, Evidence(Observed()), world.now).actions == ()
    assert decide(record, replace(Evidence(Observed()), alarms={"a": True}), world.now).record is record
