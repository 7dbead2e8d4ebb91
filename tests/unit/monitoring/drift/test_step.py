"""The step `drift`, period by period."""

import json

import pytest
from support.drift import START, Watching, categories, numbers

from slipway.config.drift import DriftConfig
from slipway.monitoring.drift.references import acknowledge

AGE = numbers()
LABEL = categories("outputs.label", {"late": 0.2, "on time": 0.8})
COLUMNS = (AGE, LABEL)
HIGHER = (0.0, *[0.05] * 8, 0.25, 0.3, 0.05, 0.0)
MORE_LATE = (0.4, 0.6, 0.0, 0.0)


def test_nothing_drifts_in_weeks_of_the_same() -> None:
    watching = Watching(COLUMNS)
    found = watching.draw(24 * 28)
    assert watching.alarms() == []
    assert {each.metrics["DriftedColumns"] for each in found} == {0}


def test_a_shift_is_found_within_two_days_and_told_once() -> None:
    watching = Watching(COLUMNS)
    watching.draw(24 * 7)
    found = watching.draw(24 * 7, inputs_age=HIGHER)
    ((hour, columns),) = watching.alarms()
    assert columns == ["inputs.age"]
    assert 24 * 7 < hour <= 24 * 9
    assert found[-1].metrics["DriftedColumns"] == 1
    assert found[-1].metrics["LargestDrift"] > 0.05


def test_the_event_names_columns_effects_and_the_cells_that_moved() -> None:
    watching = Watching(COLUMNS)
    events = [event for each in watching.draw(24 * 5, outputs_label=MORE_LATE) for event in each.events]
    event = events[0]
    assert event.is_new
    detail = json.loads(json.dumps(event.detail))
    assert (event.kind, detail["model"], detail["version"]) == ("drift", "tiny", 1)
    (column,) = detail["columns"]
    assert column["column"] == "outputs.label"
    assert column["effect"] == pytest.approx(0.158, abs=0.05)
    assert column["moved"][0]["cell"] in {"late", "on time"}
    assert detail["window"]["records"] == 24 * 60
    assert detail["drifted"] == ["outputs.label"]


def test_a_drift_that_stands_is_an_event_again_each_day() -> None:
    watching = Watching(COLUMNS)
    found = watching.draw(24 * 7, outputs_label=MORE_LATE)
    ((hour, _),) = watching.alarms()
    at = [index for index, each in enumerate(found, start=1) if each.events]
    assert at == list(range(hour, 24 * 7 + 1, 24))
    (reminder,) = found[at[1] - 1].events
    assert not reminder.is_new
    assert [each["column"] for each in reminder.detail["columns"]] == ["outputs.label"]


def test_a_small_effect_is_no_alarm_however_sure_the_test_is() -> None:
    watching = Watching(COLUMNS, DriftConfig(effect=0.3))
    watching.draw(24 * 14, outputs_label=MORE_LATE)
    assert watching.alarms() == []


def test_an_effect_by_chance_is_no_alarm() -> None:
    """A day of three records an hour is always far from its baseline."""
    watching = Watching(COLUMNS, DriftConfig(effect=0.05))
    found = watching.draw(24 * 14, records=3)
    assert watching.alarms() == []
    assert "LargestDrift" not in found[0].metrics  # of three records


def test_what_breaks_is_found_within_a_day() -> None:
    watching = Watching(COLUMNS)
    watching.draw(24 * 7)
    watching.draw(24, inputs_age=(*[0.0] * 12, 1.0))
    ((hour, columns),) = watching.alarms()
    assert columns == ["inputs.age"]
    assert hour - 24 * 7 < 20


def test_a_new_category_and_more_missing_values_drift() -> None:
    watching = Watching(COLUMNS)
    watching.draw(24 * 4, outputs_label=(0.18, 0.72, 0.1, 0.0), inputs_age=(0.0, *[0.092] * 10, 0.0, 0.08))
    assert watching.drifted() == {"outputs.label", "inputs.age"}


def test_a_column_that_is_constant_in_the_baseline_drifts_when_it_is_not() -> None:
    constant = numbers("inputs.constant", 1)
    watching = Watching((constant, LABEL))
    watching.draw(24 * 4)
    assert watching.alarms() == []
    watching.draw(24 * 3, inputs_constant=(0.1, 0.9, 0.0, 0.0))
    assert watching.drifted() == {"inputs.constant"}


def test_pieces_of_texts_are_counted_and_weighed_per_piece() -> None:
    pieces = categories("inputs.text.pieces", {f"{cell:02x}": 1 / 64 for cell in range(64)}, kind="pieces")
    watching = Watching((pieces, LABEL))
    watching.draw(24 * 4, records=400)
    assert watching.alarms() == []
    shares = (0.1, *[0.9 / 63] * 63, 0.0, 0.0)
    watching.draw(24 * 4, records=400, inputs_text_pieces=shares)
    assert watching.drifted() == {"inputs.text.pieces"}


