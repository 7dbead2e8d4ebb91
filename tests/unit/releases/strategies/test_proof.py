"""No strategy that watches promotes without proof, and each step asks for its own."""

import pytest
from support.releases.decisions import (
    ALONE,
    GOOD,
    MINUTE,
    arm,
    heavy,
    light,
    running,
    stable_arm,
)

from slipway.config.releases.options import AbTest, AllAtOnce, BlueGreen, Canary, JudgeConfig, Linear, Options
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness, Reference, Tally, Window
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.statistics.judge import Outcome
from slipway.releases.strategies.decide import decide

QUIET = Reference(20.0, 60.0, {"errors": Tally(180, 0)})
"""What is known of a version with 60 requests an hour."""


@pytest.mark.parametrize("options", [BlueGreen(), AllAtOnce(bake_minutes=30)])
def test_a_flip_that_fails_17_of_100_is_never_promoted_at_60_requests_an_hour(options: Options) -> None:
    world = light(options, JudgeConfig(deadline_minutes=240))
    world.reference = QUIET
    running(world)
    minute = 0
    while not world.record.phase.ended:
        failed = minute % 6 == 3
        world.look({2: {"errors": Tally(1, failed), "p50": Tally(1, 0), "p99": Tally(1, 0)}})
        minute += 1
    assert world.record.phase is Phase.ROLLED_BACK


@pytest.mark.parametrize("options", [BlueGreen(bake_minutes=5), AllAtOnce(bake_minutes=5)])
def test_a_flip_that_is_not_proven_goes_back_at_the_deadline(options: Options) -> None:
    """Nothing is worse, but so little is seen that nothing is proven either."""
    world = running(light(options, JudgeConfig(deadline_minutes=60, min_requests=10)))
    decision = world.look({2: arm(2, errors=0)})
    while not world.record.phase.ended:
        decision = world.look({2: arm(2, errors=0)})
    assert decision.verdict is not None
    assert decision.verdict.outcome is Outcome.INCONCLUSIVE
    assert decision.verdict.sentence.startswith("inconclusive after 65 minutes: not proven yet: errors")
    assert world.now == world.record.phase_since
    assert world.record.stable_now == 1


def test_a_flip_is_promoted_once_it_is_proven_and_says_so() -> None:
    world = running(light(BlueGreen(bake_minutes=5)))
    for _ in range(4):
        decision = world.look(ALONE)
        assert world.record.phase is Phase.BAKING
    assert decision.verdict is not None
    assert decision.verdict.sentence.startswith("4 of 5 minutes of the bake; nothing is worse, and proven")
    world.look(ALONE)
    assert world.record.phase is Phase.PROMOTED
    assert world.record.history[-1].evidence[0] == (
        "nothing is worse, and proven within the margins: errors, p50, p99, after 5 minutes"
    )


def test_a_flip_whose_latencies_have_no_past_says_that_only_an_order_promotes_it() -> None:
    world = light(BlueGreen(bake_minutes=2))
    world.reference = Reference(tallies={"errors": Tally(60, 0)})
    running(world)
    for _ in range(5):
        verdict = world.look({2: {"errors": Tally(6000, 0)}}).verdict
    assert world.record.phase is Phase.BAKING
    assert verdict is not None
    assert verdict.sentence.endswith(
        "version 1 had too few requests before for limits of p50 and p99, so only an order can promote"
    )
    world.record = world.record.with_order(OperatorOrder(action="promote", by="ada", at=world.now))
    world.look(ALONE)
    assert world.record.phase is Phase.PROMOTED


def test_a_flip_by_order_is_only_watched() -> None:
    world = heavy(BlueGreen(bake_minutes=3))
    world.reference = None
    world.record = world.record.with_order(OperatorOrder(action="promote", by="ada", at=world.now))
    while world.record.phase is not Phase.BAKING:
        world.look()
    for _ in range(3):
        world.look({2: {"errors": Tally(1, 0)}})
    assert world.record.phase is Phase.PROMOTED


