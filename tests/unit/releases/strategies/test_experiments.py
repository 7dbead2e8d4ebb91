import numpy as np
import pytest
from support.releases.decisions import NOW, World, arm, light, stable_arm

from slipway.config.releases.options import AbTest, Bandit, Interleave, JudgeConfig, Shadow
from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.sample_size import sample_size
from slipway.releases.strategies.actions import RunShadows
from slipway.releases.strategies.experiments import live_candidates, results

Arms = dict[int, dict[str, Tally]]


def rewarded(*means: float, n: float = 500) -> Arms:
    arms = {1: stable_arm(n)} | {2 + index: arm(n) for index in range(len(means) - 1)}
    return {
        version: {**tallies, "reward": Tally(n, n * mean)}
        for (version, tallies), mean in zip(arms.items(), means, strict=True)
    }


def running(world: World) -> World:
    while world.record.phase is not Phase.RUNNING:
        world.look()
    return world


def test_ab_arms_are_equal_and_a_clear_winner_ends_it_early() -> None:
    world = running(light(AbTest(baseline=0.1, effect=0.02, sticky="user"), arms=2))
    assert world.record.shares == pytest.approx((1 / 3, 1 / 3))
    record = world.run(rewarded(0.10, 0.16, 0.10))
    assert (record.phase, record.winner, record.stable_now) == (Phase.FINISHED, 2, 1)
    assert "ab ended, and version 2 won" in record.history[-1].what
    assert "a difference of +0.0600" in record.history[-1].evidence[0]
    assert "99.5 % interval" in record.history[-1].evidence[0]


def test_ab_without_a_difference_ends_at_its_sample_size_without_a_winner() -> None:
    options = AbTest(baseline=0.1, effect=0.02)
    world = running(light(options))
    record = world.run(rewarded(0.10, 0.101))
    assert (record.phase, record.winner) == (Phase.FINISHED, None)
    size = sample_size(options)
    assert size <= record.total(2, "reward").n < size + 500
    assert "0.1000, a difference of +0.0010" in record.history[-1].evidence[0]


def test_ab_names_the_stable_version_where_it_is_better_and_accuracy_counts_right_labels() -> None:
    world = running(
        light(
            AbTest(metric="accuracy", baseline=0.7, effect=0.05),
            JudgeConfig.model_validate({"accuracy": {"margin": 0.5}}),
        )
    )
    wrong = {1: {**stable_arm(500), "accuracy": Tally(500, 100)}, 2: {**arm(500), "accuracy": Tally(500, 200)}}
    record = world.run(wrong)
    assert record.winner == 1
    assert "accuracy 0.6000 against 0.8000" in record.history[-1].evidence[0]


def test_ab_promotes_the_winner_where_that_is_asked_for() -> None:
    world = running(light(AbTest(promote_winner=True, warm_minutes=1)))
    record = world.run(rewarded(0.10, 0.20))
    assert (record.phase, record.stable_now) == (Phase.PROMOTED, 2)
    assert Phase.BAKING in world.phases


def test_a_winner_is_not_promoted_before_it_is_proven_within_the_margins() -> None:
    """A better reward says nothing about failures: 20 requests with errors would not be seen as worse yet."""
    world = running(light(AbTest(promote_winner=True, warm_minutes=1, max_minutes=60)))
    few = rewarded(0.10, 0.60)
    few[1]["errors"], few[2]["errors"] = Tally(20, 0), Tally(20, 1)
    for _ in range(5):
        verdict = world.look(few).verdict
    assert world.record.phase is Phase.RUNNING
    assert verdict is not None
    assert verdict.sentence.startswith("version 2 won, and is not promoted yet: not proven yet: errors: 5 % of 100")
    world.run(rewarded(0.10, 0.60))
    assert world.record.phase is Phase.PROMOTED
    late = running(light(AbTest(promote_winner=True, max_minutes=5)))
    record = late.run(few)
    assert (record.phase, record.winner, record.stable_now) == (Phase.FINISHED, 2, 1)


def test_an_order_to_promote_one_of_several_takes_none_that_was_dropped() -> None:
    world = running(light(AbTest(), arms=2))
    for _ in range(2):
        world.look({1: stable_arm(1000), 2: arm(1000, errors=0.2), 3: arm(1000)})
    world.record = world.record.with_order(OperatorOrder(action="promote", by="ada", at=NOW))
    assert world.run().stable_now == 3


def test_ab_without_early_looks_waits_for_its_sample_size() -> None:
    options = AbTest(sequential=False)
    world = running(light(options))
    record = world.run(rewarded(0.10, 0.30))
    assert record.winner == 2
    assert record.total(2, "reward").n >= sample_size(options)


