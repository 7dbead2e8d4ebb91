"""Pictures of distributions have one character for each cell, at one scale."""

from slipway.cli.monitor.drift.picture import WIDTH, pictures


def test_both_pictures_are_at_one_scale_and_an_empty_cell_is_a_dot() -> None:
    assert pictures([0.0, 0.5, 0.5, 0.0], [0.0, 0.25, 0.5, 0.25], ordered=True) == ("·██·", "·▅█▅")
    assert pictures([1.0], [0.001], ordered=True) == ("█", "▁")


def test_more_cells_of_numbers_are_joined_with_their_neighbours_but_what_is_missing_stays_alone() -> None:
    before, now = pictures([1 / 25] * 24 + [0.04], [0.0] * 24 + [1.0], ordered=True)
    assert len(before) == len(now) == WIDTH
    assert now == "·" * (WIDTH - 1) + "█"


def test_of_more_categories_those_that_differ_most_are_shown_and_the_rest_together() -> None:
    expected = [0.01] * 100
    found = [0.0] * 50 + [0.51] + [0.01] * 49
    before, now = pictures(expected, found, ordered=False)
    assert len(before) == len(now) == WIDTH
    assert "▅" in now or "█" in now
