"""The judge's capital over minutes: merged, tempered, limited, and remembered by what it was won."""

from collections.abc import Callable

import numpy as np
import pytest

from slipway.config.releases.options import JudgeConfig
from slipway.releases.evidence.tallies import Tally
from slipway.releases.statistics.capital import COUNTS, Capital, block_of
from slipway.releases.statistics.comparisons import Questions, against_reference, questions, reference_bounds
from slipway.releases.statistics.dispersion import Moments, design_effect
from slipway.statistics.betting import Block

ASKED = questions(JudgeConfig(), ("no", "yes"), parts=2)
LEVEL = float(np.log(1 / ASKED.alpha))
Rates = Callable[[np.random.Generator], np.ndarray]


def errors(n: float, failed: float) -> dict[str, Tally]:
    return {"errors": Tally(n, failed)}


def block(ours: tuple[float, float], theirs: tuple[float, float]) -> Block:
    return block_of(errors(*ours), errors(*theirs), ASKED)


def evidence(capital: Capital) -> float:
    return float(capital.evidence_against(ASKED, "errors"))


def known() -> Capital:
    """A capital that has seen twenty minutes of the stable version, all alike."""
    capital, none = Capital.of(ASKED), np.zeros(1)
    for _ in range(20):
        capital = capital.having_seen(np.full(len(ASKED.rows), 100.0), np.full(len(ASKED.rows), 0.1), kept=none)
    return capital


def after(*minutes: Block, capital: Capital | None = None) -> Capital:
    found = capital or known()
    for minute in minutes:
        found = found.after(minute, ASKED)
    return found


def test_minutes_are_merged_until_both_versions_have_outcomes() -> None:
    """Candidate and stable version in alternate minutes are as much evidence as in the same ones."""
    ours, theirs = block((2, 2), (0, 0)), block((0, 0), (2, 0))
    assert evidence(after(ours)) == pytest.approx(0, abs=0.01)
    alternating = after(*(each for _ in range(8) for each in (ours, theirs)))
    together = after(*(block((2, 2), (2, 0)) for _ in range(8)))
    assert evidence(alternating) == pytest.approx(evidence(together), abs=0.05)
    assert evidence(alternating) > LEVEL


@pytest.mark.parametrize("stable", [3, 19, 99])
def test_a_candidate_that_fails_everything_is_found_within_eight_failures(stable: int) -> None:
    failures, capital = 0, known()
    while evidence(capital) < LEVEL:
        failures += 1
        capital = after(block((1, 1), (stable, 0)), capital=capital)
    assert failures <= 8


def test_one_minute_of_a_burst_does_not_decide_and_one_of_a_disaster_does() -> None:
    assert evidence(after(block((3000, 300), (57_000, 57)))) < LEVEL
    assert evidence(after(*[block((3000, 300), (57_000, 57))] * 2)) > LEVEL
    assert evidence(after(block((30, 30), (570, 1)))) > LEVEL


def test_where_nothing_is_known_of_the_stable_versions_minutes_it_takes_three() -> None:
    bad = block((3000, 300), (57_000, 57))
    assert evidence(after(*[bad] * 2, capital=Capital.of(ASKED))) < LEVEL
    assert evidence(after(*[bad] * 3, capital=Capital.of(ASKED))) > LEVEL


def test_a_burst_after_a_good_hour_decides_nothing() -> None:
    good, bad = block((300, 0.3), (5700, 5.7)), block((300, 15), (5700, 5.7))
    capital = after(*[good] * 60, *[bad] * 2)
    assert evidence(capital) < LEVEL
    assert evidence(after(*[bad] * 3, capital=capital)) > LEVEL


def test_the_counts_shown_are_those_that_decided() -> None:
    good, bad = block((300, 0), (5700, 6)), block((300, 30), (5700, 6))
    capital = after(*[good] * 600, *[bad] * 6)
    assert evidence(capital) > LEVEL
    shown = (float(capital.rising.candidate_n[0]), float(capital.rising.candidate_sum[0]))
    assert shown[0] < 2000
    assert shown[1] / shown[0] > 0.05
    assert float(capital.counts.candidate_n[0]) == 606 * 300


def test_outcomes_that_come_in_bunches_are_worth_less() -> None:
    """Of minutes in which all requests share their fate, each is one outcome."""
    rng = np.random.default_rng(3)
    past = Capital.of(ASKED)
    for _ in range(180):
        n, failed = 100.0, 100.0 * (rng.random() < 0.1)
        past = past.having_seen(*(np.full(len(ASKED.rows), each) for each in (n, failed)), kept=np.ones(1))
    assert past.moments.correlation[0] == pytest.approx(1, abs=0.15)
    unlucky = block((100, 40), (100, 0))
    assert evidence(after(*[unlucky] * 2, capital=past)) < 2
    assert evidence(after(*[unlucky] * 3)) > LEVEL


