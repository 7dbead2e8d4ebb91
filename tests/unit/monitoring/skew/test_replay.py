"""Replay: the one feature that differs is named, and what only raced, or cannot be known, is not."""

import json
from typing import Any

import pytest

from slipway.features.history.rows import Change, HistoryRow
from slipway.features.history.timeline import Timeline
from slipway.monitoring.skew.fields import GroupedInputs, ServedGroup
from slipway.monitoring.skew.replay import SHOWN, replay, same_value

NOON = 1_795_262_400_000
GROUPED = GroupedInputs("last-hour", "user", ("clicks", "spend", "city"), {"clicks": 0})
ROWS = 100_000


def row(at: int, values: dict[str, Any] | None, *, id: str = "u1", expires_at: int | None = None) -> HistoryRow:
    change = Change.DELETE if values is None else Change.WRITE
    text = None if values is None else json.dumps(values)
    return HistoryRow("last-hour", "user", id, change, NOON + at, f"{at + 10**9:040}", NOON + at, expires_at, text)


def served(at: int, values: dict[str, Any], *, id: str = "u1", number: int = 0) -> ServedGroup:
    return ServedGroup(f"m.1.{number}", 1, NOON + at, id, values, GROUPED)


def lines(*rows: HistoryRow) -> dict[tuple[str, str], Timeline]:
    ids = dict.fromkeys(each.id for each in rows)
    return {("last-hour", id): Timeline.of(each for each in rows if each.id == id) for id in ids}


OLD, NEW = ({"clicks": 3, "spend": 0.1, "city": "Oslo"}, {"clicks": 4, "spend": 0.2, "city": "Oslo"})
HISTORY = lines(row(-60_000, OLD), row(0, NEW), row(60_000, None))


def test_what_the_store_had_is_the_same() -> None:
    found = replay([served(-30_000, OLD), served(30_000, NEW)], HISTORY)
    assert (found.rows, found.values, found.differing, found.raced, found.unknown) == (2, 6, 0, 0, 0)


def test_a_feature_that_differs_is_named_with_both_values_and_the_write() -> None:
    found = replay([served(30_000, {**NEW, "spend": 0.1})], HISTORY)
    (each,) = found.differences
    assert (each.feature, each.served, each.expected, each.written_at) == ("spend", 0.1, 0.2, NOON)
    assert (each.row.id, each.row.time, found.differing) == ("u1", NOON + 30_000, 1)
    assert found.features == {"last-hour.spend": 1}


@pytest.mark.parametrize(
    ("at", "values", "races"),
    [
        (2_000, OLD, True),  # an eventually consistent read
        (-2_000, NEW, True),  # clocks that differ
        (2_000, {**OLD, "city": "Bergen"}, False),
        (2_000, {**OLD, "clicks": 4}, False),  # half of each: an item is read whole
        (30_000, OLD, False),
        (62_000, NEW, True),  # deleted just before
    ],
)
def test_a_write_within_seconds_is_said_apart(at: int, values: dict[str, Any], races: bool) -> None:
    found = replay([served(at, values)], HISTORY)
    assert (found.raced, found.differing) == ((1, 0) if races else (0, 1))


def test_a_longer_race_may_be_allowed_and_none_at_all() -> None:
    assert replay([served(30_000, OLD)], HISTORY, race_seconds=31).raced == 1
    assert replay([served(2_000, OLD)], HISTORY, race_seconds=0).differing == 1


def test_defaults_are_what_a_missing_row_offers() -> None:
    offered = {"clicks": 0, "spend": None, "city": None}
    assert replay([served(90_000, offered)], HISTORY).differing == 0
    found = replay([served(90_000, {**offered, "clicks": 7})], HISTORY)
    assert [(each.feature, each.expected, each.written_at) for each in found.differences] == [("clicks", 0, None)]
    # Nobody ever wrote of this user, and the prediction had the defaults.
    assert replay([served(0, offered, id="u2")], HISTORY).unknown == 0


def test_a_row_that_had_expired_is_missing() -> None:
    history = lines(row(-60_000, OLD, expires_at=NOON // 1000))
    assert replay([served(-10_000, OLD)], history).differing == 0
    assert replay([served(10_000, OLD)], history).differing == 1
    assert replay([served(3_000, OLD)], history).raced == 1


def test_what_was_written_before_the_history_began_is_unknown() -> None:
    found = replay([served(-90_000, OLD), served(0, OLD, id="u2")], HISTORY)
    assert (found.unknown, found.rows, found.differing) == (2, 0, 0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (0.1, 0.10000000149011612, True),  # through 32 bits
        (0.1, 0.1001, False),
        (0.0, -0.0, True),
        (0.0, 1e-12, False),
        (1, 1.0, True),
        (2**53, 2**53 + 1, False),  # integers are exact
        (True, 1, False),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
        ("é", "é", True),
    ],
)
def test_values_are_the_same_by_their_types(one: Any, other: Any, same: bool) -> None:
    assert same_value(one, other, 1e-6) is same
    assert same_value(other, one, 1e-6) is same


def test_one_altered_value_among_a_hundred_thousand_rows_is_found_and_named() -> None:
    history = lines(
        *(row(0, {"clicks": n, "spend": n / 7, "city": "Oslo"}, id=f"u{n}") for n in range(0, ROWS, 10)),
    )
    captured = [
        served(
            10_000 + n,
            {"clicks": n // 10 * 10, "spend": n // 10 * 10 / 7, "city": "Oslo"},
            id=f"u{n // 10 * 10}",
            number=n,
        )
        for n in range(ROWS)
    ]
    altered = captured[54_321]
    captured[54_321] = served(
        altered.time - NOON, {**altered.values, "clicks": altered.values["clicks"] + 1}, id=altered.id, number=54_321
    )
    found = replay(captured, history)
    (each,) = found.differences
    assert (found.rows, found.differing) == (ROWS, 1)
    assert (each.row.prediction, each.row.id, each.feature) == ("m.1.54321", "u54320", "clicks")
    assert (each.served, each.expected) == (54_321, 54_320)


def test_differences_are_counted_beyond_those_that_are_kept() -> None:
    found = replay([served(30_000, {**NEW, "spend": 9.0}, number=n) for n in range(SHOWN + 50)], HISTORY)
    assert (found.differing, found.features["last-hour.spend"], len(found.differences)) == (
        SHOWN + 50,
        SHOWN + 50,
        SHOWN,
    )