def test_an_arm_that_fails_is_dropped_and_the_last_one_rolls_back() -> None:
    world = running(light(AbTest(), arms=2))
    for _ in range(2):
        world.look({1: stable_arm(1000), 2: arm(1000, errors=0.2), 3: arm(1000)})
    assert world.record.shares[0] == 0
    assert live_candidates(world.record) == (3,)
    assert world.record.history[-1].what == "version 2 dropped"
    for _ in range(5):
        world.look({1: stable_arm(1000), 3: arm(1000, errors=0.2)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_a_bandit_moves_the_traffic_keeps_its_floor_and_stops_when_sure() -> None:
    rng, shares = np.random.default_rng(5), []
    world = running(
        light(
            Bandit(update_minutes=1, floor=0.1, confidence=0.999, cycle_minutes=0),
            JudgeConfig.model_validate({"reward": {"margin": 0.5}}),
            arms=2,
        )
    )
    for _ in range(300):
        if world.record.phase is not Phase.RUNNING:
            break
        means, weights = (0.10, 0.13, 0.09), world.record.weights
        counts = {v: int(200 * weights[v]) for v in (1, 2, 3)}
        drawn = {v: Tally(n, int(rng.binomial(n, mean))) for (v, n), mean in zip(counts.items(), means, strict=True)}
        arms = {v: {"errors": Tally(counts[v], 0), "reward": drawn[v]} for v in counts}
        shares.append(weights)
        world.look(arms)
    assert shares[0] == pytest.approx({1: 1 / 3, 2: 1 / 3, 3: 1 / 3})
    assert all(min(each.values()) >= 0.0999 for each in shares)
    assert max(each[2] for each in shares) > 0.75
    assert (world.record.phase, world.record.winner) == (Phase.FINISHED, 2)
    assert results(world.record)[-1].startswith("regret: ")
    assert len(world.record.history) < 10


def test_a_bandit_recomputes_on_schedule_only() -> None:
    world = running(light(Bandit(update_minutes=10, min_rewards=10)))
    seen = []
    for _ in range(20):
        world.look(rewarded(0.1, 0.12, n=30))
        seen.append(world.record.shares)
    assert len(set(seen)) == 2


def test_interleaving_is_decided_by_the_sign_test() -> None:
    world = running(light(Interleave()))
    impressions = {1: stable_arm(500), 2: {**arm(500), "preferred": Tally(100, 60), "ties": Tally(400, 0)}}
    assert world.record.serving.candidates[0].share == 0
    record = world.run(impressions)
    assert (record.phase, record.winner) == (Phase.FINISHED, 2)
    assert "preferred in 60.0 %" in record.history[-1].evidence[0]


def test_interleaving_ends_without_a_winner_after_its_impressions() -> None:
    world = running(light(Interleave(impressions=2000)))
    record = world.run({1: stable_arm(500), 2: {**arm(500), "preferred": Tally(100, 50), "ties": Tally(400, 0)}})
    assert (record.phase, record.winner, record.total(2, "ties").n) == (Phase.FINISHED, None, 1600)


def test_a_shadow_reports_and_touches_no_traffic() -> None:
    world = running(light(Shadow(sample=0.5, minutes=5), arms=2))
    assert RunShadows((2, 3), 0.5) in world.acted
    agreeing, other = (Tally(1000, wrong) for wrong in (50, 500))
    record = world.run(
        {1: stable_arm(1000), 2: {**arm(1000), "agreement": agreeing}, 3: {**arm(1000), "agreement": other}}
    )
    assert (record.phase, record.shares, world.shadows) == (Phase.FINISHED, (0, 0), frozenset())
    report = record.history[-1].evidence
    assert any(
        line.startswith("version 2: disagreement with the stable version: 5 % of 5,000, within") for line in report
    )
    assert any(
        line.startswith("version 3: disagreement with the stable version: 50 % of 5,000, worse") for line in report
    )


def test_a_shadow_of_nothing_says_so() -> None:
    world = running(light(Shadow(minutes=3)))
    assert world.run(None).history[-1].evidence[0] == "no capture was scored by any shadow"


def test_a_bandit_takes_the_alike_outcomes_of_a_user_for_few() -> None:
    """One bucket has the reward of the better arm, and all of it: a winner by outcomes, and none by users."""
    options = Bandit(update_minutes=1, min_rewards=10, confidence=0.99, cycle_minutes=0, delay_minutes=0)
    one, none = (Clusters((50.0,) * BUCKETS, (each, *(5.0,) * (BUCKETS - 1))) for each in (3000.0, 5.0))
    one = Clusters((3000.0, *one.n[1:]), one.total)
    counted = {1: {"reward": none}, 2: {"reward": one}}
    arms = {v: {"reward": Tally(sum(each["reward"].n), sum(each["reward"].total))} for v, each in counted.items()}
    plain, users = running(light(options)), running(light(options))
    for _ in range(3):
        plain.look(arms)
        users.look(arms, clusters=counted)
    assert plain.record.winner == 2
    assert (users.record.winner, users.record.phase) == (None, Phase.RUNNING)
