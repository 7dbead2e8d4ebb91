import pytest

from slipway.releases.statistics.interleaving import Pick, Team, preferred, team_draft

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
