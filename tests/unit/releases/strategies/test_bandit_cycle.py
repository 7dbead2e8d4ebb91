"""When a bandit may name a winner."""

from datetime import timedelta

import pytest
from pydantic import ValidationError
from support.releases.decisions import World, arm, light, stable_arm

from slipway.config.releases.options import Bandit, JudgeConfig
from slipway.releases.evidence.tallies import Tally
from slipway.releases.record.phases import Phase

JUDGE = JudgeConfig.model_validate({"reward": {"margin": 0.5}})
CLEAR = {1: {**stable_arm(200), "reward": Tally(200, 20)}, 2: {**arm(200), "reward": Tally(200, 60)}}


def running(**options: float) -> World:
    world = light(Bandit.model_validate({"update_minutes": 1, **options}), JUDGE)
    while world.record.phase is not Phase.RUNNING:
        world.look()
    return world


def test_a_winner_waits_until_the_rewards_of_a_whole_cycle_count() -> None:
    world = running(delay_minutes=5, cycle_minutes=60)
    since = world.record.running_since
    assert since is not None
    while world.record.phase is Phase.RUNNING:
        world.look(CLEAR)
    assert timedelta(minutes=65) <= world.now - since <= timedelta(minutes=66)
    assert world.record.winner == 2
    assert not any("no winner before" in line for line in world.record.history[-1].evidence)


def test_what_a_winner_waits_for_is_said() -> None:
    world = running()
    verdicts = [world.look(CLEAR).verdict for _ in range(5)]
    assert verdicts[-1] is not None
    assert "no winner before" in verdicts[-1].sentence
    assert world.record.shares == pytest.approx((0.95,), abs=0.001)


@pytest.mark.parametrize("options", [{"max_minutes": 600}, {"delay_minutes": 100, "max_minutes": 1500}])
def test_a_cycle_fits_into_the_time_of_the_bandit(options: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="`cycle_minutes: 0` names a winner"):
        Bandit.model_validate(options)
    assert Bandit.model_validate({**options, "cycle_minutes": 0}).cycle_minutes == 0
