"""A candidate for which nothing is counted, and requests that are not shared as intended."""

import numpy as np
import pytest
from support.releases.decisions import MINUTE, World, arm, heavy, light, running, stable_arm

from slipway.cli.release.report import record_table
from slipway.config import parse_config
from slipway.config.releases.options import AbTest, Bandit, Canary, Interleave, JudgeConfig, Options, Shadow
from slipway.releases.evidence.tallies import Clusters, Evidence, Observed, Tally, Window
from slipway.releases.record.phases import Phase
from slipway.releases.record.request import ReleaseRequest, start_record
from slipway.releases.routing.buckets import BUCKETS
from slipway.releases.statistics.judge import Outcome
from slipway.releases.strategies.actions import Action, SetShares
from slipway.releases.strategies.decide import decide

SLOW = JudgeConfig(deadline_minutes=2000)


def shared(world: World, requests: float, *, candidate: float | None = None) -> dict[int, dict[str, Tally]]:
    """A minute of requests, of which the candidate has its share or another one."""
    share = world.record.shares[0] if candidate is None else candidate
    return {1: stable_arm(requests * (1 - share)), 2: arm(requests * share)}


def test_a_candidate_whose_metrics_never_arrive_is_rolled_back_with_a_sentence() -> None:
    world = running(light(Canary(share=0.05), watched=True))
    looks = 0
    while world.record.phase is Phase.RUNNING:
        decision = world.look({1: stable_arm(5700)})
        looks += 1
    assert world.record.phase is Phase.ROLLED_BACK
    assert looks == 11  # the first window is from before every process knew of the release
    assert decision.verdict is not None
    assert decision.verdict.sentence == (
        "no request of version 2 was counted in 10 minutes, in which version 1 had 57,000: requests or metrics of "
        "version 2 do not arrive"
    )
    assert world.record.history[-1].evidence[0] == decision.verdict.sentence


@pytest.mark.parametrize("minutes", [3, 25])
def test_the_minutes_are_those_of_the_judge(minutes: float) -> None:
    world = running(light(Canary(), JudgeConfig(silent_minutes=minutes), watched=True))
    looks = 0
    while world.record.phase is Phase.RUNNING:
        world.look({1: stable_arm(5700)})
        looks += 1
    assert looks == minutes + 1


def test_little_traffic_and_traffic_that_stops_are_no_silence() -> None:
    world = running(light(Canary(share=0.05), SLOW, watched=True))
    for _ in range(60):
        world.look({1: stable_arm(1)})
    for _ in range(60):
        world.look({})
    for _ in range(30):
        world.look({1: stable_arm(100), 2: arm(5)})
    assert world.record.phase is Phase.RUNNING


