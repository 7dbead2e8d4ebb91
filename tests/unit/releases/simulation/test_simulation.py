from dataclasses import replace

import pytest

from slipway.config.releases.options import (
    AbTest,
    Bandit,
    BlueGreen,
    Canary,
    Interleave,
    JudgeConfig,
    Linear,
    Options,
    Shadow,
)
from slipway.errors import NotFoundError
from slipway.releases.record.phases import Phase
from slipway.releases.simulation.catalogue import find_scenarios
from slipway.releases.simulation.experiment_scenarios import best_of, stable_of
from slipway.releases.simulation.figures import ExperimentFigures, ShadowFigures, figures_of
from slipway.releases.simulation.runs import Setting, simulate
from slipway.releases.simulation.scenarios import Scenario
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Bursts, Noise, Traffic
from slipway.releases.statistics.judge import Outcome

SAME = Behaviour()
FAILS = replace(SAME, errors=0.05)
NOISY = Noise(Bursts(a_day=200), dispersion=2, latency=0.2, cold_start=(3, 10))
QUICK = Setting(Canary(bake_minutes=3, warm_minutes=1), runs=20, hours=1)


@pytest.mark.parametrize(
    "options", [Canary(bake_minutes=6, warm_minutes=2), Linear(step=0.4, step_minutes=3, warm_minutes=1)]
)
@pytest.mark.parametrize(
    ("candidate", "noise", "alternate"),
    [
        (SAME, Noise(), False),
        (SAME, NOISY, False),
        (SAME, NOISY, True),
        (replace(SAME, errors=0.012), Noise(), False),
        (replace(SAME, p99_ms=90), NOISY, False),
    ],
)
def test_asking_only_when_something_is_new_decides_as_asking_every_time(
    options: Options, candidate: Behaviour, noise: Noise, alternate: bool
) -> None:
    traffic = Traffic(rps=10, outage=(2, 4), noise=noise, alternate=alternate)
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


def test_a_candidate_that_fails_is_rolled_back_within_three_minutes_of_the_evidence() -> None:
    found = simulate(Scenario("bad", (FAILS,)), replace(QUICK, runs=60))
    assert all(run.outcome is Outcome.ROLLBACK for run in found)
    assert max(run.minutes for run in found) <= 5
    assert sum(run.harmed for run in found) / sum(run.total for run in found) < 0.003


def test_one_that_fails_everything_is_rolled_back_at_the_first_look() -> None:
    found = simulate(Scenario("broken", (replace(SAME, errors=1.0),)), QUICK)
    assert {run.minutes for run in found} == {2.0}
    assert all(run.harmed / run.total < 0.06 for run in found)


def test_an_identical_candidate_is_promoted_also_through_an_outage() -> None:
    found = simulate(Scenario("same", (SAME,), traffic=Traffic(outage=(2, 6))), QUICK)
    assert {run.record.phase for run in found} == {Phase.PROMOTED}


@pytest.mark.parametrize("options", [Canary(), Shadow(minutes=3), AbTest(), Bandit(), Interleave()])
def test_every_scenario_of_a_strategy_runs(options: Options) -> None:
    for named in find_scenarios([], options, Traffic(rps=2)):
        chosen, judge = named.setting(options, JudgeConfig())
        runs = simulate(named.scenario, Setting(chosen, judge, runs=2, hours=0.1))
        assert figures_of(named, runs, chosen).document()["name"] == named.scenario.name
        assert min(run.total for run in runs) > 0


def test_a_candidate_whose_metrics_never_arrive_gets_traffic_and_is_never_promoted() -> None:
    named = find_scenarios(["silent"], Canary(), Traffic(rps=10))[0]
    found = simulate(named.scenario, QUICK)
    assert min(run.served for run in found) > 100
    assert not {Phase.PROMOTED, Phase.BAKING} & {run.record.phase for run in found}
    assert {run.record.total(2, "errors").n for run in found} == {0}


