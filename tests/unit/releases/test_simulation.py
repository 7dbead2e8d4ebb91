from dataclasses import replace

import numpy as np
import pytest

from slipway.errors import NotFoundError
from slipway.release_options import AbTest, Bandit, BlueGreen, Canary, Interleave, JudgeConfig, Linear, Options, Shadow
from slipway.releases.judge import Outcome
from slipway.releases.phases import Phase
from slipway.releases.scenarios import figures, find_scenarios
from slipway.releases.simulation import Scenario, Setting, simulate
from slipway.releases.traffic import Behaviour, Stream, Traffic

SAME = Behaviour()
FAILS = replace(SAME, errors=0.05)
QUICK = Setting(Canary(bake_minutes=3, warm_minutes=1), runs=20, hours=1)


@pytest.mark.parametrize(
    "options", [Canary(bake_minutes=6, warm_minutes=2), Linear(step=0.4, step_minutes=3, warm_minutes=1)]
)
@pytest.mark.parametrize(
    "candidate", [SAME, replace(SAME, errors=0.012), replace(SAME, p99_ms=90)], ids=["same", "errors", "slow"]
)
def test_asking_only_when_something_is_new_decides_as_asking_every_time(options: Options, candidate: Behaviour) -> None:
    traffic = Traffic(rps=10, outage=(2, 4))
    setting = Setting(options, JudgeConfig(deadline_minutes=30), runs=6, hours=0.6, seed=4)
    lazy, eager = (
        simulate(Scenario("x", (candidate,), traffic=traffic), replace(setting, asked_every_time=every))
        for every in (False, True)
    )
    for one, other in zip(lazy, eager, strict=True):
        assert (one.outcome, one.minutes, one.harmed, one.total) == (
            other.outcome,
            other.minutes,
            other.harmed,
            other.total,
        )
        assert [entry.what for entry in one.record.history] == [entry.what for entry in other.record.history]
        assert one.record.phase is other.record.phase


def test_a_candidate_that_fails_is_rolled_back_within_two_minutes_of_the_evidence() -> None:
    found = simulate(Scenario("bad", (FAILS,)), replace(QUICK, runs=60))
    assert all(run.outcome is Outcome.ROLLBACK for run in found)
    assert np.mean([run.minutes <= 3 for run in found]) >= 0.98
    assert sum(run.harmed for run in found) / sum(run.total for run in found) < 0.003


def test_one_that_fails_everything_is_rolled_back_at_the_first_look() -> None:
    found = simulate(Scenario("broken", (replace(SAME, errors=1.0),)), QUICK)
    assert {run.minutes for run in found} == {2.0}
    assert all(run.harmed / run.total < 0.06 for run in found)


def test_an_identical_candidate_is_promoted_also_through_an_outage() -> None:
    found = simulate(Scenario("same", (SAME,), traffic=Traffic(outage=(2, 6))), QUICK)
    assert {run.record.phase for run in found} == {Phase.PROMOTED}


def test_late_labels_find_a_less_accurate_candidate() -> None:
    setting = Setting(
        Linear(step=0.5, step_minutes=2000), JudgeConfig(deadline_minutes=5000), runs=5, hours=20, look_minutes=10
    )
    traffic = Traffic(feedback=0.1, feedback_minutes=200)
    found = simulate(Scenario("wrong", (replace(SAME, wrong=0.4),), traffic=traffic), setting)
    assert {run.record.phase for run in found} == {Phase.ROLLED_BACK}
    assert "wrong labels" in found[0].record.history[-1].evidence[0]
    assert min(run.minutes for run in found) > 10


def test_a_slow_candidate_fails_a_flip_too() -> None:
    found = simulate(Scenario("slow", (SAME.slower(3),)), replace(QUICK, options=BlueGreen()))
    assert {run.outcome for run in found} == {Outcome.ROLLBACK}


def test_traffic_that_stops_ends_inconclusive() -> None:
    setting = replace(QUICK, judge=JudgeConfig(deadline_minutes=40), runs=3)
    found = simulate(Scenario("stops", (SAME,), traffic=Traffic(stops=2)), setting)
    assert {run.outcome for run in found} == {Outcome.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("options", "candidates"),
    [
        (AbTest(baseline=0.1, effect=0.03), (replace(SAME, reward=0.16),)),
        (Bandit(update_minutes=10), (replace(SAME, reward=0.16), replace(SAME, reward=0.07))),
        (Interleave(), (replace(SAME, preferred=0.6),)),
    ],
)
def test_experiments_find_the_better_version(options: Options, candidates: tuple[Behaviour, ...]) -> None:
    scenario = Scenario("better", candidates, traffic=Traffic(rps=5, reward_minutes=20))
    judge = JudgeConfig.model_validate({"reward": {"margin": 0.5}})
    found = simulate(scenario, Setting(options, judge, runs=3, hours=20, look_minutes=10, lag_minutes=0))
    assert {run.record.winner for run in found} == {2}


def test_a_shadow_harms_nobody() -> None:
    scenario = Scenario("shadow", (FAILS,), traffic=Traffic(rps=5))
    found = simulate(scenario, Setting(Shadow(minutes=5), runs=3, hours=1))
    assert {run.record.phase for run in found} == {Phase.FINISHED}


def test_the_same_seed_gives_the_same_figures() -> None:
    named = find_scenarios(["errors"], Traffic())[0]
    first, again = (figures(named, simulate(named.scenario, QUICK)) for _ in range(2))
    assert first == again
    assert (first.rolled_back, first.promoted, first.runs, first.harmful) == (1.0, 0.0, 20, True)
    with pytest.raises(NotFoundError, match="no scenario 'nothing'; there is identical"):
        find_scenarios(["nothing"], Traffic())


def test_streams_draw_what_they_say() -> None:
    rng, traffic = np.random.default_rng(0), Traffic(rps=1000, daily=0.5, feedback=0.5, feedback_minutes=1)
    assert (SAME.over(20), SAME.over(60)) == (pytest.approx(0.5), pytest.approx(0.01))
    stream = Stream(SAME, traffic, {"p50": 20, "p99": 60}, runs=4)
    sums: dict[str, np.ndarray] = {}
    for minute in range(10):
        for key, pair in stream.draw(rng, np.full(4, 0.5), minute, 1).items():
            sums[key] = sums.get(key, 0) + np.array(pair).sum(axis=1)
    for key, mean in (
        ("errors", 0.001),
        ("p50", 0.5),
        ("p99", 0.01),
        ("label:neutral", 0.4),
        ("accuracy", 0.25),
        ("reward", 0.1),
    ):
        assert sums[key][1] / sums[key][0] == pytest.approx(mean, rel=0.1)
    assert sums["accuracy"][0] / sums["errors"][0] == pytest.approx(0.45, abs=0.03)
    assert traffic.expected(359.5, 1) == pytest.approx(90_000, rel=1e-3)