@pytest.mark.parametrize("correlation", [0.0, 0.002, 0.05])
@pytest.mark.parametrize("mean", [0.01, 0.3])
def test_the_correlation_is_found(correlation: float, mean: float) -> None:
    """A beta-binomial version, whose mean also moves over the day."""
    rng, moments = np.random.default_rng(11), Moments.none((200,))
    for minute in range(180):
        daily = mean * (1 + 0.5 * np.sin(minute / 30))
        rates: np.ndarray = np.full(200, daily)
        if correlation:
            size = 1 / correlation - 1
            rates = rng.beta(daily * size, (1 - daily) * size, 200)
        n = rng.poisson(500, 200).astype(float)
        moments = moments.after(n, rng.binomial(n.astype(int), rates).astype(float))
    found = moments.correlation
    # One standard error is left out on purpose, and is the most by which a fair estimate falls short.
    error = np.sqrt(2 / 180) * (1 + 499 * correlation) / 499
    assert correlation - 2.5 * error < np.median(found) < correlation + 0.5 * error + 1e-4
    assert (design_effect(np.array(500.0), np.median(found)) < 1 + 1e-6) == (correlation == 0)


def test_the_ratio_of_a_latency_is_the_line() -> None:
    """A candidate exactly as slow as allowed is not called worse, and one that is clearly slower is."""
    row = ASKED.indices("p50")
    for over, worse in ((0.5, False), (0.6, True)):
        tallies = ({"p50": Tally(300, 300 * over)}, {"p50": Tally(5700, 2850)})
        capital = after(*[block_of(*tallies, ASKED)] * 30)
        assert (float(capital.evidence_against(ASKED, "p50")) > LEVEL) is worse
        assert bool((capital.evidence_for(ASKED)[row] > 3).any()) is False


@pytest.mark.parametrize(
    ("ours", "theirs", "worse", "fine"),
    [
        ((300, 0), (5700, 0), False, True),  # latencies that are all alike prove something
        ((300, 240), (5700, 4560), False, False),  # both became slow, and the candidate is not to blame
        ((300, 120), (5700, 1140), False, True),  # more than the stable version's share, and less than half
        ((300, 240), (5700, 2850), True, False),
    ],
)
def test_a_quantile_is_worse_only_by_both_comparisons_and_proven_by_either(
    ours: tuple[float, float], theirs: tuple[float, float], worse: bool, fine: bool
) -> None:
    capital = after(*[block_of({"p50": Tally(*ours)}, {"p50": Tally(*theirs)}, ASKED)] * 10)
    assert (float(capital.evidence_against(ASKED, "p50")) > LEVEL) is worse
    assert bool(capital.evidence_for(ASKED)[ASKED.indices("p50")[0]] > np.log(1 / ASKED.beta)) is fine


def _alone(failing: float, minutes: int, per_minute: float) -> tuple[Capital, Questions]:
    """A candidate without the stable version beside it, of which three good hours are known."""
    past = block_of({}, {key: Tally(10_800, 10_800 * at) for key, at in SHARES.items()}, ASKED)
    upper, lower = reference_bounds(ASKED, past.stable_n, past.stable_sum)
    asked, capital = against_reference(ASKED, upper.tolist(), lower.tolist()), Capital.of(ASKED)
    shares = {**SHARES, "errors": failing, "p50": 0.3, "p99": 0.002}
    tallies = {key: Tally(per_minute, per_minute * share) for key, share in shares.items()}
    for _ in range(minutes):
        capital = capital.after(block_of(tallies, {}, asked), asked)
    return capital, asked


SHARES = {"errors": 0.001, "p50": 0.5, "p99": 0.01, "label:no": 0.5, "label:yes": 0.5, "score": 0.8}


def test_without_the_stable_version_beside_it_a_candidate_can_still_be_proven() -> None:
    good, asked = _alone(0.0005, 60, 60)
    assert bool(good.proven(asked))
    bad, asked = _alone(0.17, 60, 60)
    assert not bool(bad.proven(asked))
    assert float(bad.evidence_against(asked, "errors")) > np.log(1 / asked.alpha)


def test_the_capital_of_a_run_is_taken_out_and_packed() -> None:
    runs = Capital.of(ASKED, (3,))
    minute = block((30, 3), (300, 1))
    many = Block(*(np.repeat(getattr(minute, name)[None], 3, axis=0) for name in Block.__slots__))
    one, taken = after(minute, capital=Capital.of(ASKED)), runs.after(many, ASKED).of_run(1)
    assert len(one.packed_counts()) == COUNTS
    np.testing.assert_allclose(one.packed_counts(), taken.packed_counts())
    np.testing.assert_allclose(one.against, taken.against)
    np.testing.assert_allclose(one.repeated(2).favour[1], one.favour)