def test_a_description_follows_the_stable_version() -> None:
    stable = replace(SAME, errors=0.01, p50_ms=200, p99_ms=900)
    named = {each.scenario.name: each for each in find_scenarios([], Canary(), Traffic(), stable=stable)}
    assert named["errors"].what == "fails 5.9 %, stable 1 %"
    assert named["slow"].scenario.candidates[0].p99_ms == 1800
    assert {each.scenario.stable.errors for each in named.values()} == {0.01}


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
        (Bandit(update_minutes=10, cycle_minutes=0), (replace(SAME, reward=0.16), replace(SAME, reward=0.07))),
        (Interleave(), (replace(SAME, preferred=0.6),)),
    ],
)
def test_experiments_find_the_better_version(options: Options, candidates: tuple[Behaviour, ...]) -> None:
    scenario = Scenario("better", candidates, traffic=Traffic(rps=5, reward_minutes=20))
    judge = JudgeConfig.model_validate({"reward": {"margin": 0.5}})
    setting = Setting(options, judge, runs=3, hours=20, look_minutes=10, lag_minutes=0, seed=1)
    found = simulate(scenario, setting)
    assert {run.record.winner for run in found} == {2}


def test_a_shadow_harms_nobody() -> None:
    scenario = Scenario("shadow", (FAILS,), traffic=Traffic(rps=5))
    found = simulate(scenario, Setting(Shadow(minutes=5), runs=3, hours=1))
    assert {run.record.phase for run in found} == {Phase.FINISHED}


def test_the_same_seed_gives_the_same_figures() -> None:
    named = find_scenarios(["errors"], Canary(), Traffic())[0]
    first, again = (figures_of(named, simulate(named.scenario, QUICK), Canary()).document() for _ in range(2))
    assert first == again
    assert (first["rolled_back"], first["promoted"], first["runs"]) == (1.0, 0.0, 20)
    with pytest.raises(NotFoundError, match="no scenario of canary 'nothing'; there is identical"):
        find_scenarios(["nothing"], Canary(), Traffic())


@pytest.mark.parametrize("name", ["one-value", "shifted"])
def test_a_regression_whose_values_shift_is_rolled_back(name: str) -> None:
    named = find_scenarios([name], Canary(), Traffic())[0]
    found = simulate(named.scenario, QUICK)
    assert {run.outcome for run in found} == {Outcome.ROLLBACK}
    assert "values" in found[0].record.history[-1].evidence[0]
    good = simulate(replace(named.scenario, candidates=(named.scenario.stable,)), QUICK)
    assert {run.record.phase for run in good} == {Phase.PROMOTED}


@pytest.mark.parametrize(
    ("options", "name", "arms"),
    [
        (AbTest(baseline=0.1, effect=0.05), "better", 2),
        (AbTest(baseline=0.1, effect=0.05, promote_winner=True, warm_minutes=2), "better", 3),
        (AbTest(metric="accuracy", baseline=0.7, effect=0.1), "late", 2),
        (AbTest(baseline=0.1, effect=0.05), "errors", 3),
        (Bandit(update_minutes=5, delay_minutes=20, min_rewards=20, cycle_minutes=0), "late", 3),
        (Bandit(update_minutes=5, delay_minutes=5, min_rewards=20, cycle_minutes=60), "better", 2),
        (Bandit(update_minutes=5, delay_minutes=5, min_rewards=20), "errors", 2),
        (Interleave(impressions=2000), "better", 2),
        (Interleave(impressions=300), "identical", 2),
        (AbTest(baseline=0.1, effect=0.05), "zipf", 2),
        (AbTest(baseline=0.1, effect=0.08), "client", 3),
        (AbTest(baseline=0.1, effect=0.05), "failing-user", 2),
        (AbTest(baseline=0.1, effect=0.05), "split-60", 2),
        (AbTest(baseline=0.1, effect=0.05), "bursts", 2),
        (AbTest(baseline=0.1, effect=0.05), "silent", 2),
        (Bandit(update_minutes=5, delay_minutes=5, min_rewards=20), "zipf", 2),
        (Bandit(update_minutes=5, delay_minutes=5, min_rewards=20), "reward-cycle", 2),
        (Interleave(impressions=2000), "zipf", 2),
        (Interleave(impressions=2000), "client", 2),
        (Shadow(minutes=40), "outage", 2),
        (Shadow(minutes=40), "bursts", 2),
        (Shadow(minutes=40), "slow", 2),
    ],
)
def test_experiments_too_may_be_asked_only_when_something_is_new(options: Options, name: str, arms: int) -> None:
    named = find_scenarios([name], options, Traffic(rps=2, feedback=0.5), arms=arms)[0]
    options, _ = named.setting(options, JudgeConfig())
    setting = Setting(options, runs=4, hours=3, seed=3)
    lazy, eager = (simulate(named.scenario, replace(setting, asked_every_time=every)) for every in (False, True))
    for one, other in zip(lazy, eager, strict=True):
        assert (one.outcome, one.minutes, one.harmed, one.requests, one.suspected) == (
            other.outcome,
            other.minutes,
            other.harmed,
            other.requests,
            other.suspected,
        )
        assert [entry.what for entry in one.record.history] == [entry.what for entry in other.record.history]
        assert (one.record.winner, one.record.shares) == (other.record.winner, other.record.shares)
        assert not one.record.phase.ended or one.record.clustered(2, "errors") == other.record.clustered(2, "errors")