def test_the_default_canary_is_a_slope() -> None:
    world = running(light(Canary(bake_minutes=2, warm_minutes=1)))
    shares = [world.record.shares[0]]
    while world.record.phase is Phase.RUNNING:
        world.look(GOOD)
        shares.append(world.record.shares[0])
    assert list(dict.fromkeys(shares)) == [0.05, 0.25, 0.5, 1.0]
    assert world.run(ALONE).phase is Phase.PROMOTED


@pytest.mark.parametrize("options", [Canary(bake_minutes=2), Linear(step=0.25, step_minutes=2)])
def test_each_step_proves_the_candidate_anew(options: Options) -> None:
    """It was fine at the first share. Then so little comes that nothing is known of it at the second."""
    world = running(light(options, JudgeConfig(min_requests=10)))
    while world.record.step == 0:
        world.look(GOOD)
    few = {1: stable_arm(50), 2: arm(10, errors=0)}
    for _ in range(20):
        decision = world.look(few)
    assert (world.record.phase, world.record.step) == (Phase.RUNNING, 1)
    assert decision.verdict is not None
    assert decision.verdict.sentence.startswith("not proven yet: errors")
    for _ in range(3):
        world.look(GOOD)
    assert world.record.step == 2


def test_a_candidate_that_fails_from_a_larger_share_on_does_not_get_everything() -> None:
    world = running(light(Canary()))
    while world.record.step < 1:
        world.look(GOOD)
    assert world.record.shares == (0.25,)
    world.look({1: stable_arm(4500), 2: arm(1500, errors=1.0)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_windows_from_before_a_step_count_for_the_judge_and_not_for_the_step() -> None:
    """Metrics are a minute late, so a step's first look is at traffic that had the share before."""
    world = running(light(Canary(bake_minutes=0), JudgeConfig(min_requests=1)))
    while world.record.step == 0:
        world.look(GOOD)
    since = world.now
    late = Window(since - MINUTE / 2, since, GOOD)
    record = world.record.model_copy(update={"judged_until": since - MINUTE / 2})
    evidence = Evidence(Observed({2: Readiness.READY}), (late,), world.reference)
    decision = decide(record, evidence, since + MINUTE)
    assert (decision.record.step, decision.record.minutes, decision.record.requests) == (1, 0, 0)
    favour = {bet for row in decision.record.capitals[0].favour for bet in row}
    assert favour == {0.0}
    assert decision.record.capitals[0].against != record.capitals[0].against


def test_the_least_number_of_requests_is_of_requests_in_the_step_and_not_of_labels() -> None:
    """One request may have a hundred records, each of which has a label."""
    judge = JudgeConfig(min_requests=1000)
    world = running(light(Canary(share=0.05, bake_minutes=1), judge))
    many = {1: stable_arm(50_000), 2: arm(10_000)}
    for tallies in many.values():
        tallies |= {key: Tally(tallies[key].n / 100, tallies[key].total / 100) for key in ("errors", "p50", "p99")}
    for minute in range(1, 10):
        verdict = world.look(many).verdict
        assert verdict is not None
        assert verdict.sentence == (
            f"too little traffic yet: {100 * minute} requests to the candidate in this step, of 1,000"
        )
    arms = running(light(AbTest(promote_winner=True), judge, arms=2))
    two = {1: many[1], 2: many[2], 3: many[2]}
    verdicts = arms.look(two).verdicts
    assert {verdict.sentence for verdict in verdicts.values()} >= {
        "too little traffic yet: 100 requests to the candidate, of 1,000 at least"
    }


def test_a_step_without_a_bake_still_waits_for_its_own_traffic() -> None:
    world = running(heavy(Canary(bake_minutes=0)))
    world.look({1: stable_arm(50_000)})
    assert (world.record.phase, world.record.step) == (Phase.RUNNING, 0)