def test_hours_without_captures_change_nothing() -> None:
    watching = Watching(COLUMNS)
    watching.draw(30)
    for _ in range(100):
        watching.take(None)
    watching.draw(24 * 4, outputs_label=MORE_LATE)
    ((hour, _),) = watching.alarms()
    assert 130 < hour <= 130 + 24 * 4
    assert watching.state is not None
    assert len(watching.state["window"]) == 24


def test_a_profile_without_a_column_says_nothing_of_it() -> None:
    watching = Watching(COLUMNS)
    for _ in range(24 * 4):
        watching.take({"outputs.label": (24, 36, 0, 0)})
    assert watching.drifted() == {"outputs.label"}


def test_a_drift_that_ends_is_over_and_its_return_is_told_again() -> None:
    watching = Watching(COLUMNS)
    watching.draw(24 * 4, outputs_label=MORE_LATE)
    watching.draw(24 * 7)
    assert watching.drifted() == set()
    watching.draw(24 * 6, outputs_label=MORE_LATE)
    assert [columns for _, columns in watching.alarms()] == [["outputs.label"], ["outputs.label"]]


def test_what_is_acknowledged_is_normal_from_then_on() -> None:
    watching = Watching(COLUMNS)
    watching.draw(24 * 4, outputs_label=MORE_LATE)
    assert watching.drifted() == {"outputs.label"}
    watching.references = acknowledge([LABEL], watching.profiles[-24:])
    watching.draw(24 * 14, outputs_label=MORE_LATE)
    assert watching.drifted() == set()
    assert len(watching.alarms()) == 1
    watching.draw(24 * 7, outputs_label=(0.8, 0.2, 0.0, 0.0))
    assert watching.drifted() == {"outputs.label"}


def test_ignored_columns_may_move() -> None:
    watching = Watching(COLUMNS, DriftConfig(ignore=("outputs.label",)))
    watching.draw(24 * 5, outputs_label=MORE_LATE)
    assert watching.alarms() == []
    assert watching.state is not None
    assert list(watching.state["columns"]) == ["inputs.age"]


def test_other_bins_begin_anew() -> None:
    watching = Watching(COLUMNS)
    watching.draw(24 * 4, outputs_label=MORE_LATE)
    watching.bins = (AGE, categories("outputs.label", {"late": 0.4, "on time": 0.5, "cancelled": 0.1}))
    watching.draw(3)
    assert watching.drifted() == set()
    assert watching.state is not None
    assert len(watching.state["window"]) == 3


def test_short_periods_are_bet_on_by_the_hour() -> None:
    """Within an hour one client's records may be alike, so twelve periods of five minutes are no more than one hour."""
    watching = Watching(COLUMNS, minutes=5)
    found = watching.draw(24, records=5)
    assert [bool(each.metrics) for each in found] == [*[False] * 11, True] * 2
    assert watching.state is not None
    assert [unit["records"] for unit in watching.state["window"]] == [60, 60]


def test_an_hour_whose_last_periods_lack_is_bet_on_when_the_next_one_comes() -> None:
    watching = Watching(COLUMNS, minutes=5)
    watching.draw(6, records=5)
    for _ in range(6):
        watching.take(None)
    watching.draw(1, records=5)
    assert watching.state is not None
    assert [unit["closed"] for unit in watching.state["window"]] == [True, False]


def test_on_a_laptop_a_minute_stands_for_an_hour_and_is_looked_at_alone() -> None:
    watching = Watching(COLUMNS, minutes=1)
    watching.draw(30, outputs_label=(0.9, 0.1, 0.0, 0.0))
    ((minute, columns),) = watching.alarms()
    assert columns == ["outputs.label"]
    assert minute <= 15


def test_independent_records_are_bet_on_one_by_one() -> None:
    config = DriftConfig(unit_hours=0)
    watching = Watching(COLUMNS, config)
    watching.draw(24 * 14)
    assert watching.alarms() == []
    watching.draw(24, outputs_label=MORE_LATE)
    ((hour, columns),) = watching.alarms()
    assert columns == ["outputs.label"]
    assert hour == 24 * 15
    laptop = Watching(COLUMNS, config, minutes=1)
    laptop.draw(5, records=200, outputs_label=MORE_LATE)
    ((minute, _),) = laptop.alarms()
    assert minute <= 3


def test_units_of_a_day_need_days() -> None:
    config = DriftConfig(unit_hours=24, window_hours=168)
    watching = Watching(COLUMNS, config)
    watching.draw(24 * 40, outputs_label=(0.8, 0.2, 0.0, 0.0))
    ((hour, _),) = watching.alarms()
    assert hour % 24 == 0
    assert hour > 24 * 4


def test_the_step_is_a_function_of_state_and_period() -> None:
    first, second = Watching(COLUMNS, seed=3), Watching(COLUMNS, seed=3)
    first.draw(24 * 3, outputs_label=MORE_LATE)
    second.draw(24 * 2, outputs_label=MORE_LATE)
    second.state = json.loads(json.dumps(second.state))
    second.draw(24, outputs_label=MORE_LATE)
    assert second.state == first.state
    assert second.alarms() == first.alarms()
    assert first.profiles[0].start == START