def test_a_silence_that_begins_later_is_one_too_and_an_answer_ends_it() -> None:
    world = running(light(Canary(share=0.05, bake_minutes=600), SLOW, watched=True))
    for _ in range(20):
        world.look(shared(world, 6000))
    for _ in range(9):
        world.look({1: stable_arm(5700)})
    world.look(shared(world, 6000))
    for _ in range(9):
        world.look({1: stable_arm(5700)})
    assert world.record.phase is Phase.RUNNING
    world.look({1: stable_arm(5700)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_traffic_that_has_not_moved_yet_is_no_silence() -> None:
    """The load balancer does not take the weights for half an hour."""
    world = heavy(Canary(share=0.05), SLOW, watched=True)

    def stuck(action: Action) -> None:
        if not isinstance(action, SetShares):
            World.carry_out(world, action)

    world.carry_out = stuck  # type: ignore[method-assign]
    running(world)
    for _ in range(30):
        world.look({1: stable_arm(6000)})
    assert world.record.phase is Phase.RUNNING
    world.shares = {1: 0.95, 2: 0.05}
    for _ in range(10):
        world.look({1: stable_arm(6000)})
    assert world.record.phase is Phase.RUNNING
    world.look({1: stable_arm(6000)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_windows_under_the_weights_of_somebody_else_are_not_compared() -> None:
    world = running(heavy(Canary(share=0.05, bake_minutes=600), SLOW, watched=True))
    for _ in range(5):
        world.look(shared(world, 6000))
    start = world.now
    world.shares = {1: 0.5, 2: 0.5}
    for _ in range(5):
        world.look(act=False)
    world.shares = {1: 0.95, 2: 0.05}
    foreign = tuple(
        Window(start + n * MINUTE, start + (n + 1) * MINUTE, shared(world, 6000, candidate=0.5)) for n in range(6)
    )
    observed = Observed(dict(world.readiness), world.shares)
    decision = decide(world.record, Evidence(observed, foreign, world.reference), world.now + MINUTE)
    assert not decision.record.mismatched
    assert decision.record.traffic == world.record.traffic


@pytest.mark.parametrize("arms", [2, 3])
def test_a_silent_arm_is_dropped_from_an_experiment_and_the_last_one_ends_it(arms: int) -> None:
    world = running(light(AbTest(max_minutes=600), arms=arms, watched=True))
    equal = 6000 / (arms + 1)
    for _ in range(11):
        world.look({1: stable_arm(equal), **{2 + n: arm(equal) for n in range(1, arms)}})
    assert world.record.shares[0] == 0
    assert world.record.history[-1].what == "version 2 dropped"
    assert "no request of version 2 was counted" in world.record.history[-1].evidence[0]
    for _ in range(20):
        n = {version: 6000 * share for version, share in world.record.weights.items()}
        world.look({1: stable_arm(n[1]), **{version: arm(n[version]) for version in world.record.candidates[1:]}})
    assert world.record.phase is Phase.RUNNING
    while world.record.phase is Phase.RUNNING:
        world.look({1: stable_arm(equal)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_an_interleaving_misses_its_candidate_too() -> None:
    world = running(light(Interleave(), watched=True))
    for _ in range(11):
        world.look({1: stable_arm(500)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_a_canary_whose_requests_are_not_shared_as_intended_is_held_and_says_both_shares() -> None:
    world = running(light(Canary(share=0.05, bake_minutes=3), watched=True))
    for _ in range(10):
        verdict = world.look(shared(world, 6000, candidate=0.03)).verdict
    assert (world.record.phase, world.record.step) == (Phase.RUNNING, 0)
    assert verdict is not None
    assert verdict.held
    assert verdict.sentence.startswith(
        "hold: the requests are not shared as intended: version 2 has 3 % of 54,000 and should have 5 %, at odds of"
    )
    assert [entry.what for entry in world.record.history[-1:]] == ["held: the shares are not as intended"]
    assert "version 2 has 3 % of 54,000 and should have 5 %" in str(record_table(world.record).caption)
    world.look({1: stable_arm(5820), 2: arm(180, errors=1.0)})
    assert world.record.phase is Phase.ROLLED_BACK


def test_a_hold_for_the_shares_ends_with_the_reason() -> None:
    world = running(light(Canary(share=0.5, bake_minutes=2), SLOW, watched=True))
    for _ in range(2):
        world.look(shared(world, 2000, candidate=0.4))
    assert world.record.mismatched
    while world.record.phase is Phase.RUNNING:
        world.look(shared(world, 2000))
    assert world.record.phase is Phase.BAKING
    assert "the shares are as intended again" in [entry.what for entry in world.record.history]


def test_a_mismatch_that_stays_goes_back_at_the_deadline() -> None:
    world = running(light(Canary(share=0.05), JudgeConfig(deadline_minutes=60), watched=True))
    while world.record.phase is Phase.RUNNING:
        verdict = world.look(shared(world, 6000, candidate=0.03)).verdict
    assert verdict is not None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "version 2 has 3 % of" in verdict.sentence


@pytest.mark.parametrize("options", [AbTest(), Bandit(update_minutes=600)])
def test_an_experiment_whose_requests_are_not_shared_as_intended_ends_without_a_winner(options: Options) -> None:
    """60 to 40 instead of 50 to 50, and the candidate looks better by far."""
    world = running(light(options, watched=True))
    rewards = {1: Tally(2, 0), 2: Tally(3, 3)}
    arms = {v: {**each, "reward": rewards[v]} for v, each in shared(world, 1000, candidate=0.6).items()}
    while world.record.phase is Phase.RUNNING:
        verdict = world.look(arms).verdict
    assert (world.record.phase, world.record.winner, world.record.stable_now) == (Phase.FINISHED, None, 1)
    assert verdict is not None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "version 2 has 60 % of" in verdict.sentence
    assert "and should have 50 %" in verdict.sentence
    assert world.record.history[-1].what.endswith("ended without a winner: the arms are not comparable")


def by_bucket(n: np.ndarray) -> dict[str, Clusters]:
    return {"errors": Clusters(tuple(map(float, n)), (0.0,) * BUCKETS)}


def users_minutes(world: World, *, bot: float, loss: float, looks: int) -> None:
    """Minutes of users that are assigned as a whole; one may be a bot, and the candidate may lose requests."""
    rng = np.random.default_rng(5)
    weights = np.concatenate([np.full(20_000, 0.3 * (1 - bot)), [6000 * bot]])
    bucket, candidate = rng.integers(0, BUCKETS, len(weights)), rng.random(len(weights)) < 0.5
    candidate[-1] = True
    for _ in range(looks):
        n = rng.poisson(weights)
        n = np.where(candidate, rng.binomial(n, 1 - loss), n)
        theirs, ours = (np.bincount(bucket, n * side, BUCKETS) for side in (~candidate, candidate))
        arms = {1: stable_arm(float(theirs.sum())), 2: arm(float(ours.sum()))}
        world.look(arms, clusters={1: by_bucket(theirs), 2: by_bucket(ours)})


def test_a_user_with_a_third_of_the_requests_is_no_mismatch_where_users_are_assigned_as_a_whole() -> None:
    world = running(light(AbTest(sticky="user"), SLOW, watched=True))
    users_minutes(world, bot=0.3, loss=0.0, looks=60)
    assert (world.record.phase, world.record.mismatched) == (Phase.RUNNING, False)
    counts = world.record.traffic
    assert counts is not None
    assert counts.share_counts.seen[1] / counts.share_counts.seen.sum() > 0.6


def test_requests_that_are_lost_of_many_users_are_a_mismatch() -> None:
    world = running(light(AbTest(sticky="user"), SLOW, watched=True))
    users_minutes(world, bot=0.0, loss=0.2, looks=60)
    assert world.record.phase is Phase.FINISHED
    assert world.record.history[-1].evidence[0].startswith("the requests are not shared as intended: version 2 has 44")


def test_without_buckets_nothing_is_said_of_users() -> None:
    world = running(light(AbTest(sticky="user"), SLOW, watched=True))
    for _ in range(60):
        world.look(shared(world, 6000, candidate=0.7))
    assert world.record.phase is Phase.RUNNING
    for _ in range(60):
        world.look({1: stable_arm(6000)})
    assert world.record.phase is Phase.RUNNING


def test_the_shares_are_those_of_the_load_balancer() -> None:
    """Weights are integers: a share of 0.05 is 50 of 999."""
    world = running(heavy(Canary(share=0.05, bake_minutes=600), SLOW, watched=True))
    world.shares = {1: 949 / 999, 2: 50 / 999}
    for _ in range(300):
        world.look(shared(world, 600_000, candidate=50 / 999))
    assert not world.record.mismatched
    assert world.record.traffic is not None
    assert world.record.traffic.counts[0] == pytest.approx((949 / 999, 50 / 999))


def test_a_bandit_is_compared_with_the_weights_of_each_minute() -> None:
    world = running(light(Bandit(update_minutes=5, min_rewards=10, confidence=0.9999), SLOW, watched=True))
    rng, seen = np.random.default_rng(2), set()
    for _ in range(60):
        share = world.record.shares[0]
        seen.add(round(share, 2))
        ours = float(rng.binomial(2000, share))
        arms = {1: stable_arm(2000 - ours), 2: arm(ours)}
        arms[1]["reward"], arms[2]["reward"] = Tally(10, 2), Tally(10, 2 + len(seen) % 2)
        world.look(arms)
    assert world.record.phase is Phase.RUNNING
    assert len(seen) > 2
    assert world.record.traffic is not None
    assert float(world.record.traffic.share_counts.evidence) < 2


def test_answers_from_a_cache_are_counted_for_no_version_so_the_shares_say_nothing() -> None:
    text = "models: {m: {versions: [1, 2], stable: 1, tier: TIER, cache: {enabled: true}}}"
    cached = {}
    for tier in ("light", "heavy"):
        request = ReleaseRequest("m", (2,), "canary", {}, "ada")
        config = parse_config(text.replace("TIER", tier))
        record = start_record(config, request, stable=1, labels=(), fields=lambda _: (), now=light(Canary()).now)
        cached[tier] = record.cached
    assert cached == {"light": True, "heavy": False}
    world = running(light(Canary(), SLOW, watched=False))
    for _ in range(30):
        world.look({1: stable_arm(6000)})
    assert (world.record.phase, world.record.traffic) == (Phase.RUNNING, None)


def test_a_shadow_that_scores_nothing_is_reported() -> None:
    world = running(light(Shadow(minutes=3), arms=2, watched=True))
    arms = {1: stable_arm(1000), 2: {**arm(1000), "agreement": Tally(1000, 50)}}
    verdict = world.look(arms).verdict
    assert verdict is not None
    assert verdict.sentence.endswith(" UTC; version 3: it has scored nothing")
    record = world.run(arms)
    assert record.phase is Phase.FINISHED
    assert record.history[-1].evidence[-1] == "version 3: it has scored nothing"
