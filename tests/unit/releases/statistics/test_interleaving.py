import math

import numpy as np
import pytest

from slipway.releases.statistics.interleaving import Pick, SignTest, Team, preferred, team_draft

A, B = ["a", "b", "c", "d"], ["c", "e", "a", "f"]


def test_the_draft_takes_every_item_once_and_the_best_first() -> None:
    for number in range(200):
        picks = team_draft(A, B, salt="s", key=f"r{number}")
        items = [pick.item for pick in picks]
        assert sorted(items) == ["a", "b", "c", "d", "e", "f"]
        assert {picks[0].item, picks[1].item} == {"a", "c"}
        assert {pick.team for pick in picks[:2]} == set(Team)


def test_teams_take_turns_in_rounds_and_coins_are_fair() -> None:
    first = [team_draft(A, B, salt="s", key=f"r{number}")[0].team for number in range(2000)]
    assert first.count(Team.STABLE) / 2000 == pytest.approx(0.5, abs=0.04)


def test_the_same_request_gets_the_same_answer() -> None:
    assert team_draft(A, B, salt="s", key="r") == team_draft(A, B, salt="s", key="r")


def test_equal_rankings_stay_as_they_are_and_credit_no_team_more() -> None:
    credit = 0
    for number in range(2000):
        picks = team_draft(A, A, salt="s", key=f"r{number}")
        assert [pick.item for pick in picks] == A
        credit += sum(1 if pick.team is Team.CANDIDATE else -1 for pick in picks if pick.item == "a")
    assert abs(credit) < 150


def test_a_length_is_kept_and_a_short_ranking_runs_out() -> None:
    assert len(team_draft(A, B, salt="s", key="r", length=3)) == 3
    assert sorted(pick.item for pick in team_draft(["x"], B, salt="s", key="r")) == sorted([*B, "x"])
    assert team_draft([], [], salt="s", key="r") == []


def test_clicks_are_credited_to_the_team_that_picked() -> None:
    picks = [Pick("a", Team.STABLE), Pick("c", Team.CANDIDATE), Pick("e", Team.CANDIDATE), Pick("b", Team.STABLE)]
    assert preferred(picks, {"e", "c"}) is Team.CANDIDATE
    assert preferred(picks, {"b"}) is Team.STABLE
    assert preferred(picks, {"a", "c"}) is None
    assert preferred(picks, set()) is None


def test_the_sign_test_is_valid_however_often_one_looks() -> None:
    rng, alpha, wrong = np.random.default_rng(3), 0.05, 0
    for _ in range(100):
        won = np.cumsum(rng.random(300) < 0.5)
        wrong += any(SignTest(float(w), float(n - w), 5).winner(alpha) for n, w in enumerate(won.tolist(), start=1))
    assert wrong / 100 <= alpha


def test_the_sign_test_finds_the_better_one_and_counts_ties_for_nobody() -> None:
    assert SignTest(600, 400, 0).winner(0.05) is Team.CANDIDATE
    assert SignTest(400, 600, 9000).winner(0.05) is Team.STABLE
    assert SignTest(510, 490, 0).winner(0.05) is None
    assert SignTest(0, 0, 500).log_evidence == 0
    assert SignTest(2, 0, 0).log_evidence == pytest.approx(math.log(4 / 3))
    assert "60.0 % of 1,000 impressions, 7 were ties" in SignTest(600, 400, 7).sentence