def test_an_experiments_figures_say_who_was_named() -> None:
    options = AbTest(baseline=0.1, effect=0.05)
    shares = {}
    for named in find_scenarios(["identical", "better", "worse"], options, Traffic(rps=5)):
        figures = figures_of(named, simulate(named.scenario, Setting(options, runs=40)), options)
        assert isinstance(figures, ExperimentFigures)
        shares[named.scenario.name] = (figures.right, figures.wrong)
    assert shares["identical"][0] == 0
    assert shares["identical"][1] <= 0.15
    assert shares["better"][0] > 0.6
    assert shares["worse"][0] > 0.6


def test_a_bandit_gives_less_away_than_equal_shares_even_if_rewards_are_late() -> None:
    options = Bandit(cycle_minutes=0)
    for named in find_scenarios(["better", "late"], options, Traffic(rps=5)):
        found = figures_of(named, simulate(named.scenario, Setting(options, runs=10)), options)
        assert isinstance(found, ExperimentFigures)
        assert (found.right, found.rolled_back) == (1.0, 0.0)
        assert found.lost_per_1000 is not None
        assert found.lost_equal_per_1000 == pytest.approx(10)
        assert 0 < found.lost_per_1000 < 10


def test_a_shadows_figures_say_what_the_report_says() -> None:
    options = Shadow(minutes=10)
    said = {}
    for named in find_scenarios(["identical", "errors", "stopping"], options, Traffic(rps=20)):
        figures = figures_of(named, simulate(named.scenario, Setting(options, runs=5)), options)
        assert isinstance(figures, ShadowFigures)
        said[named.scenario.name] = (figures.worse, figures.within, figures.median_minutes)
        assert figures.disagreement == pytest.approx(0.05, abs=0.01)
    assert said == {"identical": (0, 1, None), "errors": (1, 0, 3), "stopping": (0, 1, None)}


def test_a_shadow_is_compared_in_what_it_answers_and_nothing_comes_back_for_it() -> None:
    options = Shadow(minutes=120)
    wrong, broken = find_scenarios(["wrong", "broken"], options, Traffic(rps=20, feedback=1, feedback_minutes=1))
    figures = figures_of(wrong, simulate(wrong.scenario, Setting(options, runs=5)), options)
    assert isinstance(figures, ShadowFigures)
    assert (figures.within, figures.disagreement) == (1, pytest.approx(0.15, abs=0.01))
    figures = figures_of(broken, simulate(broken.scenario, Setting(options, runs=5)), options)
    assert isinstance(figures, ShadowFigures)
    assert (figures.worse, figures.disagreement) == (1, None)


@pytest.mark.parametrize(
    ("options", "better"),
    [
        (Bandit(), {"reward": 0.2}),
        (AbTest(baseline=0.3), {"reward": 0.31}),
        (AbTest(metric="accuracy", baseline=0.7), {"wrong": 0.2}),
        (Interleave(), {"preferred": 0.6}),
    ],
)
def test_which_version_an_experiment_ought_to_name(options: Options, better: dict[str, float]) -> None:
    stable = stable_of(options)
    candidate = replace(stable, **better)  # type: ignore[arg-type]  # fields that are numbers
    assert (best_of(options, stable, candidate), best_of(options, stable, stable)) == (2, None)
