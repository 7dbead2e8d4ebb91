import pytest

from slipway.config import parse_config
from slipway.config.releases.options import (
    AbTest,
    AllAtOnce,
    Bandit,
    BlueGreen,
    Canary,
    Interleave,
    JudgeConfig,
    Linear,
    Options,
    ReleaseConfig,
    Shadow,
)  # fmt: skip
from slipway.errors import ConfigError, InputError
from slipway.releases.record.phases import Phase
from slipway.releases.record.plan import check_start, phases_judged, plan, share_steps
from slipway.releases.record.request import chosen_of

EVERY = (AllAtOnce(), BlueGreen(), Canary(), Linear(), Shadow(), AbTest(), Bandit(), Interleave())


@pytest.mark.parametrize("options", EVERY)
def test_every_strategy_has_a_plan_from_preparation_to_end(options: Options) -> None:
    steps = plan(options, JudgeConfig(), stable=1, candidates=(2,))
    assert steps[0].phase is Phase.PREPARING
    assert steps[-1].phase in {Phase.PROMOTED, Phase.FINISHED}
    check_start(options, JudgeConfig(), tier="light", stable=1, candidates=(2,))


def test_the_plan_of_a_canary_is_a_slope_and_says_what_each_step_waits_for() -> None:
    steps = plan(Canary(), JudgeConfig(), stable=1, candidates=(2,))
    running = [step for step in steps if step.phase is Phase.RUNNING]
    assert [step.phase for step in steps] == [
        Phase.PREPARING,
        *[Phase.RUNNING] * 3,
        Phase.BAKING,
        Phase.PROMOTED,
    ]
    assert [step.what.split(" to ")[0] for step in running] == ["5 %", "25 %", "50 %"]
    assert running[0].what == (
        "5 % to version 2; its latencies do not count in its first minute; back if nothing is counted for a "
        "candidate in 10 minutes, or undecided after 1,440 minutes"
    )
    assert {step.until for step in running} == {
        "10 minutes with traffic and 100 requests have passed, and errors, p50, p99 are proven at this share"
    }
    assert "each arm has 4,103 outcomes, or" in plan(AbTest(), JudgeConfig(), stable=1, candidates=(2,))[1].until
    by_users = plan(AbTest(sticky="user"), JudgeConfig(), stable=1, candidates=(2,))[1].until
    assert "each arm has 4,103 outcomes, as many times over as outcomes of users who are alike need" in by_users


@pytest.mark.parametrize("options", [AbTest(), Bandit(), Interleave(), Linear()])
def test_every_plan_with_a_candidate_beside_the_stable_version_says_what_takes_it_back(options: Options) -> None:
    judge = JudgeConfig(silent_minutes=7, warmup_minutes=0)
    first = next(s for s in plan(options, judge, stable=1, candidates=(2,)) if s.phase is Phase.RUNNING)
    assert "; back if nothing is counted for a candidate in 7 minutes" in first.what
    assert "do not count" not in first.what


def test_the_plan_of_a_flip_asks_for_proof_in_the_bake_and_one_without_a_bake_says_that_it_has_none() -> None:
    baking = plan(BlueGreen(), JudgeConfig(), stable=1, candidates=(2,))[-2]
    assert baking.until == (
        "30 minutes with traffic and 100 requests have passed, and errors, p50, p99 are proven against what version 1 "
        "was before; back to version 1 if that takes 1,470 minutes"
    )
    ends = {
        minutes: plan(AllAtOnce(bake_minutes=minutes), JudgeConfig(), stable=1, candidates=(2,))[-1].what
        for minutes in (0, 5)
    }
    assert ends == {
        0: "the candidate is the stable version, unwatched and unproven",
        5: "the candidate is the stable version",
    }


def test_a_single_share_is_a_single_step() -> None:
    assert [step.share for step in share_steps(Canary(share=0.05))] == [0.05]
    assert [step.share for step in share_steps(Canary(shares=(0.1, 0.9)))] == [0.1, 0.9]
    changes = {"share": "0.2"}
    assert chosen_of(ReleaseConfig(), "canary", changes)[0] == Canary(share=0.2)
    single = ReleaseConfig(canary=Canary(share=0.2))
    assert chosen_of(single, "canary", {"shares": "0.1,0.5"})[0] == Canary(shares=(0.1, 0.5))


@pytest.mark.parametrize(
    ("shares", "says"),
    [("0.5,0.1", "must grow from step to step"), ("0.5,1", "must be less than 1"), ("0.1,much", "must be a number")],
)
def test_shares_that_are_no_slope_are_refused(shares: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        chosen_of(ReleaseConfig(), "canary", {"shares": shares})


@pytest.mark.parametrize(
    ("options", "phases"),
    [
        (Canary(), 2),
        (Canary(warm_minutes=0), 1),
        (BlueGreen(), 1),
        (AbTest(), 1),
        (AbTest(promote_winner=True), 2),
        (Shadow(), 1),
    ],
)
def test_the_error_probability_is_split_over_the_phases_that_are_judged(options: Options, phases: int) -> None:
    assert phases_judged(options) == phases


def test_linear_steps_end_before_everything() -> None:
    assert [step.share for step in share_steps(Linear(step=0.3))] == [0.3, 0.6, 0.9]
    assert [step.share for step in share_steps(Linear(step=0.6))] == [0.6]


@pytest.mark.parametrize(
    ("options", "tier", "candidates", "says"),
    [
        (Canary(), "light", (2, 3), "canary takes one candidate, not 2"),
        (Canary(), "light", (1,), "must be versions other than the stable one, 1"),
        (AbTest(), "heavy", (2, 3), "a heavy model has 2 slots"),
        (Interleave(), "heavy", (2,), "interleaving ranks by both versions in one process"),
        (Bandit(floor=0.4), "light", (2, 3), "3 arms cannot have 0.4"),
        (Canary(share=0.004), "heavy", (2,), "share: 0.004 is less than a heavy model's slots can share by"),
        (Linear(step=0.001, step_minutes=0), "light", (2,), "step: 1000 steps are too many; 0.01 is the least"),
        (Canary(bake_minutes=2000), "light", (2,), "the steps take 6,000 minutes, and the deadline is 1440"),
    ],
)
def test_what_cannot_be_done_is_refused_at_the_start(
    options: Options, tier: str, candidates: tuple[int, ...], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        check_start(options, JudgeConfig(), tier=tier, stable=1, candidates=candidates)


def test_slipway_yaml_sets_the_options_of_each_strategy() -> None:
    config = parse_config(
        "models: {m: {versions: [1, 2], stable: 1, release: {strategy: linear, linear: {step: 0.2},"
        " judge: {errors: {margin: 0.01}, alarms: [checkout]}}}}"
    )
    release = config.models["m"].release
    assert release.options() == Linear(step=0.2)
    assert release.options("all-at-once") == AllAtOnce()
    assert (release.judge.errors.margin, release.judge.alarms) == (0.01, ("checkout",))
    assert ReleaseConfig().options() == Canary()


def test_what_is_wrong_in_slipway_yaml_is_named() -> None:
    with pytest.raises(ConfigError, match=r"models\.m\.release\.canary\.share: must be less than 1"):
        parse_config("models: {m: {versions: [1], stable: 1, release: {canary: {share: 5}}}}")
    with pytest.raises(ConfigError, match=r"must be less than 1"):
        parse_config("models: {m: {versions: [1], stable: 1, release: {ab: {baseline: 0.9, effect: 0.2}}}}")
