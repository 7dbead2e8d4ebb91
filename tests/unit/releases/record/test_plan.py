import pytest

from slipway.config import parse_config
from slipway.config.releases import (
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

EVERY = (AllAtOnce(), BlueGreen(), Canary(), Linear(), Shadow(), AbTest(), Bandit(), Interleave())


@pytest.mark.parametrize("options", EVERY)
def test_every_strategy_has_a_plan_from_preparation_to_end(options: Options) -> None:
    steps = plan(options, JudgeConfig(), stable=1, candidates=(2,))
    assert steps[0].phase is Phase.PREPARING
    assert steps[-1].phase in {Phase.PROMOTED, Phase.FINISHED}
    check_start(options, JudgeConfig(), tier="light", stable=1, candidates=(2,))


def test_the_plan_of_a_canary_says_what_will_happen_and_until_when() -> None:
    steps = plan(Canary(), JudgeConfig(), stable=1, candidates=(2,))
    assert [step.phase for step in steps] == [Phase.PREPARING, Phase.RUNNING, Phase.BAKING, Phase.PROMOTED]
    assert steps[1].what == "5 % to version 2"
    assert steps[1].until.startswith(
        "10 minutes with traffic and 100 requests have passed, and the candidate is proven"
    )
    assert "each arm has 4,103 outcomes" in plan(AbTest(), JudgeConfig(), stable=1, candidates=(2,))[1].until


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


def test_linear_steps_end_before_everything_and_the_last_asks_for_proof() -> None:
    steps = share_steps(Linear(step=0.3))
    assert [step.share for step in steps] == [0.3, 0.6, 0.9]
    assert [step.proof for step in steps] == [False, False, True]
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
        (Canary(bake_minutes=2000), "light", (2,), "the steps take 2,000 minutes, and the deadline is 1440"),
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
